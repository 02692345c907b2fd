"""The requests that the two shipped portfolios are known for, against their real catalogues."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from litestar.testing import TestClient

from benchmarks.serving.world import random_features
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.published.live_file import go_live
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.training_data import Labelled
from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.served_bundles import IBM_CUSTOMER, record_of
from serving.app import create_app

IBM_ROW = IBM_CUSTOMER | {"customerID": "7590-VHVEG", "TotalCharges": "29.85"}
IBM_ENCODED = [0, 0, 1, 0, 1, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 1, 2, 29.85, 29.85]
TELECOMIT_CUSTOMER = {
    "customer_id": "T00000002",
    "recency_days": 12,
    "frequency": 6,
    "monetary_total": 179.4,
    "tenure_days": 820,
    "activity_trend": -0.35,
    "calls_count_30d": 45,
    "data_usage_gb_30d": 8.2,
    "support_tickets_90d": 3,
    "frustration_index": 0.6,
    "plan_monthly_eur": 29.9,
}


def _published(root: Path) -> ChurnModel:
    """The shipped portfolio of the folder's name with a model of 400 customers drawn from its
    catalogue, live.
    """
    spec = load_portfolios(root / "none")[root.name]
    features = random_features(spec, 400, seed=1)
    churned = (np.random.default_rng(2).uniform(size=400) < 0.3).astype(np.int8)
    rows, half = Labelled(features, churned, np.arange(400).astype(str)), np.arange(400) % 2 == 0
    model = fit_model(
        "logistic_regression", spec.features, rows.take(half), rows.take(~half), seed=7, threads=1
    )
    publish_model(root, 1, model, record_of(model, root.name), features, id_column=spec.id_column)
    go_live(root, root.name, champion=1)
    return model


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[TestClient, dict[str, ChurnModel]]]:
    """A service of both portfolios, ibm_telco by default, and their models."""
    folder = tmp_path_factory.mktemp("shipped")
    models = {name: _published(folder / "published" / name) for name in ("ibm_telco", "telecomit")}
    with TestClient(create_app(settings_in(folder)), base_url="http://127.0.0.1") as client:
        yield client, models


@pytest.mark.parametrize("path", ["/predict", "/ibm_telco/predict"])
def test_a_row_of_the_ibm_file_is_a_request(served, path):
    """Its own column names and spellings, its id included, get the native model's score of the same
    customer.
    """
    client, models = served
    response = client.post(path, json=IBM_ROW)
    assert response.status_code == 200, response.text
    answer = response.json()
    native = models["ibm_telco"].churn_probability(np.float32([IBM_ENCODED]))[0]
    assert answer["churn_probability"] == pytest.approx(native, abs=1e-5)
    assert (answer["portfolio"], answer["customer_id"], answer["missing_features"]) == (
        "ibm_telco",
        "7590-VHVEG",
        [],
    )


def test_total_charges_may_be_blank_text_or_a_number(served):
    """A new customer's TotalCharges is ' ' in the file: missing, which null says too; text is read
    as its number.
    """
    client, _ = served
    scores = {
        repr(value): client.post("/predict", json=IBM_ROW | {"TotalCharges": value}).json()[
            "churn_probability"
        ]
        for value in (" ", "", None, "29.85", 29.85)
    }
    assert scores["' '"] == scores["''"] == scores["None"] != scores["29.85"] == scores["'29.85'"]


@pytest.mark.parametrize(("value", "same_as"), [(1, "Yes"), ("1", True), ("No", 0), (False, "No")])
def test_a_senior_is_one_or_yes(served, value, same_as):
    """SeniorCitizen is 0 or 1 in the file, its neighbours are Yes or No: either is understood for
    both.
    """
    client, _ = served
    for name in ("SeniorCitizen", "Partner"):
        one, other = (
            client.post("/predict", json=IBM_ROW | {name: sent}).json() for sent in (value, same_as)
        )
        assert one["churn_probability"] == other["churn_probability"]


def test_an_id_is_given_once_by_either_name(served):
    """The source's name stands for ours in scores and batches, never beside it,
    and is documented.
    """
    client, _ = served
    response = client.post("/predict", json=IBM_ROW | {"customer_id": "other"})
    (error,) = response.json()["errors"]
    assert (response.status_code, error["field"]) == (422, "customerID")
    assert error["allowed"] == "customer_id or customerID, not both"
    batch = {"customers": [IBM_ROW, {"customerID": "nobody"}, {"customerID": [7]}]}
    answer = client.post("/predict/batch", json=batch).json()
    assert answer["predictions"][0]["customer_id"] == "7590-VHVEG"
    assert [(one["customer_id"], one["status"]) for one in answer["errors"]] == [
        ("nobody", 404),
        (None, 422),
    ]
    schemas = client.get("/schema/openapi.json").json()["components"]["schemas"]
    assert "`customerID`" in schemas["ibm_telco-predict"]["description"]
    senior = schemas["ibm_telco-predict"]["properties"]["senior_citizen"]
    assert senior["type"] == "boolean"
    assert "`SeniorCitizen`" in senior["description"]


def test_the_request_of_the_reference_case_works(served):
    """Ten features and an id: scored, with every feature named that was not sent."""
    client, models = served
    response = client.post("/telecomit/predict", json=TELECOMIT_CUSTOMER)
    assert response.status_code == 200, response.text
    answer = response.json()
    names = [feature.name for feature in models["telecomit"].features]
    assert answer["missing_features"] == [name for name in names if name not in TELECOMIT_CUSTOMER]
    assert (answer["customer_id"], answer["scored_from"]) == ("T00000002", "features")
    assert 0 < answer["churn_probability"] < 1
