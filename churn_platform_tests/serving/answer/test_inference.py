"""The open inference protocol scores as a batch does, and names what is wrong in its own form."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from churn_platform.published.live_file import direct_traffic
from churn_platform.published.prediction_log import read_segment
from churn_platform_tests.serving.conftest import post
from churn_platform_tests.support.served_bundles import publish, publish_version
from churn_platform_tests.support.waiting import eventually

INFER = "/v2/models/tiny/infer"
CUSTOMERS = [
    {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"},
    {"usage": None, "tickets": 0, "is_late": False, "plan": "yearly"},
]


def tensor(name: str, datatype: str, *data: Any) -> dict[str, Any]:
    """An input with a row per value."""
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)}


def inputs() -> list[dict[str, Any]]:
    """Both customers, a tensor per feature, one of them nested."""
    tickets = tensor("tickets", "INT64", 5, 0) | {"shape": [2, 1], "data": [[5], [0]]}
    return [
        tensor("usage", "FP32", 1.0, None),
        tickets,
        tensor("is_late", "BOOL", True, False),
        tensor("plan", "BYTES", "prepaid", "yearly"),
    ]


def outputs_of(answer: dict[str, Any]) -> dict[str, list[Any]]:
    """The values of each output."""
    return {output["name"]: output["data"] for output in answer["outputs"]}


def test_rows_are_scored_as_a_batch_scores_them(client):
    """Probability, tier and version of each row are those of `POST /predict/batch`."""
    answer = post(client, INFER, {"id": "42", "inputs": inputs()})
    batch = post(client, "/predict/batch", {"customers": CUSTOMERS})["predictions"]
    assert outputs_of(answer) == {
        "churn_probability": [one["churn_probability"] for one in batch],
        "risk_tier": [one["risk_tier"] for one in batch],
        "model_version": [1, 1],
    }
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("tiny", "1", "42")
    assert [output["datatype"] for output in answer["outputs"]] == ["FP64", "BYTES", "INT64"]
    assert {tuple(output["shape"]) for output in answer["outputs"]} == {(2,)}


def test_rows_are_logged_and_counted_as_a_batch(client, tmp_path):
    """One record a row under the request's id, and one prediction counted a row."""
    answer = post(client, INFER, {"inputs": inputs()})
    (segment,) = (tmp_path / "state" / "log" / "tiny").glob("*.open")
    kept = [(record.request_id, record.item) for record in read_segment(segment)]
    assert kept == [(answer["parameters"]["request_id"], row) for row in (0, 1)]
    assert answer["id"] == answer["parameters"]["request_id"]
    arm = 'arm="champion",model_version="1",portfolio="tiny"'
    assert f"predictions_total{{{arm}}} 2.0" in client.get("/metrics").text


def test_customers_are_looked_up_by_id(client):
    """A tensor of ids alone gives the stored scores."""
    ids = ["C00001", "C00002"]
    answer = post(client, INFER, {"inputs": [tensor("customer_id", "BYTES", *ids)]})
    alone = [post(client, "/predict", {"customer_id": one})["churn_probability"] for one in ids]
    assert outputs_of(answer)["churn_probability"] == alone


def test_the_outputs_that_are_asked_for_are_answered(client):
    """In the order of the request."""
    wanted = [{"name": "model_version"}, {"name": "risk_tier", "parameters": {"binary_data": 0}}]
    answer = post(client, INFER, {"inputs": inputs(), "outputs": wanted})
    assert list(outputs_of(answer)) == ["model_version", "risk_tier"]


Spoil = Callable[[list[dict[str, Any]]], object]
WRONG: dict[str, tuple[Spoil, str]] = {
    "unknown name": (lambda sent: sent[0].update(name="usge"), "usge: 1.0, allowed is only"),
    "suggestion": (lambda sent: sent[0].update(name="usge"), "perhaps 'usage'"),
    "twice": (lambda sent: sent.append(sent[0]), "input 'usage' is there twice"),
    "matrix": (lambda sent: sent[0].update(shape=[1, 2]), "input 'usage': shape [1, 2]"),
    "no shape": (lambda sent: sent[0].update(shape=[]), "input 'usage': shape []"),
    "too few": (lambda sent: sent[0].update(shape=[3]), "2 values in data, its shape [3] says 3"),
    "other rows": (
        lambda sent: sent.append(tensor("customer_id", "BYTES", "A")),
        "input 'customer_id': shape [1], but 'usage' has 2 rows",
    ),
    "no rows": (lambda sent: sent[0].update(shape=[0], data=[]), "input 'usage': no row"),
    "nested": (lambda sent: sent[1].update(data=[[5], 0]), "input 'tickets', row 1: not nested"),
    "nested flat": (lambda sent: sent[0].update(data=[[1], [2]]), "'usage', row 0: not nested"),
    "datatype": (lambda sent: sent[0].update(datatype="FP8"), "input 'usage': datatype 'FP8'"),
    "another type": (lambda sent: sent[1].update(datatype="BOOL"), "row 0: int in a tensor of"),
    "whole float": (
        lambda sent: sent[0].update(datatype="INT8", data=[1.5, 2]),
        "input 'usage', row 0: float in a tensor of INT8",
    ),
    "base64": (
        lambda sent: sent[3].update(parameters={"content_type": "base64"}),
        "input 'plan': content_type 'base64'",
    ),
    "value": (lambda sent: sent[1].update(data=[[5], [-1]]), "row 1: tickets: -1, allowed is"),
    "level": (lambda sent: sent[3].update(data=["prepaid", "gold"]), "row 1: plan: 'gold'"),
    "missing": (lambda sent: sent[1].update(data=[[5], [None]]), "row 1: tickets: None"),
    "empty": (lambda sent: sent.clear(), "inputs: at least one is needed"),
    "no data": (lambda sent: sent[0].pop("data"), "missing required field `data`"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_in_the_protocols_form(client, tmp_path, case):
    """A 400 whose `error` names the input, and the row where it is one; nothing is logged."""
    spoil, told = WRONG[case]
    sent = inputs()
    spoil(sent)
    response = client.post(INFER, json={"inputs": sent})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    assert told in response.json()["error"]
    assert not list((tmp_path / "state" / "log" / "tiny").glob("*.open"))


def test_an_output_that_there_is_not_is_named(client):
    """With those that there are."""
    asked = {"inputs": inputs(), "outputs": [{"name": "score"}]}
    response = client.post(INFER, json=asked)
    assert response.status_code == 400
    assert response.json()["error"].startswith("output 'score'; there are churn_probability")


def test_an_unknown_customer_is_named_with_its_row(client):
    """A 404, as of `POST /predict`."""
    ids = tensor("customer_id", "BYTES", "C00001", "nobody")
    response = client.post(INFER, json={"inputs": [ids]})
    assert response.status_code == 404
    assert response.json()["error"].startswith("row 1: no customer 'nobody'")


def test_a_request_is_bounded_as_a_batch(start, tmp_path, booster):
    """More rows than a batch may have are a 413."""
    publish(tmp_path / "published", booster)
    response = start(batch_max=1).post(INFER, json={"inputs": inputs()})
    assert response.status_code == 413
    assert response.json() == {
        "error": "2 customers in one batch; 1 are allowed, send several batches"
    }


def test_a_key_needs_the_scopes_of_a_batch(key, start):
    """`score` for ids, `features` besides where more is sent; a rate counts rows."""
    score = key(name="ids")
    both = key(name="both", scopes=["score", "features"], requests_per_second=1)
    client = start()
    ids = {"inputs": [tensor("customer_id", "BYTES", "C00001")]}
    sent = {"inputs": inputs()}
    assert client.post(INFER, json=ids).status_code == 401
    assert client.post(INFER, json=ids, headers=score).status_code == 200
    assert client.post(INFER, json=sent, headers=score).status_code == 403
    assert client.post(INFER, json=sent, headers=both).status_code == 200
    assert client.post(INFER, json=sent, headers=both).status_code == 429


def test_a_key_of_another_portfolio_is_refused(key, start):
    """The portfolio is the model of the path."""
    other = key(portfolios=["other"])
    client = start()
    ids = {"inputs": [tensor("customer_id", "BYTES", "C00001")]}
    assert client.post("/v2/models/other/infer", json=ids, headers=other).status_code == 200
    response = client.post(INFER, json=ids, headers=other)
    assert response.status_code == 403
    assert "is not for portfolio 'tiny'" in response.json()["error"]


@pytest.fixture
def shared(start, tmp_path, booster, linear) -> TestClient:
    """Two versions that share the customers of tiny, half and half."""
    root = publish(tmp_path / "published", booster)
    publish_version(root, 2, linear)
    direct_traffic(root, challenger=2, weight=0.5)
    client = start()
    eventually(lambda: client.get("/v2/models/tiny").json()["versions"] == ["1", "2"])
    return client


def test_the_traffic_is_split_as_for_other_requests(shared):
    """Each customer meets the version that `POST /predict` gives; no version is told of all."""
    ids = [f"C{number:05}" for number in range(1, 9)]
    answer = post(shared, INFER, {"inputs": [tensor("customer_id", "BYTES", *ids)]})
    alone = [post(shared, "/predict", {"customer_id": one})["model_version"] for one in ids]
    assert outputs_of(answer)["model_version"] == alone
    assert set(alone) == {1, 2}
    assert "model_version" not in answer


def test_a_version_is_not_asked_for_by_number_in_an_experiment(shared):
    """The caller would choose the version; a version that does not answer is not found."""
    ids = {"inputs": [tensor("customer_id", "BYTES", "C00001")]}
    response = shared.post("/v2/models/tiny/versions/1/infer", json=ids)
    assert response.status_code == 400
    assert response.json()["error"].startswith("versions 1 and 2 share the customers of tiny")
    assert shared.post("/v2/models/tiny/versions/9/infer", json=ids).status_code == 404


def test_the_only_version_is_asked_for_by_number(client):
    """The same score as without."""
    by_number = post(client, "/v2/models/tiny/versions/1/infer", {"inputs": inputs()})
    assert outputs_of(by_number) == outputs_of(post(client, INFER, {"inputs": inputs()}))


def test_a_model_describes_what_it_takes_and_answers(client):
    """The id, each feature with the datatype of its kind, and the three outputs."""
    metadata = client.get("/v2/models/tiny").json()
    assert (metadata["name"], metadata["versions"]) == ("tiny", ["1"])
    assert {one["name"]: one["datatype"] for one in metadata["inputs"]} == {
        "customer_id": "BYTES",
        "usage": "FP64",
        "tickets": "INT64",
        "is_late": "BOOL",
        "plan": "BYTES",
    }
    assert [one["name"] for one in metadata["outputs"]] == [
        "churn_probability",
        "risk_tier",
        "model_version",
    ]
    assert client.get("/v2/models/tiny/versions/1").json() == metadata


def test_a_key_without_the_scope_may_not_read_what_a_model_takes(key, start):
    """Metadata of a model need the scope `score`."""
    pushing = key(name="push", scopes=["push"])
    client = start()
    assert client.get("/v2/models/tiny").status_code == 401
    assert client.get("/v2/models/tiny", headers=pushing).status_code == 403
