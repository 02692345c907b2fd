"""Credentials come from the places that a spec names, and are hidden in every text."""

import duckdb
import pytest

from churn_platform.errors import SourceError, SourceUnreachableError
from churn_platform.portfolios.sources import Reference
from churn_platform.sources.credentials import Credentials
from churn_platform.sources.failures import told


def test_a_value_is_found_in_a_variable_or_a_file(tmp_path, monkeypatch):
    """A plain name of a file is one of the folder with secrets."""
    monkeypatch.setenv("CRM_PASSWORD", "geheim")
    (tmp_path / "crm_key").write_text("schluessel\n")
    known = Credentials("crm", str(tmp_path))
    assert known.text(Reference(env="CRM_PASSWORD")) == "geheim"
    assert known.text(Reference(file="crm_key")) == "schluessel"
    assert known.text("reader") == "reader" and known.text(None) == ""
    assert known.hidden("geheim and schluessel of reader") == "*** and *** of reader"


def test_a_missing_one_is_named_by_its_place(tmp_path):
    """Never by a value."""
    with pytest.raises(SourceError, match="source crm: the file crm_key is missing or empty"):
        Credentials("crm", str(tmp_path)).text(Reference(file="crm_key"))


def test_what_a_library_says_is_told_without_them(monkeypatch):
    """Neither in the message nor in what Python keeps of the first error."""
    monkeypatch.setenv("CRM_PASSWORD", "geheim")
    known = Credentials("crm")
    known.text(Reference(env="CRM_PASSWORD"))

    def fails() -> None:
        raise duckdb.IOException("Unable to connect with 'password=geheim host=db'")

    with pytest.raises(SourceUnreachableError) as error:
        told(fails, known)
    assert "geheim" not in str(error.value)
    assert error.value.__cause__ is None and error.value.__context__ is None
