"""Errors of a batch: those alike told once, and bounded."""

from serving.answer.refusals import KINDS_MAX, POSITIONS_MAX

ADA = {"customer_id": "C00001"}


def errors_of(client, customers: list) -> list[dict]:
    """The errors of a batch, which is answered with a null for each of the refused."""
    response = client.post("/predict/batch", json={"customers": customers})
    assert response.status_code == 200, response.text
    answer = response.json()
    refused = sum(one is None for one in answer["predictions"])
    assert sum(error["count"] for error in answer["errors"]) == refused
    return answer["errors"]


def test_the_same_error_is_told_once(client):
    """With the first places and the number of customers, whatever value each sent and whoever was
    not found.
    """
    customers = [
        ADA,
        {"ticket": 1},
        {"ticket": 2},
        {"customer_id": "eve"},
        {"customer_id": "mallory"},
    ]
    misspelt, unknown = errors_of(client, customers)
    assert (misspelt["position"], misspelt["positions"], misspelt["count"]) == (1, [1, 2], 2)
    assert (misspelt["status"], misspelt["errors"][0]["value"]) == (422, 1)
    assert "perhaps 'tickets'" in misspelt["errors"][0]["allowed"]
    assert (unknown["status"], unknown["positions"], unknown["customer_id"]) == (404, [3, 4], "eve")


def test_errors_of_a_batch_are_bounded(client):
    """However many kinds there are, the answer is shorter than the request."""
    customers = [{f"wrong_{number}_{place}": 1 for place in range(21)} for number in range(400)]
    errors = errors_of(client, customers)
    assert len(errors) == KINDS_MAX + 1
    assert errors[-1]["count"] == 400 - KINDS_MAX
    assert len(errors[-1]["positions"]) == POSITIONS_MAX
    answer = client.post("/predict/batch", json={"customers": customers})
    assert len(answer.content) < len(answer.request.content)
