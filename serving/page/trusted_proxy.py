"""People whom a trusted proxy signed in: their name and groups are in its headers."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from litestar import Request

from serving.page.context import Page
from serving.page.roles import ROLES
from serving.page.store import Session


def proxy_session(request: Request[Any, Any, Any], page: Page) -> Session | None:
    """Who asks, by the headers of a trusted proxy; None from another address, or without a role."""
    settings = page.settings
    client = request.client
    if client is None or client.host not in settings.proxy_addresses:
        return None
    user = request.headers.get(settings.proxy_header, "").strip()
    groups = request.headers.get(settings.proxy_groups_header, "").split(",")
    roles = roles_of_groups((group.strip() for group in groups), settings.group_roles)
    if not user or not roles:
        return None
    # No session is kept, so the token of forms is made of the user's name and a secret.
    token = hmac.new(page.form_secret, user.encode(), hashlib.sha256).hexdigest()
    return Session(user, roles, token)


def roles_of_groups(groups: Iterable[str], mapping: Iterable[str]) -> frozenset[str]:
    """The roles of some groups, by a mapping `group=role`; groups that are not in it give none."""
    known: dict[str, set[str]] = {}
    for pair in mapping:
        group, _, role = pair.rpartition("=")
        if role in ROLES:
            known.setdefault(group.strip(), set()).add(role.strip())
    return frozenset(role for group in groups for role in known.get(group, ()))
