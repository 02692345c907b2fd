"""Names and values read as themselves in Markdown and HTML."""

import pytest
from markdown_it import MarkdownIt

from churn_platform.markdown import Finished, escaped, picture, table


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


def test_a_table_lines_up_text_and_numbers():
    """Text to the left, numbers to the right; a cell is put as it reads."""
    assert table(["a", "b"], [["x|y", 1]]) == "| a | b |\n|---|--:|\n| x\\|y | 1 |"
    assert table(["a", "b"], [], align="ll") == "| a | b |\n|---|---|"


def test_a_finished_cell_is_put_as_it_is():
    """What is Markdown already is not escaped again."""
    assert table(["a"], [[Finished("**x**")]]).endswith("| **x** |")


def test_a_row_of_another_width_is_an_error():
    """It would shift every cell behind it."""
    with pytest.raises(ValueError, match="a row of 2 cells in a table of 1"):
        table(["a"], [["x", "y"]])


def test_a_picture_holds_its_bytes():
    """It needs no other file, and its name cannot end it."""
    assert picture("a]b", b"png") == "![a\\]b](data:image/png;base64,cG5n)"
