"""The encoding of a text is told from its bytes, or taken as said."""

from pathlib import Path

import pytest

from churn_platform.ingest.text_encoding import (
    Encoding,
    EncodingNotClear,
    encoding_of,
    wide_encoding,
    write_utf8,
)
from churn_platform.ingest.text_scan import scan

TEXT = "id,city\n1,K\u00f6ln\n2,M\u00fcnchen\n"


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_known_by_their_bytes(name: str):
    """With a byte-order mark or without one."""
    encoding = wide_encoding(TEXT.encode(name), None)
    assert encoding is not None
    assert TEXT.encode(name).decode(encoding.name).removeprefix("\ufeff") == TEXT


@pytest.mark.parametrize("head", [b"", b"\0", b"id,city\n"])
def test_others_are_not_wide(head: bytes):
    """Nor is a file of one byte."""
    assert wide_encoding(head, None) is None


def test_what_is_said_of_a_wide_encoding_counts():
    """Where the bytes do not tell."""
    assert wide_encoding(b"ab", "utf-16") == Encoding("utf-16", "as said")


def test_utf8_beyond_ascii_speaks_for_itself():
    """Whatever is said; plain ASCII is read as said."""
    assert encoding_of(scan([TEXT.encode()]), "cp1252").is_utf8
    assert encoding_of(scan([b"id\n1\n"]), "cp1252") == Encoding("cp1252", "as said")


def test_few_western_words_are_read_as_excel_writes_them():
    """Guessed, and said to be."""
    assert encoding_of(scan([TEXT.encode("cp1252")]), None) == Encoding(
        "cp1252", "guessed from its letters"
    )


def test_a_text_is_written_again_in_utf8(tmp_path: Path):
    """The words with other letters are shown, so that a person can judge."""
    target = tmp_path / "utf8.csv"
    shown = write_utf8(tmp_path, [TEXT.encode("cp1252")], Encoding("cp1252", "as said"), target)
    assert target.read_text(encoding="utf-8") == TEXT
    assert shown == ["K\u00f6ln", "M\u00fcnchen"]


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path):
    """0x81 is no letter of cp1252."""
    with pytest.raises(EncodingNotClear):
        write_utf8(tmp_path, [b"\x81"], Encoding("cp1252", "as said"), tmp_path / "utf8.csv")
