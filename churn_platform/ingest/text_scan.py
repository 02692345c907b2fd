"""Looks a text file through once, in pieces: is it UTF-8, and which oddities of exports does it
have.
"""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

TAIL_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 16
BLANK_ROW = re.compile(rb'\n[,;\t| "]+\r?\n')
BLANK_ROW_STARTS = (b"\n,,", b"\n;;", b"\n\t\t", b"\n||", b'\n"",', b'\n"";', b'\n""\t', b"\n ")


@dataclass
class TextScan:
    """What the bytes of a file hold; complete once every piece was fed.

    `foreign` is a sample of the lines with bytes beyond ASCII, by which an encoding can be told.
    """

    head: bytes = b""
    tail: bytes = b""
    is_utf8: bool = True
    is_ascii: bool = True
    is_cut_short: bool = False
    has_bare_cr: bool = False
    has_lf: bool = False
    has_crlf: bool = False
    has_backslash_quote: bool = False
    has_blank_rows: bool = False
    has_header_again: bool = False
    foreign: bytearray = field(default_factory=bytearray)
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")()
    )

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the file in."""
        # What is across two pieces is found with the end of the piece before.
        # A line end must not be cut in two: LF alone would look like one of another kind.
        joined = self.tail[-2048:].removeprefix(b"\n") + piece
        self.head = self.head or piece
        self._look_for_oddities(joined)

        if not piece.isascii():
            self.is_ascii = False
            self._sample(joined)

        if self.is_utf8:
            self._decode(piece, final=False)

        if len(piece) < TAIL_BYTES:
            self.tail += piece
        else:
            self.tail = piece

        self.tail = self.tail[-TAIL_BYTES:]

    def finish(self) -> None:
        """Say that the last piece was fed."""
        if self.is_utf8:
            self._decode(b"", final=True)
            self.is_cut_short = not self.is_utf8
        self.has_bare_cr = self.has_bare_cr or self.tail.endswith(b"\r")

    def _look_for_oddities(self, joined: bytes) -> None:
        # What was found once is not looked for again: each look reads the piece.
        if not self.has_backslash_quote:
            self.has_backslash_quote = b'\\"' in joined

        if not self.has_bare_cr and b"\r" in joined:
            # What follows a CR at the end comes with the next piece.
            whole_ends = joined.removesuffix(b"\r").replace(b"\r\n", b"")
            self.has_bare_cr = b"\r" in whole_ends

        if not self.has_crlf:
            self.has_crlf = b"\r\n" in joined

        if not self.has_lf:
            self.has_lf = joined.count(b"\n") > joined.count(b"\r\n")

        if not self.has_blank_rows and any(start in joined for start in BLANK_ROW_STARTS):
            self.has_blank_rows = BLANK_ROW.search(joined) is not None

        if not self.has_header_again:
            self.has_header_again = self._has_header(joined)

    def _has_header(self, joined: bytes) -> bool:
        """Whether the first line of the file occurs again, behind another line."""
        first_line = self.head.partition(b"\n")[0]
        header = first_line.removeprefix(codecs.BOM_UTF8)
        # A header of two letters may well be a value.
        return len(header) > len(b"ab") and b"\n" + header + b"\n" in joined

    def _decode(self, piece: bytes, *, final: bool) -> None:
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError:
            self.is_utf8 = False

    def _sample(self, joined: bytes) -> None:
        # A detector needs some kilobytes; the whole of a large file would take minutes.
        if len(self.foreign) >= SAMPLE_BYTES:
            return
        for line in joined.splitlines(keepends=True):
            if not line.isascii() and len(self.foreign) < SAMPLE_BYTES:
                self.foreign += line


def scan(pieces: Iterable[bytes]) -> TextScan:
    """The findings over all pieces of a file."""
    found = TextScan()
    for piece in pieces:
        found.feed(piece)
    found.finish()
    return found
