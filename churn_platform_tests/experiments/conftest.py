"""A spec, and what it takes to start it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import duckdb
import pytest

from churn_platform.audit.audit_record import Record
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.experiments.state import ACTION, STARTED
from churn_platform.warehouse.lake import connect
from churn_platform_tests.promotion.conftest import publisher, serve

__all__ = ["publisher", "serve"]

BEGIN = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
STEPS = [
    {"name": "shadow", "weight": 0.0, "least_hours": 24, "least_customers": 100},
    {"name": "slice", "weight": 0.05, "least_hours": 48, "least_customers": 1_000},
    {"name": "ramp", "weight": 0.5, "least_hours": 48, "approval": True},
]


def spec_of(**fields) -> ExperimentSpec:
    """A spec whose `fields` replace what matters to a test."""
    usual = {
        "name": "boosting",
        "portfolio": "tiny",
        "question": "Does boosting rank better?",
        "hypothesis": "It finds interactions.",
        "versions": {"challenger": 2},
        "smallest_effect": 0.01,
        "most_months": 6,
        "steps": STEPS,
    }
    return ExperimentSpec.model_validate(usual | fields)


@pytest.fixture
def spec() -> ExperimentSpec:
    """Version 2 against the champion, in three steps."""
    return spec_of()


def records_of(spec: ExperimentSpec, *events: dict, hours: float = 100) -> list[Record]:
    """The start of an experiment, then events, so many hours apart."""
    start = {
        "event": STARTED,
        "spec": spec.model_dump(mode="json"),
        "salt": "s",
        "control": 1,
        "challenger": 2,
    }
    records = []
    for number, details in enumerate([start, *events]):
        record = Record(
            sequence=number + 1,
            at=BEGIN + timedelta(hours=hours * number),
            by="ada",
            action=ACTION,
            portfolio=spec.portfolio,
            subject=f"experiment {spec.name}",
            reason="trial",
            details=details,
            previous="",
        )
        records.append(record)
    return records


@pytest.fixture
def connection(lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty lake."""
    with closing(connect(lake)) as opened:
        yield opened
