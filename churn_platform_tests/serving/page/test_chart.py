"""The chart of a customer's scores is a picture that can be read aloud."""

import xml.etree.ElementTree as ElementTree
from datetime import date

from serving.page.chart import HEIGHT, TOP, score_chart

SVG = "{http://www.w3.org/2000/svg}"


def test_each_month_has_a_dot_with_its_value():
    """The highest score is highest in the picture; nothing of a title is taken for markup."""
    history = [(date(2026, 1, 1), 0.10), (date(2026, 2, 1), 0.40), (date(2026, 3, 1), 0.20)]
    picture = ElementTree.fromstring(score_chart(history, 'scores of <C1> & "C2"'))
    dots = picture.findall("circle")
    titles = [dot.findtext("title") for dot in dots]
    assert titles == ["2026-01: 10.0%", "2026-02: 40.0%", "2026-03: 20.0%"]
    heights = [float(dot.get("cy", "")) for dot in dots]
    assert heights[1] < heights[2] < heights[0]
    assert all(TOP <= height <= HEIGHT for height in heights)
    assert picture.get("aria-label") == 'scores of <C1> & "C2"'


def test_one_score_and_none():
    """One month is a dot, of a score of zero too; none is no picture."""
    assert score_chart([], "scores") == ""
    picture = ElementTree.fromstring(score_chart([(date(2026, 1, 1), 0.0)], "scores"))
    assert len(picture.findall("circle")) == 1
