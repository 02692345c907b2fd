"""What is refused before a route is found: size, kind, host and origin."""

import pytest

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import publish
from serving.app import create_litestar
from serving.http.middleware import masked

ADA = {"customer_id": "C00001"}


def test_a_body_that_is_too_large_is_refused(start):
    """By its announced length as by what arrives."""
    small = start(body_bytes_max=100)
    assert small.post("/predict", json={"customer_id": "x" * 200}).status_code == 413
    chunks = iter([b'{"customer_id": "', b"x" * 200, b'"}'])
    response = small.post("/predict", content=chunks, headers={"content-type": "application/json"})
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
        ("", 415),
        ("application/json", 200),
        ("Application/JSON ; charset=utf-8", 200),
    ],
)
def test_only_json_is_read(client, content_type, status):
    """A form, which any web page can send, is a 415, and so is a body of no type at all."""
    headers = {"content-type": content_type} if content_type else {}
    assert (
        client.post("/predict", content=b'{"customer_id":"C00001"}', headers=headers).status_code
        == status
    )


@pytest.mark.parametrize(
    "path", ["/", "/health/ready", "/metrics", "/customers/C00001", "/customers/nobody"]
)
def test_what_can_be_got_can_be_asked_for_its_head(client, path):
    """As load balancers do: status and headers of GET, and no body."""
    head, got = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert client.head("/predict").status_code == 405


def test_no_browser_may_call_from_elsewhere(client):
    """No CORS headers by default."""
    response = client.get("/health/live", headers={"origin": "https://elsewhere.example"})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


PAGE = {
    "origin": "https://elsewhere.example",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
}


CHANGING = [
    ("/predict", ADA),
    ("/ab-test/reset", None),
    ("/features/push", ADA | {"features": {"tickets": 50}}),
]


@pytest.mark.parametrize(("path", "body"), CHANGING)
@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        PAGE | {"sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
)
@invariant("Service", "A service without keys does nothing for a web page of another site.")
def test_a_page_of_another_site_changes_nothing(client, path, body, headers):
    """Whatever it sends, a service without keys refuses it: there is no secret that the page would
    lack.
    """
    response = client.post(path, json=body, headers=headers)
    assert response.status_code == 403, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert client.get("/ab-test/stats").json()["arms"][0]["predictions"] == 0
    assert client.get("/ab-test/stats").json()["since"] is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1"},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1"},
    ],
)
def test_programs_and_our_own_page_may_ask(client, headers):
    """A program says nothing of sites; the page of documents is of this site, for a browser of
    before 2023, too.
    """
    assert client.post("/predict", json=ADA, headers=headers).status_code == 200
    assert client.post("/ab-test/reset", headers=headers).status_code == 200


def test_a_picture_elsewhere_asks_nothing_but_a_link_is_followed(client):
    """A picture on a page can ask for an address, and the answer would be logged; a link is
    followed by a person.
    """
    link = PAGE | {"sec-fetch-mode": "navigate"}
    assert client.get("/customers/C00001", headers=PAGE).status_code == 403
    assert client.get("/models", headers=link).status_code == 200
    assert client.get("/health/live", headers=PAGE).status_code == 200


def test_an_origin_that_may_call_may_do_so_without_keys(start, tmp_path, booster):
    """What SERVING_CORS_ORIGINS names is let in, and told so; others are not."""
    publish(tmp_path / "published", booster)
    client = start(cors_origins=("https://crm.example",))
    crm = PAGE | {"origin": "https://crm.example", "sec-fetch-mode": "cors"}
    response = client.post("/predict", json=ADA, headers=crm)
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (
        200,
        "https://crm.example",
    )
    assert client.post("/predict", json=ADA, headers=PAGE).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200),
        ("LocalHost", 200),
        ("[::1]:8080", 200),
        ("rebound.example:8080", 403),
        ("localhost.rebound.example", 403),
        ("127.0.0.1.rebound.example", 403),
        ("[::2]", 403),
    ],
)
@invariant("Service", "A service without keys answers only to this machine's names.")
def test_only_this_machines_names_are_answered_without_keys(client, host, status):
    """A page whose name has been made to point here (DNS rebinding) is of our own site to its
    browser.
    """
    own = {"host": host, "sec-fetch-site": "same-origin", "origin": f"http://{host}"}
    assert client.post("/predict", json=ADA, headers=own).status_code == status
    assert client.get("/customers/C00001", headers={"host": host}).status_code == status
    assert client.get("/", headers={"host": host}).status_code == status


def test_every_path_has_the_same_rule_for_hosts(client, tmp_path):
    """The documents as well: a rebound page reads nothing of a service without keys."""
    asked = set()
    for route in create_litestar(settings_in(tmp_path / "apart")).routes:
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods - {"OPTIONS"}:
                path = route.path_format.format(
                    portfolio="tiny", customer_id="C00001", version=1, name="x", path="x"
                )
                response = client.request(
                    method, path, headers={"host": "rebound.example"}, follow_redirects=False
                )
                assert (path, response.status_code) == (path, 403)
                asked.add(path)
    assert asked >= {"/schema", "/schema/openapi.json", "/docs", "/"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/customers/C00001", "/customers/*"),
        ("/tiny/customers/C00001/more", "/tiny/customers/*"),
        ("/predict", "/predict"),
    ],
)
def test_a_path_is_logged_without_the_customer(path, shown):
    """What stands behind `/customers/` is an id."""
    assert masked(path) == shown
