"""The outcome of an experiment by month: both scores of the same customers, beside what became of
them.
"""

from collections.abc import Callable, Iterable
from datetime import date
from math import sqrt
from typing import Any

import duckdb
import numpy as np

from churn_platform.experiments import arm_scores
from churn_platform.experiments.decision import KEEP_RUNNING, Decision, MonthResult, add_up, decide
from churn_platform.experiments.paired import (
    Difference,
    PairedScores,
    auc_difference,
    profit_difference,
)
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.experiments.state import ExperimentState
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.metrics.metrics import measure
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.experiment import CONTROL, TREATED
from churn_platform.sql import literal
from churn_platform.warehouse.tables import dicts, replace_dicts, table_exists

NAME, LISTS = "experiment_outcome", "experiment_lists"
FEWEST_OUTCOMES = 20  # churners, and stayers; below, an AUC is mostly chance
DECIDED = {
    "estimate": "double",
    "estimate_low": "double",
    "estimate_high": "double",
    "z": "double",
    "z_bound": "double",
    "information": "double",
    "alpha_spent": "double",
    "decision": "varchar",
    "verdict": "varchar",
    "months_to_go": "integer",
    "customers_to_go": "bigint",
}
COLUMNS = {
    "month": "date",
    "experiment": "varchar",
    "spec_sha256": "varchar",
    "control_version": "integer",
    "challenger_version": "integer",
    "customers": "bigint",
    "churners": "bigint",
    "control_auc": "double",
    "challenger_auc": "double",
    "control_calibration_error": "double",
    "challenger_calibration_error": "double",
    "control_profit_eur": "double",
    "challenger_profit_eur": "double",
    "difference": "double",
    "difference_variance": "double",
    "distrust": "varchar",
} | DECIDED
Known = Callable[[date, np.ndarray], np.ndarray | None]
"""Marks the customers of a feature month whose outcomes either version was fitted on; None: it
cannot be told.
"""
Row = dict[str, Any]


def table_of(spec: ExperimentSpec) -> str:
    """The table whose decision counts for the spec's primary metric."""
    return LISTS if spec.primary_metric == "list_profit_eur" else NAME


def find_outcome(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
    *,
    thresholds: tuple[float, float],
    known: Known,
) -> tuple[Row, PairedScores] | None:
    """The row of the outcomes that matured in `month`, decided on all months up to it, and what it
    rests on; None if none matured.

    thresholds: of control and challenger. The same again gives the same row: customers are read in
    the order of their ids, and earlier months from their own rows.
    """
    scores = read_pairs(connection, portfolio, state, month, thresholds=thresholds, known=known)
    if scores is None:
        return None

    churners = int(scores.churned.sum())
    # Versions by number: the spec may name an algorithm, which means another one next year.
    row: Row = {
        "experiment": state.spec.name,
        "spec_sha256": state.spec.sha256,
        "control_version": state.control,
        "challenger_version": state.challenger,
        "customers": len(scores),
        "churners": churners,
        **_figures(portfolio, scores),
        **_difference(portfolio, state, scores),
    }
    table = f"{portfolio.name}.{NAME}"
    months = earlier_months(connection, table, state, month, "customers")
    months.append(month_result(row, "customers"))
    row |= decided(state, months, NAME)
    return row, scores


def read_pairs(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
    *,
    thresholds: tuple[float, float],
    known: Known,
) -> PairedScores | None:
    """Customers whose labels matured in `month`, scored by both versions before; None without any.

    Left out are those that a campaign contacted meanwhile: their label is also the contact's work.
    Of a snapshot, also those that an older file has as gone: they cannot leave again.
    """
    scored = f"{portfolio.name}.{arm_scores.NAME}"
    labels = f"{portfolio.name}.churn_labels"
    if not table_exists(connection, scored) or not table_exists(connection, labels):
        return None

    contacts = f"{portfolio.raw_schema}.{CONTACTS}"
    is_contacted = "false"
    if table_exists(connection, contacts):
        is_contacted = f"""
            exists (
                from {contacts} as made
                where made.customer_id = labels.customer_id
                    and made.month between labels.features_month and labels.month
            )
        """
    was_gone = "false"
    if portfolio.kind == "snapshot":
        # A file that holds everybody who ever left would count each outcome in every month anew.
        was_gone = f"""
            exists (
                from {labels} as older
                where older.customer_id = labels.customer_id
                    and older.churned
                    and older.month < labels.month
            )
        """
    found = connection.execute(
        f"""
        with control as (
            from {scored} where experiment = $name and arm = '{CONTROL}'
        ),
        challenger as (
            from {scored} where experiment = $name and arm = '{TREATED}'
        )
        select
            labels.features_month,
            labels.customer_id,
            labels.churned::tinyint as churned,
            control.churn_probability as control,
            challenger.churn_probability as challenger,
        from {labels} as labels
        join control
            on control.month = labels.features_month
            and control.customer_id = labels.customer_id
        join challenger
            on challenger.month = labels.features_month
            and challenger.customer_id = labels.customer_id
        where labels.month = $month and not ({is_contacted}) and not ({was_gone})
        order by labels.features_month, labels.customer_id
        """,
        {"name": state.spec.name, "month": month},
    ).fetchnumpy()
    fresh = _unknown(found, known)
    if not fresh.any():
        return None

    control_threshold, challenger_threshold = thresholds
    return PairedScores(
        churned=np.asarray(found["churned"])[fresh],
        control=np.asarray(found[CONTROL])[fresh],
        challenger=np.asarray(found[TREATED])[fresh],
        control_threshold=control_threshold,
        challenger_threshold=challenger_threshold,
    )


def _unknown(found: dict[str, Any], known: Known) -> np.ndarray:
    """Marks the rows whose outcomes neither version was fitted on."""
    months = np.asarray(found["features_month"])
    ids = np.asarray(found["customer_id"], dtype=object)
    # Where it cannot be told, a customer is left out: a fit remembers its own customers, and the
    # version that saw them would win.
    fresh = np.zeros(len(ids), dtype=bool)
    for features_month in np.unique(months):
        rows = months == features_month
        # Of DuckDB's microseconds NumPy would make a datetime, which equals no date.
        whole_day = features_month.astype("datetime64[D]")
        day = whole_day.astype(date)
        is_known = known(day, ids[rows])
        if is_known is not None:
            fresh[rows] = ~is_known

    return fresh


def _figures(portfolio: Portfolio, scores: PairedScores) -> Row:
    """AUC, calibration error and profit of each version; None for too few outcomes."""
    figures: Row = {}
    for arm in (CONTROL, TREATED):
        for name in ("auc", "calibration_error", "profit_eur"):
            figures[f"{arm}_{name}"] = None
    if not _is_measurable(scores):
        return figures

    arms = {
        CONTROL: (scores.control, scores.control_threshold),
        TREATED: (scores.challenger, scores.challenger_threshold),
    }
    for arm, (probability, threshold) in arms.items():
        found = measure(
            scores.churned,
            probability,
            threshold=threshold,
            economics=portfolio.economics,
        )
        figures[f"{arm}_auc"] = found.auc
        figures[f"{arm}_calibration_error"] = found.calibration_error
        figures[f"{arm}_profit_eur"] = found.campaign_profit_eur

    return figures


def _difference(portfolio: Portfolio, state: ExperimentState, scores: PairedScores) -> Row:
    if not _is_measurable(scores):
        return distrusted(f"fewer than {FEWEST_OUTCOMES} customers left, or stayed")

    if state.spec.primary_metric == "auc":
        found = auc_difference(scores)
    else:
        # Of list_profit_eur too, where this row only informs: the decision is in LISTS.
        found = profit_difference(scores, portfolio.economics)
    return difference_row(found)


def difference_row(found: Difference) -> Row:
    """A month's difference as its row has it."""
    # `not >`, so that NaN is caught as well.
    if not found.variance > 0:
        return distrusted("both versions are alike for every customer")
    return {
        "difference": found.value,
        "difference_variance": found.variance,
        "distrust": None,
    }


def distrusted(why: str) -> Row:
    """A month that does not count."""
    return {"difference": None, "difference_variance": None, "distrust": why}


def month_result(row: Row, count: str) -> MonthResult:
    """What the decision needs of a row; `count` names its column with the customers."""
    difference = row["difference"]
    variance = row["difference_variance"]
    distrust = row["distrust"]
    if difference is None:
        difference = 0.0
        variance = np.inf
        distrust = distrust or "no difference"
    return MonthResult(
        difference=difference,
        variance=variance,
        customers=row[count],
        distrust=distrust,
    )


def earlier_months(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    state: ExperimentState,
    month: date,
    count: str,
) -> list[MonthResult]:
    """The months before, as their rows have them, oldest first."""
    before = shift(month, -1)
    return [month_result(row, count) for row in rows_to(connection, table, state, before)]


def decided(state: ExperimentState, months: list[MonthResult], table: str) -> Row:
    """The decision on some months, in the columns of DECIDED; of a table whose figure is not the
    primary metric there is none, and the estimate alone.
    """
    spec = state.spec
    deciding = table_of(spec)
    if table != deciding:
        # Neither the smallest effect nor the error was planned for this figure, of another unit.
        return _informing_row(months, f"it informs; {spec.primary_metric} decides, in {deciding}")

    found = decide(spec, months)
    if found is not None:
        return _decision_row(found)

    # The newest month's reason: whoever reads the row has that month before them.
    newest = months[-1]
    why = newest.distrust or "nothing counts yet"
    row: Row = dict.fromkeys(DECIDED, None)
    row["decision"] = KEEP_RUNNING
    row["verdict"] = f"{KEEP_RUNNING}: no month counts yet ({why})"
    return row


def _informing_row(months: list[MonthResult], verdict: str) -> Row:
    row: Row = dict.fromkeys(DECIDED, None)
    row["verdict"] = verdict
    counted = [month for month in months if month.distrust is None]
    if counted:
        estimate, variance = add_up(counted)
        row["estimate"] = estimate
        row["z"] = estimate / sqrt(variance)
    return row


def _decision_row(found: Decision) -> Row:
    look = found.look
    return {
        "estimate": found.estimate,
        "estimate_low": found.low,
        "estimate_high": found.high,
        "z": found.z,
        "z_bound": look.bound,
        "information": look.information,
        "alpha_spent": look.alpha_spent,
        "decision": found.decision,
        "verdict": found.verdict,
        "months_to_go": found.months_to_go,
        "customers_to_go": found.customers_to_go,
    }


def _is_measurable(scores: PairedScores) -> bool:
    churners = int(scores.churned.sum())
    stayers = len(scores) - churners
    return min(churners, stayers) >= FEWEST_OUTCOMES


def replace_experiment_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, str],
    month: date,
    experiment: str,
    rows: Iterable[Row],
) -> None:
    """Put an experiment's rows of a month in place of those before; other experiments' stay. To be
    called in a transaction.
    """
    its_own = f"experiment = {literal(experiment)}"
    replace_dicts(connection, table, columns, month, rows, its_own)


def newest_outcome(
    connection: duckdb.DuckDBPyConnection, table: str, state: ExperimentState
) -> Row | None:
    """The newest row of an experiment in its table of outcomes; None without any."""
    rows = rows_to(connection, table, state, date.max)
    return rows[-1] if rows else None


def rows_to(
    connection: duckdb.DuckDBPyConnection, table: str, state: ExperimentState, month: date
) -> list[Row]:
    """The rows of an experiment up to a month, oldest first."""
    if not table_exists(connection, table):
        return []

    # By its hash too: another spec of the same name asked another question.
    found = connection.execute(
        f"select * from {table} where experiment = ? and spec_sha256 = ? and month <= ? "
        "order by month",
        [state.spec.name, state.spec.sha256, month],
    )
    return dicts(found)
