"""Who may ask what, and what an error shows."""

import logging
import os

import pytest

from churn_platform_tests.http.conftest import settings_in
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import publish
from serving.app import create_app, create_litestar
from serving.errors import ServiceSettingsError
from serving.http.authorisation import NEEDS, PUBLIC
from serving.security.api_keys import add_key, revoke_key

ADA = {"customer_id": "C00001"}


@pytest.fixture
def keyed(start, tmp_path, booster):
    """A service with a key per scope: (client, secrets)."""
    publish(tmp_path / "published", booster)
    path = settings_in(tmp_path).keys_file
    secrets = {
        scope: add_key(path, name=scope, scopes=[scope], created_at="2026-01-01")
        for scope in ("score", "push", "admin")
    }
    return start(), secrets


@invariant("Service", "A route without a declared scope requires an admin's key.")
def test_every_route_but_the_public_ones_wants_a_key(keyed, tmp_path):
    """Without a key, or with a wrong one, each is a 401; what is public is exactly this."""
    client, _ = keyed
    public = set()
    for route in create_litestar(settings_in(tmp_path / "apart")).routes:
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods - {"OPTIONS"}:
                path = route.path_format.format(
                    portfolio="tiny", customer_id="C00001", version=1, name="x", path="x"
                )
                if handler.opt.get(NEEDS) == PUBLIC or path.startswith("/schema"):
                    public.add(path)
                    continue
                for headers in ({}, {"x-api-key": "churn_wrong"}):
                    response = client.request(method, path, headers=headers)
                    assert (path, response.status_code) == (path, 401)
    assert public >= {"/", "/health", "/health/live", "/health/ready", "/docs"}
    assert not public & {"/predict", "/metrics", "/models"}


def test_a_key_does_what_its_scopes_say(keyed):
    """The scope is asked for, by header or as a bearer token; any other is a 403 that names what is
    missing.
    """
    client, secrets = keyed
    ask = {
        scope: client.post("/predict", json=ADA, headers={"x-api-key": key})
        for scope, key in secrets.items()
    }
    assert {scope: response.status_code for scope, response in ask.items()} == {
        "score": 200,
        "push": 403,
        "admin": 403,
    }
    assert "lacks the scope 'score'" in ask["push"].json()["detail"]
    assert (
        client.get("/models", headers={"authorization": f"Bearer {secrets['score']}"}).status_code
        == 200
    )
    assert client.post("/ab-test/reset", headers={"x-api-key": secrets["score"]}).status_code == 403
    assert client.post("/ab-test/reset", headers={"x-api-key": secrets["admin"]}).status_code == 200


def test_a_revoked_key_is_refused_without_a_restart(keyed, tmp_path):
    """The file of keys is followed."""
    from churn_platform_tests.http.test_reload import eventually

    client, secrets = keyed
    revoke_key(settings_in(tmp_path).keys_file, name="score")
    eventually(
        lambda: (
            client.post("/predict", json=ADA, headers={"x-api-key": secrets["score"]}).status_code
            == 401
        )
    )


def test_a_key_is_revoked_whatever_else_fails(keyed, tmp_path, monkeypatch):
    """What is live and which keys hold are followed apart."""
    from churn_platform_tests.http.test_reload import eventually

    def fail(*_: object) -> None:
        raise ValueError("a stray file")

    client, secrets = keyed
    monkeypatch.setattr("serving.answer.dataplane.Dataplane.refresh", fail)
    revoke_key(settings_in(tmp_path).keys_file, name="score")
    eventually(
        lambda: (
            client.post("/predict", json=ADA, headers={"x-api-key": secrets["score"]}).status_code
            == 401
        )
    )


def test_revoking_the_last_key_leaves_the_service_closed(keyed, tmp_path, caplog):
    """Neither a revoked key nor none at all may ask."""
    from churn_platform_tests.http.test_reload import eventually

    client, secrets = keyed
    for name in secrets:
        revoke_key(settings_in(tmp_path).keys_file, name=name)
    eventually(lambda: "CLOSED: no API key is left" in caplog.text)
    for headers in ({}, {"x-api-key": secrets["score"]}):
        assert client.post("/predict", json=ADA, headers=headers).status_code == 401


def test_a_key_over_its_rate_is_told_to_wait(keyed, tmp_path):
    """Beyond its rate a key gets 429 with the seconds to wait; other keys go on."""
    client, secrets = keyed
    slow = add_key(
        settings_in(tmp_path).keys_file,
        name="slow",
        scopes=["score"],
        created_at="2026-01-01",
        requests_per_second=2,
    )
    from churn_platform_tests.http.test_reload import eventually

    eventually(
        lambda: client.post("/predict", json=ADA, headers={"x-api-key": slow}).status_code != 401
    )
    responses = [client.post("/predict", json=ADA, headers={"x-api-key": slow}) for _ in range(5)]
    assert responses[-1].status_code == 429
    assert responses[-1].headers["retry-after"] == "1"
    assert (
        client.post("/predict", json=ADA, headers={"x-api-key": secrets["score"]}).status_code
        == 200
    )


def test_open_to_the_network_needs_a_key(tmp_path):
    """Without a key the service starts on loopback only, and says so loudly there."""
    with pytest.raises(ServiceSettingsError, match="there is no API key"):
        create_app(settings_in(tmp_path, host="0.0.0.0"))


def test_open_on_loopback_is_said_loudly(tmp_path, caplog):
    """A warning at the start."""
    with caplog.at_level(logging.WARNING, "serving"):
        create_app(settings_in(tmp_path))
    assert "OPEN: there is no API key" in caplog.text


PROBLEMS = [
    ("GET", "/nowhere", 404),
    ("GET", "/predict", 405),
    ("GET", "/schema/nothing", 404),
    ("GET", "/schema/assets/nothing.js", 404),
    ("GET", "/customers/nobody", 404),
    ("GET", "/models/99/card", 404),
    ("GET", "/models/x/card", 404),
    ("GET", f"/models/{300 * '9'}/card", 404),
    ("GET", "/view_report", 404),
    ("GET", "/nowhere/models", 404),
    ("POST", "/predict", 400),
    ("POST", "/predict/batch", 400),
    ("POST", "/explain", 400),
    ("POST", "/features/push", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), PROBLEMS)
@invariant("Service", "Every error is problem+json.")
def test_every_error_has_one_shape(client, method, path, status):
    """problem+json with type, title, status and detail, and the security headers, whatever went
    wrong.
    """
    response = client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(response.json())
    assert response.json()["status"] == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "x-request-id" in response.headers


@invariant("Service", "An internal failure shows nothing of the inside.")
def test_a_failure_of_our_own_shows_nothing(client, monkeypatch, caplog):
    """A 500 tells no traceback and no text of the error; the log has both, with
    the request's id.
    """

    def fail(*_: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr("serving.answer.dataplane.Dataplane.predict", fail)
    response = client.post("/predict", json=ADA)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text and "Traceback" not in response.text
    assert "secret of the inside" in caplog.text


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


def test_a_key_is_proof_enough(keyed):
    """A page cannot know it, nor send its header without being allowed; a proxy may have changed
    the names.
    """
    client, secrets = keyed
    headers = PAGE | {"x-api-key": secrets["score"], "host": "churn.example"}
    assert client.post("/predict", json=ADA, headers=headers).status_code == 200


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


@invariant("Service", "No answer goes out unlogged.")
def test_an_unlogged_answer_is_not_given(client, tmp_path, monkeypatch):
    """Where the log cannot take the record: 503, not ready, and no answer; afterwards all is well
    again.
    """
    assert client.post("/predict", json=ADA).status_code == 200
    real, full = os.write, OSError(28, "No space left on device")

    def write(descriptor: int, data: bytes) -> int:
        if b"C00001" in data:
            raise full
        return real(descriptor, data)

    monkeypatch.setattr("os.write", write)
    response = client.post("/predict", json=ADA)
    assert response.status_code == 503
    assert "churn_probability" not in response.text
    monkeypatch.setattr("os.write", real)
    assert client.post("/predict", json=ADA).status_code == 200
