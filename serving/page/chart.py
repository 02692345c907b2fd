"""A small chart of scores over months, as SVG made here: no script, no style in the page."""

from collections.abc import Sequence
from datetime import date
from html import escape

WIDTH, HEIGHT = 480, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 24


def score_chart(history: Sequence[tuple[date, float]], title: str) -> str:
    """A line through the scores, a dot with its value as text for each month; empty without
    scores.
    """
    if not history:
        return ""
    top = max(score for _, score in history) * 1.1 or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(len(history) - 1, 1)
    points = []
    for place, (month, score) in enumerate(history):
        across = LEFT + place * step
        down = TOP + (1 - score / top) * (HEIGHT - TOP - BOTTOM)
        points.append((across, down, month, score))
    line = " ".join(f"{across:.1f},{down:.1f}" for across, down, _, _ in points)
    dots = "".join(
        f'<circle class="dot" cx="{across:.1f}" cy="{down:.1f}" r="3.5">'
        f"<title>{month:%Y-%m}: {score:.1%}</title></circle>"
        for across, down, month, score in points
    )
    first, last = points[0][2], points[-1][2]
    base = HEIGHT - BOTTOM
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
        f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{top:.0%}</text>'
        f'<text class="tick" x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>'
        f'<text class="tick" x="{LEFT}" y="{HEIGHT - 6}">{first:%Y-%m}</text>'
        f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">'
        f"{last:%Y-%m}</text>"
        f'<polyline class="line" points="{line}"/>{dots}</svg>'
    )
