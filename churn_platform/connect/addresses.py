"""What `--source NAME=ADDRESS` means: how the source stands in the spec, and where its credentials
are looked for.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from churn_platform.errors import SpecError
from churn_platform.portfolios.strict_model import IDENTIFIER_PATTERN

SERVERS = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql"}
SQLITE_ENDS = (".db", ".sqlite", ".sqlite3")
EXAMPLE = "for example crm=postgres://reader@db.example/crm, or cdr=s3://usage/cdr"


def source_of(text: str) -> tuple[str, dict[str, Any]]:
    """Name and spec of a source; SpecError if it is not understood, or has a password in it."""
    name, _, address = text.partition("=")
    if not address or not re.fullmatch(IDENTIFIER_PATTERN, name):
        raise SpecError(f"--source {name}: write it as NAME=ADDRESS, {EXAMPLE}")

    scheme, _, _ = address.partition("://")
    server = SERVERS.get(scheme)
    if server:
        return name, _server(name, server, address)
    if address == "odbc":
        # Its connection string differs by driver, and may hold what is secret.
        return name, {
            "kind": "odbc",
            "connection": _variable(name, "CONNECTION"),
            "password": _variable(name, "PASSWORD"),
        }
    # The address of a lake is that of a store: only a word before it can tell them apart.
    kind, colon, where = address.partition(":")
    if colon and kind in ("delta", "iceberg"):
        return name, {
            "kind": kind,
            "location": where,
            **_store_key(name, where),
        }
    if colon and kind == "sqlite":
        return name, {"kind": "sqlite", "path": where}
    if address.startswith(("az://", "azure://")):
        return name, {
            "kind": "azure",
            "location": address,
            "connection": _variable(name, "CONNECTION"),
        }
    if address.lower().endswith(SQLITE_ENDS):
        return name, {"kind": "sqlite", "path": address}
    if "://" in address or Path(address).is_dir():
        return name, {
            "kind": "files",
            "location": address,
            **_store_key(name, address),
        }
    raise SpecError(f"--source {name}: {address} is no folder and no address; {EXAMPLE}")


def _server(name: str, kind: str, address: str) -> dict[str, Any]:
    """A server; what the address does not say is asked of variables named after the source."""
    # A bare `mysql` is an address, too: everything of it is asked of variables.
    whole = address if "://" in address else f"{address}://"
    parts = urlsplit(whole)
    if parts.password:
        raise SpecError(
            f"--source {name}: there is a password in the address, which others can see; take it "
            f"away and set {name.upper()}_PASSWORD"
        )
    database = parts.path.strip("/")
    # Without a port it is the kind's own, which the spec need not repeat.
    port = {"port": parts.port} if parts.port else {}
    return {
        "kind": kind,
        "host": parts.hostname or _variable(name, "HOST"),
        **port,
        "database": database or _variable(name, "DATABASE"),
        "user": parts.username or _variable(name, "USER"),
        "password": _variable(name, "PASSWORD"),
    }


def _store_key(name: str, address: str) -> dict[str, Any]:
    if not address.startswith("s3://"):
        return {}
    return {
        "key_id": _variable(name, "KEY_ID"),
        "secret_key": _variable(name, "SECRET_KEY"),
    }


def _variable(name: str, what: str) -> dict[str, str]:
    return {"env": f"{name.upper()}_{what}"}
