"""Reads bodies that were compressed on their way by gzip; no more is unpacked
than a body may have.
"""

import zlib

from serving.errors import MalformedRequest, NotJson, TooLarge

GZIP = (b"gzip", b"x-gzip")
PLAIN = (b"", b"identity")
GZIP_FORMAT = 16 + zlib.MAX_WBITS


def decoded(body: bytes, encoding: bytes, most: int) -> bytes:
    """The body as it was before its content encoding; NotJson, MalformedRequest, or TooLarge beyond
    `most` bytes.
    """
    name = encoding.strip().lower()
    if name in PLAIN:
        return body

    if name not in GZIP:
        shown = encoding[:80].decode("latin-1")
        raise NotJson(f"content encoding {shown!r}; send the body as it is, or as gzip")

    return _unpacked(body, most)


def _unpacked(body: bytes, most: int) -> bytes:
    """One gzip member, unpacked to a byte beyond what is allowed at most."""
    reader = zlib.decompressobj(GZIP_FORMAT)
    try:
        # One byte more than allowed is enough to know: a few kilobytes may unpack to gigabytes.
        found = reader.decompress(body, most + 1)
    except zlib.error as error:
        raise MalformedRequest(f"the body is not gzip: {error}") from error

    if len(found) > most:
        raise TooLarge(f"the body has more than {most} bytes once it is unpacked")
    if not reader.eof or reader.unused_data:
        raise MalformedRequest(
            "the body is not one whole gzip stream; it was cut off, or something follows it"
        )

    return found
