"""What a web page of an allowed origin, or of another, is told."""

from churn_platform_tests.support.served_bundles import publish

ADA = {"customer_id": "C00001"}


CRM = "https://crm.example"


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
