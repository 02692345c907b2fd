"""Events of a stream count as pushes do, but for their time; one that is wrong sinks no other."""

from datetime import UTC, datetime, timedelta

import pytest

from churn_platform_tests.serving.conftest import post, settings_in
from churn_platform_tests.support.served_bundles import publish
from serving.security.api_keys import add_key


def event(minutes_ago: float, customer_id: str = "C00001", **features: object) -> dict[str, object]:
    """An event of so many minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {"customer_id": customer_id, "event_time": at.isoformat(), "features": features}


def held(client, customer_id: str = "C00001") -> dict[str, object]:
    """What is held of a customer."""
    return client.get(f"/customers/{customer_id}").json()["pushed"]


def test_the_newest_event_counts_in_whatever_order_they_come(client):
    """By feature: an older one still says what no newer one does."""
    events = [event(1, tickets=50), event(9, tickets=3, usage=5.0), event(9, "C00002", tickets=4)]
    answer = post(client, "/features/events", {"events": events})
    assert (answer["kept"], answer["outdated"], answer["errors"]) == (3, 0, [])
    again = post(client, "/tiny/features/events", {"events": events})
    assert (again["kept"], again["outdated"]) == (0, 3)
    assert held(client) == {"tickets": 50, "usage": 5.0}
    assert held(client, "C00002") == {"tickets": 4}
    old = post(client, "/features/events", {"events": [event(24 * 60, tickets=1)]})
    assert (old["kept"], old["outdated"]) == (0, 1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (event(1, tickets=-1), "features.tickets: -1"),
        (event(1, ticket=1), "features.ticket"),
        (event(1), "at least one feature"),
        (event(-24 * 60, tickets=1), "at most 300 seconds ahead of this host's clock"),
        (event(1, tickets=1) | {"event_time": "2026-11-29 10:00"}, "with its distance to UTC"),
        (event(1, tickets=1) | {"event_time": 5}, "with its distance to UTC"),
        (event(1, tickets=1) | {"customer_id": ""}, "customer_id"),
        (event(1, tickets=1) | {"portfolio": "tiny"}, "portfolio"),
        (event(1, "ü" * 254, tickets=1), "at most 506 bytes"),
        ("C00001", "objects"),
    ],
)
def test_an_event_that_is_wrong_sinks_no_other(client, wrong, told):
    """It is named with its place and what is allowed."""
    answer = post(client, "/features/events", {"events": [wrong, event(1, tickets=7)]})
    assert answer["kept"] == 1
    (error,) = answer["errors"]
    assert error["position"] == 0
    assert told in error["detail"]
    assert held(client) == {"tickets": 7}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"events": []}, 422),
        ({"events": [event(1, tickets=1)], "portfolio": "tiny"}, 422),
        ({"events": [event(1, tickets=1)] * 501}, 413),
        ([], 400),
    ],
)
def test_what_is_no_list_of_events_is_refused(client, body, status):
    """As a whole, and nothing of it is kept."""
    assert client.post("/features/events", json=body).status_code == status
    assert held(client) == {}


def test_events_count_against_the_rate_of_a_key(start, tmp_path, booster):
    """Each as a customer."""
    publish(tmp_path / "published", booster)
    key = add_key(
        settings_in(tmp_path).keys_file,
        name="stream",
        scopes=["push"],
        created_at="2026-01-01",
        requests_per_second=20,
    )
    client = start()
    sent = {"events": [event(1, tickets=1)] * 20}
    statuses = []
    for _ in range(3):
        response = client.post("/features/events", json=sent, headers={"x-api-key": key})
        statuses.append(response.status_code)
    assert statuses[0] == 200
    assert 429 in statuses
