"""Finds the encoding of a text file, and writes any other than UTF-8 again in UTF-8."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import UNTOUCHED
from churn_platform.ingest.text_scan import TextScan

# The longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LOOKED_AT = 4096
# What Excel writes in Western Europe, and nearly every byte is a letter in it.
FALLBACK = "cp1252"
FEW_WORDS = 3
FOREIGN_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
WESTERN = frozenset(
    "ÄÖÜäöüßÀÁÂÃÇÈÉÊËÍÎÏÑÓÔÕÚÛàáâãçèéêëìíîïñòóôõùúûÅÆØåæø"
    "\u20ac\u00a7\u00b0\u2019\u201c\u201d\u201e\u2013\u2026\u00ab\u00bb"
)
WIDE = ("utf-16", "utf-32")
WORDS_SHOWN = 3


@dataclass(frozen=True)
class Encoding:
    """An encoding by Python's name, and how it came to be known."""

    name: str
    known_by: str

    @property
    def is_utf8(self) -> bool:
        """Whether the file can be read as it is."""
        return self.name in ("utf-8", "utf-8-sig")


def wide_encoding(head: bytes, said: str | None) -> Encoding | None:
    """The encoding of a file with two or four bytes a character, found or `said`; None for any
    other.
    """
    for mark, name in MARKS[1:]:
        if head.startswith(mark):
            return Encoding(name, "by its byte-order mark")

    utf_16 = _utf_16_without_mark(head[:LOOKED_AT])
    if utf_16:
        return Encoding(utf_16, "by its NUL bytes")
    if said and said.startswith(WIDE):
        return Encoding(said, "as said")

    return None


def _utf_16_without_mark(head: bytes) -> str | None:
    """Text in Latin letters then has a NUL in every second byte."""
    half = len(head) // 2
    if not half:
        return None

    nuls_first = head[::2].count(0)
    nuls_second = head[1::2].count(0)
    if nuls_second > 0.6 * half and not nuls_first:
        return "utf-16-le"
    if nuls_first > 0.6 * half and not nuls_second:
        return "utf-16-be"

    return None


def encoding_of(found: TextScan, said: str | None) -> Encoding:
    """The encoding of a scanned file; `said` is what the user or the spec says of it.

    A file that is UTF-8 beyond ASCII is read so in any case: no text of another encoding looks
    like it by chance.
    """
    is_said_otherwise = said not in (None, "utf-8", "utf-8-sig")
    speaks_for_itself = not is_said_otherwise or not found.is_ascii
    if found.is_utf8 and speaks_for_itself:
        return Encoding("utf-8", "by its bytes")
    if said is not None:
        return Encoding(said, "as said")

    detected = _detected(bytes(found.foreign))
    return Encoding(detected, "guessed from its letters")


def _detected(sample: bytes) -> str:
    """The encoding by its letters."""
    # Few words prove little: of them Western letters are believed first.
    words = set(FOREIGN_WORD.findall(sample))
    if len(words) < FEW_WORDS and _is_western(b" ".join(words)):
        return FALLBACK

    import chardet  # its tables take a tenth of a second, which only a file that is not UTF-8 costs

    detected = chardet.detect(sample, encoding_era=chardet.EncodingEra.MODERN_WEB)
    name = str(detected.get("encoding") or FALLBACK)

    try:
        found = codecs.lookup(name).name
    except LookupError:
        return FALLBACK

    # The file is known not to be UTF-8; a sample of it may be.
    if found.startswith("utf") or found == "ascii":
        return FALLBACK

    return found


def _is_western(words: bytes) -> bool:
    try:
        letters = words.decode(FALLBACK)
    except UnicodeDecodeError:
        return False
    return all(letter.isascii() or letter in WESTERN for letter in letters)


class EncodingNotClear(LandingError):
    """The text cannot be read in the encoding that was said or guessed."""

    def __init__(self, path: Path, encoding: Encoding, reason: str):
        self.other = "latin-1" if encoding.name == "cp1252" else "cp1252"
        self.message = (
            f"{path}: cannot be read as {encoding.name}, {encoding.known_by}: {reason}; "
            "say another encoding"
        )
        super().__init__(
            f"{self.message}, by `--encoding` of `churn onboard` or `encoding:` under `file:` "
            f"in the spec; {UNTOUCHED}"
        )


def write_utf8(path: Path, pieces: Iterable[bytes], encoding: Encoding, target: Path) -> list[str]:
    """Write the text into `target` as UTF-8; returns words with letters beyond ASCII, by which a
    person can judge.
    """
    words: dict[str, None] = {}
    decoder = codecs.getincrementaldecoder(encoding.name)()
    with target.open("w", encoding="utf-8", newline="") as text:
        try:
            for piece in pieces:
                _write(text, decoder.decode(piece), words)

            _write(text, decoder.decode(b"", True), words)
        except UnicodeError as error:
            reason = getattr(error, "reason", str(error))
            raise EncodingNotClear(path, encoding, reason) from None

    return list(words)


def _write(text: TextIO, decoded: str, words: dict[str, None]) -> None:
    text.write(decoded)
    if len(words) >= WORDS_SHOWN or decoded.isascii():
        return

    found = re.findall(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*", decoded)
    for word in found[:100]:
        words.setdefault(word)
        if len(words) == WORDS_SHOWN:
            break
