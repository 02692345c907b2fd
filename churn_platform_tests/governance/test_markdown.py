"""Names and values read as themselves in Markdown and HTML."""

import pytest
from markdown_it import MarkdownIt

from churn_platform.governance.markdown import escaped


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "<script>alert(1)</script>",
        "*x* _y_ `z`",
        "[a](http://b)",
        "&amp;",
        "5\\|6",
        "![p](q)",
        "# søn 客",
    ],
)
def test_a_cell_shows_the_text_itself(text):
    """Rendered in a table, the cell holds the text, tags escaped, and no second cell."""
    page = MarkdownIt("commonmark").enable("table").render(f"| head |\n|---|\n| {escaped(text)} |")
    shown = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<td>{shown}</td>" in page
    assert page.count("<td>") == 1


def test_line_breaks_do_not_end_a_row():
    """A value over several lines becomes one."""
    assert escaped("a\n| b") == "a \\| b"
