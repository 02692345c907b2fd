"""Clients that are generated from the OpenAPI document have every scoring operation, and score a
customer with it.
"""

import importlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish

OPENAPI_GENERATOR = ROOT / "data" / "bench" / "clients" / "bin" / "openapi-generator-cli"
SCORING = {"predict", "predict_batch", "explain", "push_features", "get_customer"}
CUSTOMER = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


def test_openapi_python_client_scores_a_customer(client, tmp_path, monkeypatch):
    """Every operation is generated without a complaint; a boolean is a bool, and an error is read,
    too.
    """
    document = tmp_path / "document.json"
    document.write_bytes(client.get("/schema/openapi.json").content)
    (tmp_path / "config.yaml").write_text("post_hooks: []\npackage_name_override: generated\n")
    command = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--meta",
        "none",
        "--fail-on-warning",
    ]
    places = [
        "--path",
        document,
        "--config",
        tmp_path / "config.yaml",
        "--output-path",
        tmp_path / "generated",
    ]
    made = subprocess.run([*command, *places], capture_output=True, text=True, cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    scores = tmp_path / "generated" / "api" / "scores"
    assert {path.stem for path in scores.glob("*.py")} >= SCORING | {"predict_tiny"}

    monkeypatch.syspath_prepend(tmp_path)
    predict = importlib.import_module("generated.api.scores.predict").sync
    models = importlib.import_module("generated.models")
    ours = importlib.import_module("generated").Client(base_url="http://127.0.0.1")
    ours.set_httpx_client(client)
    answer = predict(client=ours, body=models.TinyPredict.from_dict(CUSTOMER))
    assert (
        answer.churn_probability
        == client.post("/predict", json=CUSTOMER).json()["churn_probability"]
    )
    problem = predict(client=ours, body=models.TinyPredict(customer_id="nobody"))
    assert (problem.status, problem.title) == (404, "Not Found")
    metrics = importlib.import_module("generated.api.service.get_metrics").sync(client=ours)
    assert "predictions_total" in metrics


@pytest.mark.slow
def test_openapi_generator_scores_a_customer(tmp_path, booster, monkeypatch):
    """Its Python client takes `is_late=True` and gets the same score; make clients-check installs
    the generator.
    """
    publish(tmp_path / "published", booster)
    with serving(tmp_path, workers=1) as port:
        url = f"http://127.0.0.1:{port}"
        document = tmp_path / "document.json"
        with urllib.request.urlopen(f"{url}/schema/openapi.json") as response:
            document.write_bytes(response.read())
        _generate(document, tmp_path / "client")
        monkeypatch.syspath_prepend(tmp_path / "client")
        churn = importlib.import_module("churn_client")
        api = churn.ScoresApi(churn.ApiClient(churn.Configuration(host=url)))
        assert {name for name in SCORING if hasattr(api, name)} == SCORING
        answer = api.predict(churn.TinyPredict(usage=1.0, tickets=5, is_late=True, plan="prepaid"))
        assert answer.churn_probability == _asked(f"{url}/predict")["churn_probability"]


def _generate(document: Path, folder: Path) -> None:
    options = ["-i", document, "-g", "python", "-o", folder, "--package-name", "churn_client"]
    made = subprocess.run([OPENAPI_GENERATOR, "generate", *options], capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


def _asked(url: str) -> dict[str, float]:
    request = urllib.request.Request(
        url, json.dumps(CUSTOMER).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)
