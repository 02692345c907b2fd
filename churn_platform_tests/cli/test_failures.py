"""What a person can mend is one line with advice; a defect of ours keeps its traceback."""

import duckdb

from churn_platform.cli.failures import as_ours, first_line


def test_an_error_of_the_system_names_its_path():
    """And what to look at."""
    told = str(as_ours(FileNotFoundError(2, "No such file or directory", "/no/such/file")))
    assert told.startswith("/no/such/file: No such file or directory; check that path")


def test_an_error_of_duckdb_names_the_setting():
    """By the name of its class, also of one that is derived."""
    told = str(as_ours(duckdb.OutOfMemoryException("out of memory\nmore")))
    assert told == "out of memory; set CHURN_DUCKDB_MEMORY_LIMIT higher, for example 8GB"


def test_a_defect_is_not_explained_away():
    """Its traceback says where it is."""
    assert as_ours(KeyError("month")) is None


def test_an_error_without_words_is_named_by_its_class():
    """So that a line is never empty."""
    assert first_line(RuntimeError()) == "RuntimeError"
    assert first_line(RuntimeError("first\nsecond")) == "first"
