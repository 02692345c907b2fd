"""Keeps secrets out of what is printed, logged, sent and shown: addresses lose their passwords,
and customers' ids all but their end.

A password can be in an address (`scheme://user:password@host`, `?password=...`) or in a libpq
string (`dbname=... password=...`). What a library says about such an address may quote any part of
it.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

MASK = "***"
IN_ADDRESS = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@'\"]*):(?P<secret>[^\s/@]+(?:@[^\s/@]+)*)@",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"(?P<before>\b\w*(?:password|passwd|secret|token|api_?key|access_?key)\w*\s*=\s*)"
    r"(?P<secret>'(?:[^'\\]|\\.)*'|[^\s&;,'\")]+)",
    re.IGNORECASE,
)
PASSWORD = re.compile(
    r"(?P<gap>\s*[?&]?)\bpassword\s*=\s*(?:'(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE
)


def masked(text: str) -> str:
    """An address, or a text with addresses in it, with `***` for each password."""
    return NAMED.sub(rf"\g<before>{MASK}", IN_ADDRESS.sub(rf"\g<before>:{MASK}@", text))


def masked_id(customer_id: str) -> str:
    """A customer's id for a page that many see: its last quarter, three signs at most.

    Who has the table finds the customer by it; who has not learns nothing.
    """
    shown = min(3, len(customer_id) // 4)
    return MASK + (customer_id[-shown:] if shown else "")


def secrets_in(address: str) -> list[str]:
    """The passwords that are in an address, as written and as meant, longest first."""
    found = set()
    for pattern in (IN_ADDRESS, NAMED):
        for match in pattern.finditer(address):
            written = match["secret"]
            found.add(written)
            found.add(unquote(_unquoted(written)))

    return sorted(found - {""}, key=len, reverse=True)


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text with `***` for each of the secrets, and for every password that it shows in an
    address.
    """
    # Known secrets first: a library may quote any part of an address, not in a known form.
    for secret in secrets:
        text = text.replace(secret, MASK)
    return masked(text)


def split_password(address: str) -> tuple[str, str]:
    """A database's address without its password, and the password, which is empty if there is
    none.
    """
    found = IN_ADDRESS.search(address)
    if found:
        without = IN_ADDRESS.sub(r"\g<before>@", address)
        return without, unquote(found["secret"])

    named = PASSWORD.search(address)
    if not named:
        return address, ""

    _, _, written = named[0].partition("=")
    value = written.strip()
    is_query = "://" in address
    password = unquote(value) if is_query else _unquoted(value)
    return _without(address, named), password


def _without(address: str, named: re.Match[str]) -> str:
    """The address without one named part; what follows a `?` keeps it."""
    before, after = address[: named.start()], address[named.end() :]
    if named["gap"].strip() == "?" and after.startswith("&"):
        return f"{before}?{after[1:]}"
    return (before + after).strip()


def _unquoted(value: str) -> str:
    """A libpq value as it is meant: without quotation marks and backslashes."""
    is_quoted = value.startswith("'") and value.endswith("'") and len(value) > 1
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if is_quoted else value
