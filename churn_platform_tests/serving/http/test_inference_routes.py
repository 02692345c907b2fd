"""Routes of the open inference protocol: what they say of the service, and how MLServer's own types
speak to them.
"""

import json
import subprocess

import numpy as np
import pytest

from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish

MLSERVER_PYTHON = ROOT / "data" / "bench" / "mlserver" / "bin" / "python"
ASK_WITH_MLSERVER = """
import json, sys, urllib.request
import pandas as pd
from mlserver import types
from mlserver.codecs import PandasCodec

url = sys.argv[1]

def ask(path, body=None):
    request = urllib.request.Request(url + path, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return response.read()

types.MetadataServerResponse.model_validate_json(ask("/v2"))
metadata = types.MetadataModelResponse.model_validate_json(ask("/v2/models/tiny"))
customers = pd.DataFrame(
    {
        "usage": [1.0, 2.5],
        "tickets": [5, 0],
        "is_late": [True, False],
        "plan": pd.Series(["prepaid", "yearly"], dtype=object),  # as MLServer knows texts
    }
)
sent = PandasCodec.encode_request(customers)
answer = ask("/v2/models/tiny/infer", sent.model_dump_json().encode())
scores = PandasCodec.decode_response(types.InferenceResponse.model_validate_json(answer))
columns = {name: scores[name].tolist() for name in scores}
print(json.dumps({"inputs": [one.name for one in metadata.inputs], "scores": columns}))
"""


def test_the_service_says_that_it_lives_and_is_ready(client):
    """Server, health and readiness of a model, without a key."""
    assert client.get("/v2").json()["name"] == "churn-serving"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    ready = {"name": "tiny", "ready": True}
    assert client.get("/v2/models/tiny/ready").json() == ready
    assert client.get("/v2/models/tiny/versions/1/ready").json() == ready


def test_a_service_without_a_model_is_alive_and_not_ready(start):
    """Readiness is a 503 in the protocol's form, of the server and of a model."""
    client = start()
    assert client.get("/v2/health/live").status_code == 200
    for path in ("/v2/health/ready", "/v2/models/tiny/ready"):
        response = client.get(path)
        assert response.status_code in (404, 503)
        assert set(response.json()) == {"error"}
    assert client.get("/v2/health/ready").headers["retry-after"] == "5"


def test_a_portfolio_whose_answers_cannot_be_logged_is_not_ready(key, start, tmp_path):
    """Its model is there, but no answer would be given; another portfolio is ready."""
    folder = tmp_path / "state" / "log" / "tiny"
    folder.parent.mkdir(parents=True)
    folder.touch()
    key()
    client = start()
    response = client.get("/v2/models/tiny/ready")
    assert response.status_code == 503
    assert "answers of tiny cannot be logged" in response.json()["error"]
    assert client.get("/v2/models/other/ready").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models/nowhere", 404),
        ("GET", "/v2/models/tiny/versions/9/ready", 404),
        ("GET", "/v2/models/tiny/infer", 405),
        ("POST", "/v2/models/tiny/infer", 400),
    ],
)
def test_errors_have_the_protocols_form(client, method, path, status):
    """An object with `error`, whatever went wrong; the headers are as everywhere."""
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert "x-request-id" in response.headers


def test_the_document_shows_the_protocols_own_errors(client):
    """No operation below /v2 promises a problem, and none elsewhere the protocol's error."""
    paths = client.get("/schema/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            kinds = set()
            for status, answer in operation["responses"].items():
                if not status.startswith("2"):
                    kinds |= set(answer["content"])
            is_protocol = path == "/v2" or path.startswith("/v2/")
            assert kinds == {"application/json" if is_protocol else "application/problem+json"}


@pytest.mark.slow
@pytest.mark.skipif(not MLSERVER_PYTHON.exists(), reason="make clients-check installs MLServer")
def test_mlservers_own_types_ask_and_read(tmp_path, booster):
    """A pandas frame encoded by MLServer gets the native model's scores; its types read each
    answer.
    """
    publish(tmp_path / "published", booster)
    with serving(tmp_path, workers=1) as port:
        command = [MLSERVER_PYTHON, "-c", ASK_WITH_MLSERVER, f"http://127.0.0.1:{port}"]
        asked = subprocess.run(command, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    told = json.loads(asked.stdout)
    assert told["inputs"] == ["customer_id", "usage", "tickets", "is_late", "plan"]
    scores = told["scores"]["churn_probability"]
    encoded = np.float32([[1.0, 5, 1, 0], [2.5, 0, 0, 2]])
    assert scores == pytest.approx(booster.churn_probability(encoded), abs=1e-5)
    assert told["scores"]["model_version"] == [1, 1]
