"""Looks for a customer in what is read as bytes: text, binary files, pushed features, the service's
log.
"""

import gzip
import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.errors import DataError
from churn_platform.published.outcome_log import format_of
from churn_platform.published.prediction_log import load_segment
from churn_platform.published.pushed_features import overlay_key

# Shorter ids are too common: every number in a log would look like a customer.
WORD_CHARACTERS = 5
BLOCK_CHARACTERS = 1 << 20


def in_overlay(path: Path, subject: ErasedCustomer) -> int:
    """How often the key of the customer's pushed features is in the store, in pages in use and in
    free ones.
    """
    # LMDB writes the key's length before it, so that no other customer's key is taken for it.
    key = overlay_key(subject.portfolio, subject.customer_id)
    return count_matches(path, re.escape(struct.pack("=H", len(key)) + key))


def in_segment(path: Path, subject: ErasedCustomer) -> int:
    """How many whole records of a log of predictions or outcomes name the subject, and how
    often other bytes do.
    """
    segment = load_segment(path, format_of(path))
    whole = sum(record.customer_id == subject.customer_id for record in segment.records)
    others = [segment.torn_end, *(spot.content for spot in segment.damage)]
    return whole + sum(content.count(subject.customer_id.encode()) for content in others)


def in_bytes(path: Path, subject: ErasedCustomer, *, compressed: bool) -> int:
    """How often a file of any other kind names the subject."""
    opened: Callable[..., IO[Any]] = gzip.open if compressed else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            is_text = _is_text(file)

        pattern = "|".join(words_of(subject) if is_text else _parts_of(subject)).encode()
        if not pattern:
            return 0
        if not compressed:
            return count_matches(path, pattern)
        with opened(path, "rb") as stream:
            return sum(len(re.findall(pattern, line)) for line in stream)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DataError(
            f"{path}: looks compressed but cannot be read, so it cannot be searched; remove it"
        ) from None


def count_matches(path: Path, pattern: bytes) -> int:
    """How often a regular expression is found in a file's bytes."""
    if not path.stat().st_size:
        return 0
    # Mapped, not read: stores and logs may be larger than memory.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sum(1 for _ in re.finditer(pattern, content))


def _is_text(file: IO[str]) -> bool:
    """Whether all is UTF-8 without a NUL; in other files any byte may adjoin an id, a letter's or
    digit's, too.
    """
    blocks: Iterator[str] = iter(partial(file.read, BLOCK_CHARACTERS), "")
    try:
        return all("\0" not in block for block in blocks)
    except UnicodeDecodeError:
        return False


def _parts_of(subject: ErasedCustomer) -> list[str]:
    """Regular expressions that find the subject in bytes, also within a word."""
    return list(map(re.escape, _searchable(subject)))


def words_of(subject: ErasedCustomer) -> list[str]:
    """Regular expressions that find the subject in text."""
    return list(map(word, _searchable(subject)))


def _searchable(subject: ErasedCustomer) -> list[str]:
    numbers = list(map(str, subject.numbers))
    if len(subject.customer_id) < WORD_CHARACTERS:
        return numbers
    return [subject.customer_id, *numbers]


def word(text: str) -> str:
    """A regular expression, for Python and DuckDB, that finds the text where no letter or digit
    adjoins it.
    """
    return rf"(?:^|[^0-9A-Za-z])(?:{re.escape(text)})(?:$|[^0-9A-Za-z])"
