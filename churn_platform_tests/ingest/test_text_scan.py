"""A text is looked through once, in pieces."""

import pytest

from churn_platform.ingest.text_scan import scan


def test_a_plain_text_has_no_oddities():
    """One kind of line ends, ASCII, no blank rows."""
    found = scan([b"id,fee\n1,2\n"])
    assert found.is_utf8
    assert found.is_ascii
    assert found.has_lf
    assert not found.has_crlf
    assert not found.has_bare_cr
    assert not found.has_blank_rows
    assert not found.has_header_again


@pytest.mark.parametrize(
    ("text", "oddity"),
    [
        (b"id,fee\r1,2\r", "has_bare_cr"),
        (b"id,fee\r\n1,2\r\n", "has_crlf"),
        (b'id,note\n1,"a \\"b\\""\n', "has_backslash_quote"),
        (b"id,fee\n1,2\n,,\n", "has_blank_rows"),
        (b"id,fee\n1,2\nid,fee\n3,4\n", "has_header_again"),
    ],
)
def test_an_oddity_is_found_wherever_the_text_is_cut(text: bytes, oddity: str):
    """Also where it is across two pieces."""
    for cut in range(1, len(text)):
        found = scan([text[:cut], text[cut:]])
        # The first piece holds the headers, as pieces of a megabyte do.
        if oddity != "has_header_again" or cut > len(b"id,fee\n"):
            assert getattr(found, oddity), cut


def test_other_bytes_are_sampled():
    """By them an encoding is told."""
    found = scan(["id,city\n1,K\u00f6ln\n".encode("cp1252")])
    assert not found.is_utf8
    assert not found.is_ascii
    assert b"\xf6" in bytes(found.foreign)


def test_a_text_that_ends_within_a_letter_is_cut_short():
    """Its last letter has two bytes, of which one is there."""
    assert scan(["id\nK\u00f6".encode()[:-1]]).is_cut_short
    assert not scan(["id\nK\u00f6".encode()]).is_cut_short
