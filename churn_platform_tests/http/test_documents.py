"""The OpenAPI document follows from the catalogue, and nothing that it allows
breaks the service.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from churn_platform_tests.http.conftest import settings_in
from churn_platform_tests.http.test_reload import eventually
from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish
from serving.http import documents
from serving.security.api_keys import add_key
from serving.storage.log_writer import LogUnavailable


def test_request_schemas_are_the_catalogues(client):
    """Types, ranges, levels and descriptions of the features, and no other
    field; a boolean is one.
    """
    document = client.get("/schema/openapi.json").json()
    schema = document["components"]["schemas"]["tiny-predict"]
    assert set(schema["properties"]) == {"customer_id", "usage", "tickets", "is_late", "plan"}
    assert schema["additionalProperties"] is False
    assert schema["properties"]["usage"] == {
        "description": (
            "Use. Also understood: the number as text. "
            "null, or a blank text, where it is not known."
        ),
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 100,
    }
    assert schema["properties"]["tickets"]["type"] == "integer"
    assert schema["properties"]["is_late"]["type"] == "boolean"
    assert schema["properties"]["plan"]["enum"] == ["prepaid", "monthly", "yearly"]
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert body == {"$ref": "#/components/schemas/tiny-predict"}


def test_the_interactive_page_asks_no_network(client):
    """The page and all it loads come from the service."""
    pytest.importorskip("swagger_ui")
    page = client.get("/docs")
    assert page.status_code == 200
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert [link for link in links if not link.startswith(("/schema/", "data:"))] == []
    assets = [link for link in links if link.startswith("/schema/")]
    assert len(assets) == 3
    assert {client.get(link).status_code for link in assets} == {200}


def test_schemathesis_has_no_finding(tmp_path, booster):
    """Every check of it over every operation: documented statuses, types and headers, refused and
    accepted requests.

    `schemathesis.toml` names the one exception, spellings that the document tells in words.
    """
    publish(tmp_path / "published", booster)
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        "--checks",
        "all",
        "--no-color",
    ]
    options = ["--seed", "1", "--max-examples", "3", "--generation-database", ":memory:"]
    with serving(tmp_path, workers=1) as port:
        url = f"http://127.0.0.1:{port}/schema/openapi.json"
        found = subprocess.run([*command, *options, url], capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stdout[-5000:]
    assert "Tested: 25" in found.stdout


def test_try_it_out_is_answered(client):
    """Each example of a body is accepted as it stands."""
    paths = client.get("/schema/openapi.json").json()["paths"]
    tried = {}
    for path, operations in paths.items():
        if body := operations.get("post", {}).get("requestBody"):
            tried[path] = client.post(
                path, json=body["content"]["application/json"]["example"]
            ).status_code
    assert len(tried) == 8
    assert set(tried.values()) == {200}


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


def test_every_field_of_an_answer_is_described(client):
    """What `confidence` is, and all others; operations have names that a person would choose."""
    document = client.get("/schema/openapi.json").json()
    schemas = document["components"]["schemas"]
    undescribed = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, about in schema.get("properties", {}).items()
        if not about.get("description")
    ]
    assert undescribed == []
    assert "churn_prediction" in schemas["Answer"]["properties"]["confidence"]["description"]
    names = {
        operation["operationId"]
        for found in document["paths"].values()
        for operation in found.values()
    }
    assert names >= {
        "predict",
        "predict_tiny",
        "get_customer",
        "push_features",
        "list_models",
        "get_metrics",
    }


def test_what_asks_to_wait_says_how_long(client, monkeypatch):
    """A 503 carries Retry-After, as documented."""

    def fail(*_: object) -> None:
        raise LogUnavailable("no space")

    monkeypatch.setattr("serving.answer.dataplane.Dataplane.predict", fail)
    response = client.post("/predict", json={"customer_id": "C00001"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


def test_the_document_is_made_once_for_what_is_live(client, tmp_path, booster, monkeypatch):
    """Anybody may ask for it, without key or rate; another state that goes live makes it anew."""
    made = []
    make = documents.live_document

    def counted(*arguments, **options):
        made.append(1)
        return make(*arguments, **options)

    monkeypatch.setattr(documents, "live_document", counted)
    texts = {client.get("/schema/openapi.json").text for _ in range(3)}
    assert (len(texts), len(made)) == (1, 1)
    publish(tmp_path / "published", booster, name="atlantis")
    eventually(lambda: "atlantis" in client.get("/schema/openapi.json").text)
    assert len(made) == 2


def test_files_of_the_page_may_be_kept(client):
    """They change with a package alone; what is no such file, and every answer, may not be kept."""
    pytest.importorskip("swagger_ui")
    kept = client.get("/schema/assets/swagger-ui.css").headers["cache-control"]
    assert kept == "public, max-age=86400"
    for path in ("/schema/assets/nothing.css", "/schema/openapi.json", "/models"):
        assert client.get(path).headers["cache-control"] == "no-store"
