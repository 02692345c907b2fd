"""Load as an operator's applications make it: look-ups, scores from features, batches, and pushes
of fresh values.

`make load` runs it against a small world. Against a service that runs already, here for a minute:

locust -f benchmarks/locustfile.py --headless --users 20 --spawn-rate 10 --run-time 1m --host
http://127.0.0.1:8080

Ids and features are those of the served portfolio: the ids come from SERVING_LOAD_IDS, a file with
one id per line, and the features from what the service answers for them. A key, where the service
wants one, comes from SERVING_LOAD_KEY.
"""

import os
import random
from itertools import count
from pathlib import Path

from locust import HttpUser, between, events, task

EXAMPLES = 3
IDS: list[str] = []
SEEDS = count(1)


@events.init.add_listener
def read_ids(environment, **_: object) -> None:
    """Read the customers to ask about, before any user starts."""
    path = os.environ.get("SERVING_LOAD_IDS")
    if not path:
        raise SystemExit("set SERVING_LOAD_IDS to a file with one customer id per line")
    IDS.extend(Path(path).read_text(encoding="utf-8").split())


class Caller(HttpUser):
    """What every application does: send its key, and know some customers with their features."""

    abstract = True
    wait_time = between(0.05, 0.2)

    def on_start(self) -> None:
        """Take the key, and the features of some customers as examples."""
        self.draw = random.Random(next(SEEDS))
        if key := os.environ.get("SERVING_LOAD_KEY"):
            self.client.headers["X-API-Key"] = key
        self.examples = [self.features_of(self.any_id()) for _ in range(EXAMPLES)]

    def features_of(self, customer_id: str) -> dict:
        """What the service holds of a customer, but for what is missing."""
        found = self.client.get(f"/customers/{customer_id}", name="/customers/{customer_id}").json()
        return {name: value for name, value in found["features"].items() if value is not None}

    def any_id(self) -> str:
        """One of the customers."""
        return self.draw.choice(IDS)


class CallCenter(Caller):
    """An agent's screen: a customer on the phone, by id."""

    weight = 8

    @task
    def predict_by_id(self) -> None:
        """Look a customer up."""
        self.client.post("/predict", json={"customer_id": self.any_id()}, name="/predict by id")


class WebShop(Caller):
    """An application with values of its own."""

    weight = 3

    @task
    def predict_by_features(self) -> None:
        """Score what is sent."""
        self.client.post(
            "/predict", json=self.draw.choice(self.examples), name="/predict by features"
        )


class Campaign(Caller):
    """A tool that scores a list."""

    weight = 1

    @task
    def predict_batch(self) -> None:
        """Fifty customers at once."""
        customers = [{"customer_id": self.any_id()} for _ in range(50)]
        self.client.post("/predict/batch", json={"customers": customers})


class TicketSystem(Caller):
    """A system that knows of complaints first."""

    weight = 1

    @task
    def push(self) -> None:
        """A value that is fresher than the monthly one."""
        name, value = self.draw.choice(list(self.draw.choice(self.examples).items()))
        body = {"customer_id": self.any_id(), "features": {name: value}, "ttl_seconds": 60}
        self.client.post("/features/push", json=body)
