"""Keyed hashes in SQL: of phone numbers, which are kept as nothing else, and of the ids of erased
customers.

Their key is the installation's secret. It reaches SQL as a variable of the connection, because
DuckDB's errors quote SQL.
"""

import hashlib

import duckdb

KEY, INNER, OUTER = "hash_key", "hmac_inner_pad", "hmac_outer_pad"
BLOCK_BYTES = 64


def set_keys(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """Give the connection the secret, as the hashes below need it."""
    block = key.encode()
    if len(block) > BLOCK_BYTES:
        block = hashlib.sha256(block).digest()

    # HMAC by hand (RFC 2104): DuckDB has SHA-256 and no HMAC, and a Python function would be called
    # for each row.
    block = block.ljust(BLOCK_BYTES, b"\0")
    variables = {
        KEY: key,
        INNER: _pad(block, 0x36),
        OUTER: _pad(block, 0x5C),
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = ?", [value])


def _pad(block: bytes, mask: int) -> bytes:
    return bytes(byte ^ mask for byte in block)


def keyed_hash(value: str) -> str:
    """SQL for the first 64 bits of SHA-256 over key and number; cutting it short rules out
    extending a known hash.
    """
    # 64 bits are enough to tell numbers apart, and fit into an integer column, half the size of
    # text. Each installation has its own key, so `unique_contacts_30d`, an approximate count of
    # these hashes, differs slightly between installations. Tests fix the key.
    return f"('0x' || left(sha256(getvariable('{KEY}') || {value}), 16))::ubigint"


def keyed_id(value: str) -> str:
    """SQL for HMAC-SHA-256 (RFC 2104) of a text, in hex."""
    return (
        f"sha256(getvariable('{OUTER}') || unhex(sha256(getvariable('{INNER}') || "
        f"encode({value}))))"
    )
