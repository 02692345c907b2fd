"""Tells a folder from an address."""

import re
from pathlib import Path
from urllib.parse import urlsplit

URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
SCHEMES = ("s3", "gs", "az")


def is_url(location: str | Path) -> bool:
    """Whether a location is an address and no folder."""
    return URL.match(str(location)) is not None


def why_unusable(url: str, schemes: tuple[str, ...] = SCHEMES) -> str | None:
    """What is wrong with an address of a store, for a message; None if it can be one."""
    parts = urlsplit(url)
    example = f"write {' or '.join(f'{scheme}://bucket/prefix' for scheme in schemes)}"
    if parts.scheme not in schemes:
        return f"{parts.scheme}:// is not supported; {example}, or a folder"
    if not parts.hostname or "@" in parts.netloc or ":" in parts.netloc:
        return f"there is no plain bucket in it; {example}, and credentials in CHURN_STORE_..."
    if parts.query or parts.fragment or "//" in parts.path:
        return f"a prefix is names with single slashes between them; {example}"
    return None


def bucket_of(url: str) -> str:
    """The bucket of an address, or its container."""
    return urlsplit(url).netloc
