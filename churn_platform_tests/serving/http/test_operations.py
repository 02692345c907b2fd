"""Operations say who may call them and how they fail."""

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.served_bundles import publish
from serving.security.api_keys import add_key
from serving.storage.log_writer import LogUnavailable


def test_operations_say_who_may_call_them_and_how_they_fail(client):
    """Scopes as the gate asks for them, none for public routes; errors with Retry-After where
    waiting helps.
    """
    paths = client.get("/schema/openapi.json").json()["paths"]
    keys = {
        path: operation["security"] for path, found in paths.items() for operation in found.values()
    }
    assert keys["/health"] == keys["/"] == []
    assert keys["/metrics"][0] == {"ApiKey": []}
    assert keys["/predict"] == [{"ApiKey": ["score"]}, {"Bearer": ["score"]}, {}]
    assert keys["/ab-test/reset"][0] == {"ApiKey": ["admin"]}
    push = paths["/features/push"]["post"]["responses"]
    assert set(push) >= {
        "200",
        "400",
        "401",
        "403",
        "404",
        "408",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503",
        "507",
    }
    assert {status for status, answer in push.items() if "Retry-After" in answer["headers"]} == {
        "429",
        "503",
        "507",
    }
    assert "text/plain" in paths["/metrics"]["get"]["responses"]["200"]["content"]
    assert "text/html" in paths["/models/{version}/card"]["get"]["responses"]["200"]["content"]


def test_a_service_with_keys_documents_that_one_is_needed(start, tmp_path, booster):
    """Only before there is any key may everybody ask."""
    publish(tmp_path / "published", booster)
    add_key(settings_in(tmp_path).keys_file, name="crm", scopes=["score"], created_at="2026-01-01")
    paths = start().get("/schema/openapi.json").json()["paths"]
    assert paths["/predict"]["post"]["security"] == [{"ApiKey": ["score"]}, {"Bearer": ["score"]}]


def test_what_asks_to_wait_says_how_long(client, monkeypatch):
    """A 503 carries Retry-After, as documented."""

    def fail(*_: object) -> None:
        raise LogUnavailable("no space")

    monkeypatch.setattr("serving.answer.dataplane.Dataplane.predict", fail)
    response = client.post("/predict", json={"customer_id": "C00001"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
