"""Who may do what, over every route; sessions and forms that somebody else made."""

import pytest

from churn_platform_tests.serving.page.conftest import browser, field
from churn_platform_tests.support.invariants import invariant
from serving.page.app import create_app
from serving.page.gate import PERMISSION
from serving.page.roles import PERMISSIONS, PUBLIC, ROLES

VALUES = {"portfolio": "tiny", "customer_id": "C-contact", "version": "3", "file_path": "page.css"}
ALLOWED = {
    "agent": {"signed in", "customer.view", "outcome.record"},
    "campaign": {"signed in", "campaign.view", "campaign.ids", "campaign.approve"},
    "model": {"signed in", "campaign.view", "model.view", "model.decide"},
    "admin": set(PERMISSIONS),
}
"""The matrix, written out: a change of `roles.py` must be meant."""


def routes(settings) -> list[tuple[str, str, str]]:
    """(method, address, permission) of every route of the page."""
    found = []
    app = create_app(settings)
    try:
        for route in app.routes:
            for handler in route.route_handlers:
                address = "".join(
                    f"/{VALUES[part.name] if hasattr(part, 'name') else part}"
                    for part in route.path_components
                )
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    found.append((method, address or "/", handler.opt.get(PERMISSION)))
    finally:
        app.state["page"].close()
    return found


@invariant("Service", "Each route of the page names a permission, and no role gets beyond its own.")
@pytest.mark.parametrize("role", ROLES)
def test_every_route_asks_for_its_permission(settings, role):
    """Each role on each route: a right opens it, and without the right it is a 403, whatever it
    would have answered.
    """
    known = routes(settings)
    assert len(known) > 15 and all(permission for _, _, permission in known)
    with browser(settings, role) as client:
        csrf = field(client.get("/").text, "csrf")
        for method, address, permission in known:
            if address == "/logout" or permission == PUBLIC:
                continue
            sent = {"data": {"csrf": csrf}} if method == "POST" else {}
            status = client.request(method, address, follow_redirects=False, **sent).status_code
            is_allowed = permission in ALLOWED[role]
            assert (status != 403) == is_allowed, (method, address, status)


def test_nobody_sees_anything_unsigned(settings):
    """Every route but the public ones sends a stranger to the form, or refuses."""
    with browser(settings) as client:
        for method, address, permission in routes(settings):
            answer = client.request(method, address, follow_redirects=False)
            if permission == PUBLIC:
                continue
            assert answer.status_code in (303, 401), (method, address)
            assert "C-contact" not in answer.text


def test_every_answer_forbids_what_is_inline_or_elsewhere(settings):
    """The policy is on pages, errors and redirects; nothing of a customer is kept by a browser."""
    with browser(settings, "admin") as client:
        for address in ("/", "/tiny/campaign", "/tiny/model", "/nowhere", "/tiny/customers/nobody"):
            answer = client.get(address, follow_redirects=False)
            assert answer.headers["content-security-policy"].startswith("default-src 'self'")
            assert answer.headers["cache-control"] == "no-store"


def test_only_who_needs_ids_sees_them(settings):
    """The owner of a model sees the list with masked ids, and may not download it."""
    with browser(settings, "model") as client:
        text = client.get("/tiny/campaign?decision=").text
        assert "C-contact" not in text and "***" in text
        assert client.get("/tiny/campaign/list.csv").status_code == 403
    with browser(settings, "campaign") as client:
        assert "C-contact" in client.get("/tiny/campaign?decision=").text


def test_every_look_at_a_customer_is_on_record(settings):
    """Who, whom, when; the administrator reads it with masked ids."""
    with browser(settings, "agent") as client:
        client.get("/tiny/customers/C-contact")
        client.get("/card/C-control")
    (path,) = settings.access_dir.glob("*.jsonl")
    lines = path.read_text().splitlines()
    assert len(lines) == 2 and '"user":"agent"' in lines[0] and "C-contact" in lines[0]
    with browser(settings, "admin") as client:
        text = client.get("/access").text
    assert "agent" in text and "C-contact" not in text
