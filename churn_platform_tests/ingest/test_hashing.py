"""Hashes in SQL are those that their standards say."""

import hashlib
import hmac

import duckdb
import pytest

from churn_platform.ingest.hashing import keyed_hash, keyed_id, set_keys


@pytest.mark.parametrize("key", ["k" * 32, "long" * 40])
def test_an_id_is_hashed_by_hmac(key: str):
    """As Python's own HMAC-SHA-256, also with a key that is longer than a block, and in any
    alphabet.
    """
    with duckdb.connect() as connection:
        set_keys(connection, key)
        for value in ("T00000001", "Žofie", ""):
            (found,) = connection.execute(f"select {keyed_id('?')}", [value]).fetchone()  # type: ignore[misc]
            assert found == hmac.new(key.encode(), value.encode(), "sha256").hexdigest()


def test_a_number_is_the_first_64_bits_of_its_hash():
    """As an unsigned integer; another key gives another one."""
    with duckdb.connect() as connection:
        found = []
        for key in ("a" * 32, "b" * 32):
            set_keys(connection, key)
            row = connection.execute(f"select {keyed_hash('?')}", ["+420601234567"]).fetchone()
            found.append(row[0])  # type: ignore[index]
            digest = hashlib.sha256(f"{key}+420601234567".encode()).hexdigest()
            assert found[-1] == int(digest[:16], 16)
    assert found[0] != found[1]
