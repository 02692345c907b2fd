"""The monitoring assets in a run of Dagster's."""

from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from dagster import AssetSelection, DagsterInstance, Definitions, define_asset_job

from churn_platform.graph.assets.monitoring_assets import monitoring_assets
from churn_platform.graph.groups import group_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.runs import run_job
from churn_platform.monitoring.monitoring_tables import (
    FEATURE_DRIFT,
    MODEL_PERFORMANCE,
    PREDICTION_DRIFT,
    RETRAINING_DECISION,
)
from churn_platform.months import label, month_range
from churn_platform.promotion import evaluation_table
from churn_platform.promotion.champion import Judgement, decide
from churn_platform.settings import load_settings
from churn_platform.training.model_record import RECORD_FILE
from churn_platform.training.model_registry import CHAMPION, log_model, register, version_of
from churn_platform.training.training_data import Labelled
from churn_platform.training.training_plan import replace_training_set
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, ensure_table, write
from churn_platform_tests.graph.resources.test_tracking import context, tags
from churn_platform_tests.monitoring.test_monitored_month import CUSTOMERS, add, record
from churn_platform_tests.support.checksums import Checksums, checksums
from churn_platform_tests.support.tiny import JANUARY, TINY, customers, fit_tiny

WATCHED = TINY.model_copy(update={"name": "watched"})
MAY, JUNE, JULY, AUGUST = (date(2025, month, 1) for month in (5, 6, 7, 8))
SERIES = (FEATURE_DRIFT, PREDICTION_DRIFT, MODEL_PERFORMANCE, RETRAINING_DECISION)


def add_champion(
    connection, lake: Lake, tracking: Tracking, audit: AuditTrail, month: date
) -> None:
    """A version trained in a month, and promoted then."""
    write(
        connection, lake, lambda: replace_training_set(connection, WATCHED, month, rows_max=100_000)
    )
    model, client = fit_tiny("logistic_regression", seed=month.month), tracking.client()
    own = replace(record(current_snapshot(connection)), portfolio="watched", month=label(month))
    with tracking.run(
        context(), experiment="watched", tags=tags(partition=month.isoformat())
    ) as mlflow:
        run_id = mlflow.active_run().info.run_id
        mlflow.log_dict(own.as_dict(), RECORD_FILE)
        uri = log_model(model, customers(5, seed=1).features)
    version = register(
        client,
        "watched",
        model_uri=uri,
        run_id=run_id,
        description="none",
        tags={"month": label(month)},
    )
    ensure_table(connection, "watched.evaluation", evaluation_table.COLUMNS)
    serving = version_of(client, "watched", CHAMPION)
    row = [month, version, serving, True, "better", "{}", "promoted"]
    connection.execute("insert into watched.evaluation values (?, ?, ?, ?, ?, ?, ?)", row)
    judgement = Judgement(label(month), version, serving, "promoted", f"better than {serving}", {})
    decide(client, audit.log("0"), "watched", judgement)


@pytest.fixture
def operator(lake: Lake, tracking: Tracking, tmp_path: Path) -> Definitions:
    """Customers of January to August, who leave for other reasons from July on; champions of May
    and June.
    """
    audit = AuditTrail(path=str(tmp_path / "audit.jsonl"))
    with closing(connect(lake)) as connection:
        for month in month_range(JANUARY, AUGUST):
            people = customers(CUSTOMERS, seed=month.month)
            if month >= JULY:
                churned = np.random.default_rng(1).permutation(people.churned)
                people = Labelled(people.features, churned, people.customer_ids)
            add(connection, lake, month, people, schema="watched")
        for month in (MAY, JUNE):
            add_champion(connection, lake, tracking, audit, month)
    return Definitions(
        assets=monitoring_assets(WATCHED, load_settings(data_dir=tmp_path / "data")),
        jobs=[define_asset_job("watch", AssetSelection.groups(group_of("watched", "monitoring")))],
        resources={"warehouse": Warehouse.of(lake), "tracking": tracking, "audit": audit},
    )


def left_by(operator: Definitions, lake: Lake, log: Path, *ranges: tuple[date, date]) -> Checksums:
    """What runs over ranges of months, one after the other, leave in tables that were not there
    before.
    """
    with closing(connect(lake)) as connection:
        for name in SERIES:
            connection.execute(f"drop table if exists watched.{name}")
    with DagsterInstance.ephemeral() as instance:
        for first, last in ranges:
            run_job(operator, instance, "watch", first, last, log=log, show=lambda line: None)
    found = checksums(lake, "watched")
    return {key: checksum for key, checksum in found.items() if key[0].split(".")[1] in SERIES}


def test_a_range_leaves_what_its_months_leave(operator, lake, tmp_path):
    """In one run or in one each: the same drift, performance and decisions, across a promotion."""
    run = partial(left_by, operator, lake, tmp_path / "log")
    at_once = run((JUNE, AUGUST))
    assert {month for _, month in at_once} == set(month_range(JUNE, AUGUST))
    assert {table.split(".")[1] for table, _ in at_once} == set(SERIES)
    assert run(*((month, month) for month in month_range(JUNE, AUGUST))) == at_once
    with closing(connect(lake, read_only=True)) as connection:
        decided = connection.execute(
            "select month, model_version, retraining_required "
            "from watched.retraining_decision order by month"
        ).fetchall()
    assert [(month, version) for month, version, _ in decided] == [
        (JUNE, 1),
        (JULY, 2),
        (AUGUST, 2),
    ]
    assert [month for month, _, is_required in decided if is_required] == [AUGUST]
    with closing(
        connect(lake)
    ) as connection:  # June's training was repeated, and the repetition refused
        connection.execute(
            "update watched.evaluation set challenger_version = 9, is_promoted = false "
            "where month = ?",
            [JUNE],
        )
    assert run((JUNE, AUGUST)) == at_once
