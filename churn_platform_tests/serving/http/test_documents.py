"""The OpenAPI document follows from the catalogue, and nothing that it allows
breaks the service.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.waiting import eventually
from serving.http import documents


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
    assert "Tested: 36" in found.stdout


def test_try_it_out_is_answered(client):
    """Each example of a body is accepted as it stands."""
    paths = client.get("/schema/openapi.json").json()["paths"]
    tried = {}
    for path, operations in paths.items():
        if body := operations.get("post", {}).get("requestBody"):
            tried[path] = client.post(
                path.format(portfolio="tiny", version=1),
                json=body["content"]["application/json"]["example"],
            ).status_code
    assert len(tried) == 12
    assert set(tried.values()) == {200}


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
