"""Ids and phone numbers as Arrow strings of fixed width, built from digit tables: no Python loop
over rows.
"""

import numpy as np
import pyarrow as pa

_FOUR_DIGITS = np.array([list(f"{value:04d}".encode()) for value in range(10_000)], dtype=np.uint8)


def format_numbers(prefix: str, numbers: np.ndarray, digits: int) -> pa.StringArray:
    """`prefix` and the number padded to `digits` (a multiple of 4), one string per number."""
    head = prefix.encode()
    count = len(numbers)
    width = len(head) + digits
    text = np.empty((count, width), dtype=np.uint8)
    text[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    rest = np.asarray(numbers, dtype=np.int64)
    # Four digits at a time from a table: a Python loop over 100 million records would take minutes.
    for stop in range(width, len(head), -4):
        start = stop - 4
        rest, group = np.divmod(rest, 10_000)
        text[:, start:stop] = _FOUR_DIGITS[group]

    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(
        count,
        pa.py_buffer(offsets),
        pa.py_buffer(text),
    )


def customer_ids(numbers: np.ndarray) -> pa.StringArray:
    """'T00000001' for 1: nine characters, so DuckDB holds them inline."""
    return format_numbers("T", numbers, 8)


def row_ids(month_number: int, first_row: int, count: int) -> pa.StringArray:
    """Twelve digits, unique in a table over all months: three of the month, nine of the row in the
    month's file.
    """
    start = month_number * 10**9 + first_row
    return format_numbers("", np.arange(start, start + count), 12)


def phone_numbers(numbers: np.ndarray) -> pa.StringArray:
    """Fictional numbers for 0 to 99,999,999: no Italian number begins with +3900."""
    return format_numbers("+3900", numbers, 8)


def own_phone_numbers(customer_numbers: np.ndarray) -> pa.StringArray:
    """Each customer's own number, unique below 10^8 customers because the factor is coprime to
    that.
    """
    # Scattered: customers who follow each other do not have numbers that do.
    return phone_numbers(customer_numbers * 38_835_161 % 10**8)


def contact_phone_numbers(keys: np.ndarray) -> pa.StringArray:
    """The number of the contact with that key (uint64): the same for the same key, otherwise
    unrelated.
    """
    return phone_numbers((scatter(keys) % np.uint64(10**8)).astype(np.int64))


def scatter(keys: np.ndarray) -> np.ndarray:
    """The splitmix64 finalizer: neighbouring keys become unrelated 64-bit numbers."""
    mixed = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
