"""Bodies that are compressed, and what a web page of an allowed origin is told."""

import gzip
import json

import pytest

from churn_platform_tests.support.served_bundles import publish

ADA = {"customer_id": "C00001"}
JSON = {"content-type": "application/json"}
CRM = "https://crm.example"


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


def test_a_page_of_an_allowed_origin_reads_id_and_waiting_time(start, tmp_path, booster):
    """The headers that an error report and another try need are exposed to scripts."""
    publish(tmp_path / "published", booster)
    response = start(cors_origins=(CRM,)).post("/predict", json=ADA, headers={"origin": CRM})
    exposed = response.headers["access-control-expose-headers"].lower().split(", ")
    assert {"x-request-id", "retry-after"} <= set(exposed)


def test_a_refused_preflight_is_a_problem(start):
    """As every other error; a preflight of an allowed origin is answered as before."""
    client = start(cors_origins=(CRM,))
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    refused = client.options("/predict", headers=asked | {"origin": "https://elsewhere.example"})
    assert (refused.status_code, refused.headers["content-type"]) == (
        400,
        "application/problem+json",
    )
    assert "SERVING_CORS_ORIGINS" in refused.json()["detail"]
    assert "access-control-allow-origin" not in refused.headers
    assert "x-request-id" in refused.headers
    allowed = client.options("/predict", headers=asked | {"origin": CRM})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, CRM)
    assert "x-api-key" in allowed.headers["access-control-allow-headers"].lower()


def test_without_allowed_origins_a_preflight_lets_nobody_in(client):
    """No header that a browser would take for leave."""
    response = client.options(
        "/predict",
        headers={"origin": "https://elsewhere.example", "access-control-request-method": "POST"},
    )
    assert not [name for name in response.headers if name.startswith("access-control-allow")]
    assert (
        response.status_code == 204
        or response.headers["content-type"] == "application/problem+json"
    )
