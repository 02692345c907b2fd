"""What a key lets its caller do: portfolios, features and rate."""

import pytest

ADA = {"customer_id": "C00001"}


SENT = ADA | {"tickets": 3}


WHOLE = {"usage": 1.0, "tickets": 5, "is_late": True, "plan": "prepaid"}


def test_a_key_is_for_its_portfolios(start, key):
    """By name, and as the default at the root; what tells of all portfolios is not for it."""
    tiny, other = key(name="tiny", portfolios=["tiny"]), key(name="other", portfolios=["other"])
    client = start()
    paths = ("/predict", "/other/predict", "/tiny/predict")
    assert [client.post(path, json=ADA, headers=tiny).status_code for path in paths] == [
        403,
        403,
        200,
    ]
    assert [client.post(path, json=ADA, headers=other).status_code for path in paths] == [
        200,
        200,
        403,
    ]
    assert client.get("/tiny/models", headers=other).status_code == 403
    assert client.get("/metrics", headers=tiny).status_code == 403
    refused = client.post("/predict", json=ADA, headers=tiny).json()["detail"]
    assert refused == "key 'tiny' is not for portfolio 'other'; it is for tiny"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", SENT),
        ("/predict", WHOLE),
        ("/predict/batch", {"customers": [ADA, SENT]}),
        ("/predict/batch", {"customers": [WHOLE]}),
        ("/explain", SENT),
        ("/explain", ADA | {"what_if": {"tickets": 0}}),
    ],
)
def test_features_are_a_scope_of_their_own(start, key, path, body):
    """Nothing but an id is read for a key without it; with it, all of these are answered."""
    by_id, by_features = key(name="by id"), key(name="by features", scopes=["score", "features"])
    client = start()
    assert (
        client.post("/predict/batch", json={"customers": [ADA]}, headers=by_id).status_code == 200
    )
    refused = client.post(path, json=body, headers=by_id)
    assert (refused.status_code, "lacks the scope 'features'" in refused.text) == (403, True)
    assert client.post(path, json=body, headers=by_features).status_code == 200


def test_a_batch_counts_its_customers(start, key):
    """60 of them on a key of one a minute are paid for before the next request."""
    slow = key(requests_per_second=1 / 60)
    client = start()
    assert (
        client.post("/predict/batch", json={"customers": [ADA] * 60}, headers=slow).status_code
        == 200
    )
    refused = client.post("/predict", json=ADA, headers=slow)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 50 * 60
