"""What every command shares: text is printed as it stands, and an error is one line."""

import io

import pytest
from rich.table import Table

from churn_platform.cli.app import literal_console

ODD = ["[/x]", "[red]x", ":smile:"]


@pytest.mark.parametrize("name", ODD)
def test_an_error_quotes_what_was_given(refusal, name):
    """A name that looks like markup or an emoji is shown whole."""
    assert refusal("run", name).startswith(f"no portfolio {name!r}; there are telecomit, ")


@pytest.mark.parametrize("name", ODD)
def test_text_is_printed_as_it_stands(name):
    """In a line, a heading and a table alike."""
    console = literal_console(io.StringIO())
    table = Table(name)
    table.add_row(name)
    console.print(name)
    console.rule(name)
    console.print(table)
    assert console.file.getvalue().count(name) == 4
