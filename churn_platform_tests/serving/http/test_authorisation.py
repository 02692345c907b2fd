"""Who may ask what, and what an error shows."""

import pytest

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import publish
from serving.app import create_litestar
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
    from churn_platform_tests.support.waiting import eventually

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
    from churn_platform_tests.support.waiting import eventually

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
    from churn_platform_tests.support.waiting import eventually

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
    from churn_platform_tests.support.waiting import eventually

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


PAGE = {
    "origin": "https://elsewhere.example",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
}


def test_a_key_is_proof_enough(keyed):
    """A page cannot know it, nor send its header without being allowed; a proxy may have changed
    the names.
    """
    client, secrets = keyed
    headers = PAGE | {"x-api-key": secrets["score"], "host": "churn.example"}
    assert client.post("/predict", json=ADA, headers=headers).status_code == 200
