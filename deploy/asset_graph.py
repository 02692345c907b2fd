"""Draws the assets of each portfolio, as the code defines them, for the site of the documents."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from dagster import Definitions

PAGE, PICTURE = "asset_graph.md", "asset_graph_{}.svg"
WIDE, HIGH, ACROSS, DOWN, EDGE = 168, 26, 216, 36, 20  # a box, the next one to the right, below
COLOURS = ("#dbeafe", "#e0e7ff", "#dcfce7", "#fef3c7", "#fee2e2", "#f3e8ff", "#ccfbf1", "#e5e7eb")


@dataclass(frozen=True)
class Asset:
    """One asset: its key, stage, first sentence, and what it is made from."""

    key: str
    stage: str
    description: str
    parents: frozenset[str]


def write_asset_graph(target: Path) -> None:
    """Write a page with a picture and a table for each portfolio of the installation."""
    from churn_platform.definitions import build_defs

    with tempfile.TemporaryDirectory() as folder:
        assets = assets_of(build_defs(data_dir=Path(folder)))
    parts = ["# The graph of assets", "As the code defines it, made with this site."]
    for name in sorted({portfolio_of(asset.key) for asset in assets}):
        own = [asset for asset in assets if portfolio_of(asset.key) == name]
        (target / PICTURE.format(name)).write_text(drawn(own), encoding="utf-8")
        parts += [f"## {name}", f"![Assets of {name}]({PICTURE.format(name)})", table(own)]
    (target / PAGE).write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def assets_of(definitions: Definitions) -> list[Asset]:
    """Every asset of the definitions, by key."""
    graph = definitions.resolve_asset_graph()
    found = []
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        words = (node.description or "").strip().split("\n\n")[0]
        found.append(
            Asset(
                key=key.to_user_string(),
                stage=(node.group_name or "").rsplit("_", 1)[-1],
                description=" ".join(words.split()),
                parents=frozenset(parent.to_user_string() for parent in node.parent_keys),
            )
        )
    return found


def portfolio_of(key: str) -> str:
    """Whose asset it is: raw tables and staging stand below names that begin as the portfolio's."""
    first = key.split("/")[0]
    return first.removesuffix("_raw").removesuffix("_staging")


def layers(assets: Iterable[Asset]) -> list[list[Asset]]:
    """Assets by their distance from what they come from, so that every line leads to the right."""
    left = {asset.key: asset for asset in assets}
    rows: dict[str, float] = {}
    made: list[list[Asset]] = []
    while left:
        layer = [asset for asset in left.values() if not asset.parents & left.keys()]
        # Beside what it comes from, lines cross least.
        layer.sort(key=lambda asset: (_mean_row(asset, rows), asset.key))
        rows |= {asset.key: float(row) for row, asset in enumerate(layer)}
        for asset in layer:
            del left[asset.key]
        made.append(layer)
    return made


def drawn(assets: Iterable[Asset]) -> str:
    """A picture of boxes and lines that asks for nothing outside of itself."""
    columns = layers(assets)
    corners = {
        asset.key: (EDGE + ACROSS * column, EDGE + DOWN * row)
        for column, layer in enumerate(columns)
        for row, asset in enumerate(layer)
    }
    boxes, lines = [], []
    stages = sorted({asset.stage for layer in columns for asset in layer})
    for layer in columns:
        for asset in layer:
            colour = COLOURS[stages.index(asset.stage) % len(COLOURS)]
            boxes.append(_box(asset, corners[asset.key], colour))
            for parent in sorted(asset.parents & corners.keys()):
                lines.append(_line(corners[parent], corners[asset.key]))
    width = 2 * EDGE + ACROSS * (len(columns) - 1) + WIDE
    height = 2 * EDGE + DOWN * max(len(layer) for layer in columns)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


def table(assets: Iterable[Asset]) -> str:
    """What the picture shows, in words."""
    rows = ["| asset | stage | what it is | made from |", "|---|---|---|---|"]
    for asset in assets:
        parents = ", ".join(f"`{parent}`" for parent in sorted(asset.parents))
        words = asset.description.replace("|", "\\|")
        rows.append(f"| `{asset.key}` | {asset.stage} | {words} | {parents} |")
    return "\n".join(rows)


def _mean_row(asset: Asset, rows: Mapping[str, float]) -> float:
    above = [rows[parent] for parent in asset.parents if parent in rows]
    return sum(above) / len(above) if above else 0.0


def _box(asset: Asset, corner: tuple[int, int], colour: str) -> str:
    left, top = corner
    name = escape(asset.key.split("/")[-1])
    return (
        f"<g><title>{escape(asset.key)}: {escape(asset.description)}</title>"
        f'<rect x="{left}" y="{top}" width="{WIDE}" height="{HIGH}" rx="4" '
        f'fill="{colour}" stroke="#64748b"/>'
        f'<text x="{left + 8}" y="{top + 17}" fill="#0f172a">{name}</text></g>'
    )


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    (left, top), (right, bottom) = start, end
    left, top, bottom = left + WIDE, top + HIGH // 2, bottom + HIGH // 2
    bend = (left + right) // 2
    return (
        f'<path d="M{left} {top} C{bend} {top} {bend} {bottom} {right} {bottom}" '
        'fill="none" stroke="#94a3b8" stroke-width="1"/>'
    )
