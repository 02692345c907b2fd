"""Text and binary files are searched for the customer."""

import gzip
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import count_in
from churn_platform_tests.erasure.conftest import plain

ADA, NUMBER = "C-1001", 2**63 + 11


SUBJECT = ErasedCustomer("tiny", ADA, (NUMBER,), {})


def test_an_empty_file_names_nobody(tmp_path: Path) -> None:
    """Nothing is in it."""
    assert count_in(duckdb.connect(), plain(tmp_path, []), SUBJECT) == 0


@pytest.mark.parametrize("adjoining", [b"A", b"7", b"\0"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_adjoining_byte_hides_no_id_in_a_binary_file(
    tmp_path: Path, adjoining: bytes, pack: Callable[[bytes], bytes]
) -> None:
    """What stands beside an id in packed data may look like a letter or digit."""
    path = tmp_path / "some.bin"
    path.write_bytes(pack(b"\xcb\0" + adjoining + ADA.encode() + adjoining))
    assert count_in(duckdb.connect(), path, SUBJECT) == 1


def test_text_that_is_not_ascii_is_text(tmp_path: Path) -> None:
    """Other customers' longer ids are not found in it."""
    path = plain(tmp_path, ["perché C-10011", "C-10012"])
    assert count_in(duckdb.connect(), path, SUBJECT) == 0
