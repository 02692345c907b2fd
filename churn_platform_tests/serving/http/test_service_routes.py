"""Life and readiness of the service."""

ADA = {"customer_id": "C00001"}


def test_before_anything_is_published_the_service_lives_but_is_not_ready(start):
    """Alive, 200 at the root, 503 elsewhere, with what to do; then the first
    publication is served.
    """
    client = start()
    assert (client.get("/").status_code, client.get("/health/live").status_code) == (200, 200)
    for response in (
        client.get("/health"),
        client.get("/health/ready"),
        client.post("/predict", json=ADA),
    ):
        assert response.status_code == 503
        assert "run `make demo` first" in response.json()["detail"]
