"""People whom a proxy signed in: only from its address, and with the roles of their groups."""

import msgspec
import pytest

from churn_platform_tests.serving.page.conftest import browser, field
from serving.page.trusted_proxy import roles_of_groups

HEADERS = {"x-user": "ann", "x-forwarded-groups": "staff, call-center"}


@pytest.fixture
def behind(settings):
    """A page behind a proxy at the address of the test's client."""
    return msgspec.structs.replace(
        settings,
        proxy_header="x-user",
        proxy_addresses=("testclient",),
        group_roles=("call-center=agent", "science=model", "science=root"),
    )


def test_groups_become_roles():
    """By the mapping alone; a role that does not exist is none."""
    mapping = ("science=model", "science=campaign", "all=root")
    assert roles_of_groups(["science", "all"], mapping) == {"model", "campaign"}
    assert roles_of_groups(["admin"], mapping) == frozenset()


def test_who_the_proxy_names_is_signed_in_with_the_roles_of_their_groups(behind):
    """An agent sees customers and no model, and their forms work."""
    with browser(behind) as client:
        client.headers.update(HEADERS)
        text = client.get("/tiny/customers/C-contact").text
        assert "You may offer" in text
        assert client.get("/tiny/model").status_code == 403
        form = {name: field(text, name) for name in ("csrf", "outcome_id")} | {"answer": "thinking"}
        assert client.post("/tiny/customers/C-contact/outcomes", data=form).status_code == 200
        (kept,) = client.app.state["page"].store.outcomes("tiny", "C-contact")
        assert kept.agent == "ann"


def test_no_one_else_may_say_who_they_are(behind):
    """The same headers from another address, and a user without a group, open nothing."""
    elsewhere = msgspec.structs.replace(behind, proxy_addresses=("10.0.0.7",))
    with browser(elsewhere) as client:
        client.headers.update(HEADERS)
        answer = client.get("/tiny/customers/C-contact", follow_redirects=False)
        assert answer.status_code == 303
    with browser(behind) as client:
        client.headers.update(HEADERS | {"x-forwarded-groups": "visitors"})
        assert client.get("/tiny/customers", follow_redirects=False).status_code == 303
