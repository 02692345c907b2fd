"""Bodies that are compressed."""

import gzip
import json

import pytest

ADA = {"customer_id": "C00001"}
JSON = {"content-type": "application/json"}


def _post(client, body: bytes, encoding: str):
    return client.post("/predict", content=body, headers=JSON | {"content-encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_gzip_body_is_read(client, encoding):
    """It gets the answer of the same body as it is."""
    plain = client.post("/predict", json=ADA).json()
    packed = _post(client, gzip.compress(json.dumps(ADA).encode()), encoding)
    assert packed.status_code == 200, packed.text
    assert packed.json()["churn_probability"] == plain["churn_probability"]
    assert _post(client, json.dumps(ADA).encode(), "identity").status_code == 200


def test_what_is_unpacked_is_bounded(start):
    """A few bytes that stand for more than a body may have are a 413."""
    small = start(body_bytes_max=1000)
    bomb = gzip.compress(b" " * 500_000)
    assert len(bomb) < 1000
    response = _post(small, bomb, "gzip")
    assert (response.status_code, response.headers["content-type"]) == (
        413,
        "application/problem+json",
    )
    assert "once it is unpacked" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}")[:-3],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"{}") * 2,
        b"",
    ],
    # gzip writes the time into its bytes, so a name must not hold them
    ids=["not_gzip", "cut_off", "followed", "twice", "empty"],
)
def test_what_is_not_one_whole_gzip_stream_is_refused(client, body):
    """No gzip at all, cut off, or with something behind it."""
    response = _post(client, body, "gzip")
    assert response.status_code == 400
    assert "gzip" in response.json()["detail"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_another_encoding_is_named(client, encoding):
    """415 that says what to send."""
    response = _post(client, b"x", encoding)
    assert response.status_code == 415
    assert repr(encoding) in response.json()["detail"] and "gzip" in response.json()["detail"]
