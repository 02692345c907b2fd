"""A page on a month by hand, with a user for each role."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from churn_platform_tests.support.oidc_provider import CLIENT, SECRET, running
from churn_platform_tests.support.published_page import publish
from serving.page.app import create_app
from serving.page.roles import ROLES
from serving.page.settings import PageSettings
from serving.page.users import put_user

PASSWORD = "correct horse battery"


@pytest.fixture
def settings(tmp_path: Path) -> PageSettings:
    """A published month, and the users agent, campaign, model and admin."""
    publish(tmp_path / "published")
    settings = PageSettings(
        published_dir=tmp_path / "published",
        state_dir=tmp_path / "page",
        phone_key_file=tmp_path / "phone.key",
        # A port that nobody listens on.
        service_url="http://127.0.0.1:9",
    )
    for role in ROLES:
        put_user(settings.users_file, role, PASSWORD, (role,))
    return settings


@contextmanager
def browser(settings: PageSettings, user: str | None = None) -> Iterator[TestClient]:
    """A browser on the page, signed in."""
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8090") as client:
        if user:
            sign_in(client, user)
        yield client


def sign_in(client: TestClient, user: str, password: str = PASSWORD) -> int:
    """Send the form; the status without following."""
    form = {"name": user, "password": password, "next": "/"}
    return client.post("/login", data=form, follow_redirects=False).status_code


def field(text: str, name: str) -> str:
    """A hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, f"no field {name}"
    return found[1]


def record(client: TestClient, customer_id: str, **form: str):
    """Open a customer and send the form with these fields."""
    address = f"/tiny/customers/{customer_id}"
    page = client.get(address).text
    hidden = {name: field(page, name) for name in ("csrf", "outcome_id")}
    return client.post(f"{address}/outcomes", data=hidden | form)


def settled(client: TestClient, kind: str) -> dict:
    """The newest request to the platform of a kind, once it is carried out."""
    store = client.app.state["page"].store
    until = time.monotonic() + 20
    while store.requests(kind)[0]["state"] == "waiting" and time.monotonic() < until:
        time.sleep(0.02)
    return store.requests(kind)[0]


@pytest.fixture
def provider():
    """A provider that signs ann of the call center in."""
    with running() as provider:
        yield provider


@pytest.fixture
def own(settings, provider, tmp_path):
    """A page that knows the provider; its secret is in a file."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return msgspec.structs.replace(
        settings,
        oidc_issuer=provider.address,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=str(tmp_path / "secret"),
        group_roles=("call-center=agent",),
    )
