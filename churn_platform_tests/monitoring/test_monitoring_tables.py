"""What monitoring keeps, and the series read back."""

import json
import math
from contextlib import closing

import pytest

from churn_platform.monitoring import monitoring_tables
from churn_platform.monitoring.decision import Evidence, decide
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import read_rows, write
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH

NAN = math.nan


def drift(feature: str, importance: float, is_drifted: bool) -> dict:
    """A row of feature drift."""
    numbers = {
        "psi": 0.3,
        "psi_limit": 0.1,
        "jensen_shannon": 0.2,
        "null_share": 0.0,
        "null_share_change": 0.0,
    }
    return numbers | {
        "model_version": 1,
        "feature": feature,
        "importance": importance,
        "is_drifted": is_drifted,
    }


def outcomes(features_month, auc_gap_low: float) -> dict:
    """A row of performance."""
    columns = dict.fromkeys(monitoring_tables.PERFORMANCE_COLUMNS, None)
    return columns | {
        "month": MARCH,
        "model_version": 1,
        "features_month": features_month,
        "segment": "all",
        "level": "all",
        "auc_gap_low": auc_gap_low,
        "churn_ratio_low": 0.9,
        "churn_ratio_high": 1.1,
        "churn_rate_shift": 0.1,
    }


@pytest.fixture
def kept(lake: Lake):
    """Feature drift of January, prediction drift of February, outcomes of March in two feature
    months.
    """
    with closing(connect(lake)) as connection:

        def keep() -> None:
            drifted = [
                drift("usage", 0.6, True),
                drift("plan", 0.3, False),
                drift("late", 0.1, True),
            ]
            scores = dict.fromkeys(monitoring_tables.PREDICTION_COLUMNS, None)
            scores |= {
                "month": FEBRUARY,
                "model_version": 1,
                "psi": 0.05,
                "psi_limit": 0.1,
                "score_mean_shift": 0.2,
            }
            measured = [
                outcomes(FEBRUARY, 0.02),
                outcomes(JANUARY, 0.01),
                outcomes(JANUARY, 0.5) | {"segment": "plan"},
            ]
            for name, month, rows in (
                (monitoring_tables.FEATURE_DRIFT, JANUARY, drifted),
                (monitoring_tables.PREDICTION_DRIFT, FEBRUARY, [scores]),
                (monitoring_tables.MODEL_PERFORMANCE, MARCH, measured),
            ):
                monitoring_tables.replace(connection, "tiny", name, month, rows)

        write(connection, lake, keep)
        yield connection


def test_the_series_joins_what_was_measured(kept):
    """A month has what its tables hold, NaN else; outcomes are those of all customers and the
    newest feature month.
    """
    january, february, march = monitoring_tables.read_series(
        kept, "tiny", MARCH, in_force=lambda month: 1
    )
    assert january.drifted_importance == pytest.approx(0.7)
    assert math.isnan(january.auc_gap_low)
    assert february.prediction_drift == pytest.approx(0.5)
    assert (march.features_month, march.auc_gap_low, march.churn_ratio_high) == (
        FEBRUARY,
        0.02,
        1.1,
    )


def test_the_series_ends_with_its_month(kept):
    """Nothing later is read, so a month decided again in a backfill sees what it saw."""
    series = monitoring_tables.read_series(kept, "tiny", FEBRUARY, in_force=lambda month: 1)
    assert [evidence.month for evidence in series] == [JANUARY, FEBRUARY]


def test_evidence_about_another_version_does_not_count(kept):
    """Version 2 was approved in April, for its training of January: what February and March showed
    is version 1's.
    """
    series = monitoring_tables.read_series(
        kept, "tiny", MARCH, in_force=lambda month: 1 if month == JANUARY else 2
    )
    assert [evidence.month for evidence in series] == [JANUARY]


def test_a_lake_without_monitoring_has_no_series(lake):
    """No table, no evidence, no broken month."""
    with closing(connect(lake)) as connection:
        assert (
            monitoring_tables.read_series(connection, "tiny", MARCH, in_force=lambda month: 1) == []
        )
        assert monitoring_tables.read_broken_months(connection, "tiny", MARCH) == set()


def test_a_month_kept_again_is_replaced(kept, lake):
    """The newest rows stay, also where there are none any more."""
    write(
        kept,
        lake,
        lambda: monitoring_tables.replace(
            kept, "tiny", monitoring_tables.FEATURE_DRIFT, JANUARY, [drift("usage", 1.0, True)]
        ),
    )
    assert len(read_rows(kept, "tiny.feature_drift", JANUARY)) == 1
    write(
        kept,
        lake,
        lambda: monitoring_tables.replace(
            kept, "tiny", monitoring_tables.FEATURE_DRIFT, JANUARY, []
        ),
    )
    assert read_rows(kept, "tiny.feature_drift", JANUARY) == []


def test_broken_months_are_those_whose_contract_failed(lake):
    """Months without a failure, and later ones, are not broken."""
    with closing(connect(lake)) as connection:
        connection.execute("create schema tiny")
        connection.execute(
            "create table tiny.data_contract as select * from (values (date '2025-01-01', true), "
            "(date '2025-02-01', true), (date '2025-02-01', false), (date '2025-04-01', "
            "false)) as _(month, is_sound)"
        )
        assert monitoring_tables.read_broken_months(connection, "tiny", MARCH) == {FEBRUARY}
        assert monitoring_tables.read_broken_months(connection, "tiny", APRIL) == {FEBRUARY, APRIL}


def test_the_row_of_a_decision_sums_the_month_up():
    """Drift of the table, shifts, reasons in words and the windows as JSON."""
    decision = decide([Evidence(MARCH, FEBRUARY, auc_gap_low=0.05)], MARCH)
    row = monitoring_tables.decision_row(
        decision,
        7,
        [drift("usage", 0.6, True), drift("plan", 0.3, False), drift("late", 0.1, True)],
        [{"score_mean_shift": 0.2}],
        [outcomes(FEBRUARY, 0.05), outcomes(JANUARY, 0.0) | {"churn_rate_shift": 0.9}],
    )
    assert (row["retraining_required"], row["severity"], row["dataset_drift"]) == (
        True,
        "severe",
        True,
    )
    assert (row["drift_share"], row["drifted_features"]) == (
        pytest.approx(2 / 3),
        ("usage", "late"),
    )
    assert (row["score_mean_shift"], row["churn_rate_shift"]) == (0.2, 0.1)
    assert json.loads(row["evidence"])["windows"][0]["level"] == 2


def test_a_month_without_evidence_has_a_quiet_row(lake: Lake):
    """It can be kept and read back: nothing drifted, nothing is known of shifts."""
    row = monitoring_tables.decision_row(decide([], MARCH), 7, [], [], [])
    with closing(connect(lake)) as connection:
        write(
            connection,
            lake,
            lambda: monitoring_tables.replace(
                connection, "tiny", monitoring_tables.RETRAINING_DECISION, MARCH, [row]
            ),
        )
        (kept,) = read_rows(connection, "tiny.retraining_decision", MARCH)
    assert (kept["retraining_required"], kept["severity"], kept["drifted_features"]) == (
        False,
        "quiet",
        [],
    )
    assert kept["score_mean_shift"] is None
