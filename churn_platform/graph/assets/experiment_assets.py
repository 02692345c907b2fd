"""Experiments as assets: both versions' scores, and whether the challenger is safe, better, and
earns more.

A portfolio without a spec in the folder of experiments has none of them.
"""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.audit.audit_log import AuditLog
from churn_platform.campaign.contact_list import rows_in_use
from churn_platform.campaign.export import export_folder
from churn_platform.experiments import arm_scores, lists, outcome, safety
from churn_platform.experiments.experiment_pictures import outcome_pictures, ratio_picture
from churn_platform.experiments.loader import experiments_of
from churn_platform.experiments.responses import answer_troubles
from churn_platform.experiments.state import ExperimentState, running_of, started_of
from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import describe, lag, monthly_table, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.markdown import picture as picture_markdown
from churn_platform.markdown import table
from churn_platform.metrics.metric_pictures import png_of
from churn_platform.months import label, last_complete_month, month_bounds
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.publication import Publisher
from churn_platform.scoring.champion_model import load_scorer
from churn_platform.scoring.score import score_month
from churn_platform.settings import Settings
from churn_platform.training.known_customers import known_customers
from churn_platform.training.training_data import Labelled
from churn_platform.training.versions import load_version
from churn_platform.warehouse.tables import write

if TYPE_CHECKING:
    from mlflow import MlflowClient


def experiment_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets of a portfolio's experiments; SpecError if the file of one makes no sense."""
    specs = experiments_of(settings.experiments_dir, portfolio.name)
    if not specs:
        return []

    found = [
        _experiment_scores(portfolio, settings),
        _experiment_outcome(portfolio, settings),
        _experiment_safety(portfolio, settings),
    ]
    # Which list earned more is read from contacts; a portfolio that lands none cannot tell.
    landed = {each.name for each in portfolio.landed_tables}
    draws_lists = any(spec.lists for spec in specs)
    if CONTACTS in landed and draws_lists:
        found.append(_experiment_lists(portfolio, settings))
    return found


def _experiment_scores(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            arm_scores.NAME,
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "customer_features"]),
        ],
        description=(
            "One row per customer, month and arm of a running experiment: both versions' scores, "
            "made before the outcomes are known."
        ),
    )
    def experiment_scores(
        context: AssetExecutionContext,
        warehouse: Warehouse,
        tracking: Tracking,
        audit: AuditTrail,
    ) -> MaterializeResult:
        states = running_of(audit.log(context.run_id).records(), portfolio.name)
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                told = []
                for state in states:
                    if not arm_scores.concerns(state, portfolio, month):
                        continue
                    customers = _score_both(
                        connection,
                        warehouse,
                        tracking.client(),
                        portfolio,
                        settings,
                        state,
                        month,
                    )
                    told.append(f"{state.spec.name}: {customers:,} customers scored by both")
                    # After the scores, which both lists are ranked by.
                    told += _draw(connection, warehouse, portfolio, settings, state, month)

                said = told or ["no experiment runs"]
                for line in said:
                    context.log.info(f"{label(month)}: {line}")
                describe(context, month, {"experiments": MetadataValue.text("; ".join(said))})

        return MaterializeResult()

    return experiment_scores


def _score_both(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    client: "MlflowClient",
    portfolio: Portfolio,
    settings: Settings,
    state: ExperimentState,
    month: date,
) -> int:
    """Record both versions' scores of a month; returns the number of customers."""

    def score(version: int) -> Any:
        scorer = load_scorer(client, portfolio, version)
        return score_month(
            connection,
            portfolio,
            lambda: scorer,
            month,
            batch_rows=settings.scoring_batch_rows,
            threads=settings.model_threads,
        )

    replace = partial(
        arm_scores.replace_arm_scores,
        connection,
        portfolio,
        state,
        month,
        score,
    )
    return write(connection, warehouse.lake, replace)


def _draw(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    portfolio: Portfolio,
    settings: Settings,
    state: ExperimentState,
    month: date,
) -> list[str]:
    """Draw between two lists, if the experiment does; what came of it, in words."""
    if not lists.draws(state):
        return []

    name = state.spec.name
    exported = export_folder(settings.exports_dir, portfolio, month)
    # A list in use is the record of its draw; drawn again it would move customers between lists.
    is_in_use = exported.exists() or rows_in_use(
        connection,
        portfolio,
        month,
        is_handed_over=False,
    )
    if is_in_use:
        return [f"{name}: the list was handed over before, its draw stays"]

    replace = partial(lists.replace_draw, connection, portfolio, state, month)
    drawn = write(connection, warehouse.lake, replace)
    return [f"{name}: {drawn:,} customers are on one list alone, and drawn to a list"]


def _experiment_outcome(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    # A snapshot has features and outcome in one file, so its scores are of the same month.
    months = 0 if portfolio.kind == "snapshot" else portfolio.label.outcome_months

    @asset(
        **monthly_table(
            portfolio.name,
            outcome.NAME,
            group_of(portfolio.name, "monitoring"),
            settings.first_month,
        ),
        deps=[
            AssetDep(AssetKey([portfolio.name, arm_scores.NAME]), partition_mapping=lag(months)),
            AssetKey([portfolio.name, "churn_labels"]),
        ],
        description=(
            "One row per experiment whose outcomes matured in the month: both scores on the same "
            "customers, and the decision in words."
        ),
    )
    def experiment_outcome(
        context: AssetExecutionContext,
        warehouse: Warehouse,
        tracking: Tracking,
        audit: AuditTrail,
    ) -> MaterializeResult:
        records = audit.log(context.run_id).records()
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                shown: dict[str, Any] = {}
                for state in started_of(records, portfolio.name):
                    # An ended one gets no outcome any more, but keeps those that it has.
                    if not state.is_running and not _is_kept(connection, portfolio, state):
                        continue
                    shown |= _outcome_of(
                        connection,
                        warehouse,
                        tracking.client(),
                        portfolio,
                        state,
                        month,
                    )

                context.log.info(f"{label(month)}: {len(shown)} figures of experiments")
                describe(context, month, shown or {"outcome": "no experiment has an outcome"})

        return MaterializeResult()

    return experiment_outcome


def _is_kept(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, state: ExperimentState
) -> bool:
    """Whether an ended experiment has outcomes, which a month that is run again must find again."""
    table_name = f"{portfolio.name}.{outcome.NAME}"
    return outcome.newest_outcome(connection, table_name, state) is not None


def _outcome_of(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    client: "MlflowClient",
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
) -> dict[str, Any]:
    """Record an experiment's outcome of a month; what the UI shows of it."""
    control = load_version(client, portfolio, state.control)
    challenger = load_version(client, portfolio, state.challenger)

    def known(features_month: date, ids: np.ndarray) -> np.ndarray | None:
        count = len(ids)
        # Who was fitted on is told by ids alone, so these rows need neither features nor labels.
        no_features = np.empty((count, 0), dtype=np.float32)
        customers = Labelled(no_features, np.zeros(count), ids)
        marks = np.zeros(count, dtype=bool)
        for version in (control, challenger):
            own = known_customers(
                connection,
                version,
                label(features_month),
                customers,
            )
            if own is None:
                return None
            marks |= own
        return marks

    found = outcome.find_outcome(
        connection,
        portfolio,
        state,
        month,
        thresholds=(control.record.threshold, challenger.record.threshold),
        known=known,
    )
    # Without an outcome nothing is inserted, but what an earlier run left is removed.
    rows = [found[0]] if found else []
    table_name = f"{portfolio.name}.{outcome.NAME}"
    _replace(connection, warehouse, table_name, outcome.COLUMNS, month, state, rows)
    if found is None:
        return {}

    row, scores = found
    name = state.spec.name
    shown: dict[str, Any] = {f"{name}_decision": row["verdict"]}
    if row["estimate"] is None:
        return shown

    history = outcome.rows_to(connection, table_name, state, month)
    for title, png in outcome_pictures(history, scores).items():
        drawn = picture_markdown(title, png)
        shown[f"{name}_{title}"] = MetadataValue.md(drawn)
    return shown


def _replace(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    table_name: str,
    columns: dict[str, str],
    month: date,
    state: ExperimentState,
    rows: list[outcome.Row],
) -> None:
    """Put an experiment's rows of a month in place of those before, in one transaction."""
    replace = partial(
        outcome.replace_experiment_rows,
        connection,
        table_name,
        columns,
        month,
        state.spec.name,
        rows,
    )
    write(connection, warehouse.lake, replace)


def _experiment_lists(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    earlier = lag(portfolio.label.outcome_months)

    @asset(
        **monthly_table(
            portfolio.name,
            outcome.LISTS,
            group_of(portfolio.name, "monitoring"),
            settings.first_month,
        ),
        deps=[
            AssetDep(AssetKey([portfolio.name, "contact_list"]), partition_mapping=earlier),
            AssetDep(AssetKey([portfolio.raw_schema, CONTACTS]), partition_mapping=earlier),
            AssetKey([portfolio.name, "churn_labels"]),
        ],
        description=(
            "One row per experiment whose draw between two lists matured in the month: who was "
            "contacted, the profit per customer drawn, and the decision in words."
        ),
    )
    def experiment_lists(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        records = audit.log(context.run_id).records()
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                shown = {}
                # Ended ones too: the outcomes of a list mature after its campaign.
                for state in started_of(records, portfolio.name):
                    row = lists.find_lists(connection, portfolio, state, month)
                    table_name = f"{portfolio.name}.{outcome.LISTS}"
                    rows = [row] if row else []
                    _replace(connection, warehouse, table_name, lists.COLUMNS, month, state, rows)
                    if row:
                        name = state.spec.name
                        shown[f"{name}_decision"] = row["verdict"]
                        shown[f"{name}_drawn"] = row["drawn"]

                describe(context, month, shown or {"outcome": "no draw has an outcome"})

        return MaterializeResult()

    return experiment_lists


def _experiment_safety(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            safety.NAME,
            group_of(portfolio.name, "serving"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, "serving_log"])],
        description=(
            "One row per figure that an experiment watches: the challenger's slice against the "
            "control slice, by what the service logged up to the end of the month."
        ),
    )
    def experiment_safety(
        context: AssetExecutionContext,
        warehouse: Warehouse,
        tracking: Tracking,
        audit: AuditTrail,
    ) -> MaterializeResult:
        log = audit.log(context.run_id)
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                _, until = month_bounds(month, portfolio.timezone)
                shown: dict[str, Any] = {}
                for state in _states_at(log, portfolio, until):
                    version = load_version(tracking.client(), portfolio, state.challenger)
                    rows = safety.find_safety(
                        connection,
                        portfolio,
                        state,
                        until=until,
                        base_rate=version.record.base_rate,
                    )
                    table_name = f"{portfolio.name}.{safety.NAME}"
                    _replace(connection, warehouse, table_name, safety.COLUMNS, month, state, rows)
                    shown |= _safety_shown(connection, portfolio, state, rows, until)

                # A month of the past is told as it was; only of today something can be done.
                if is_newest(month, log.now()):
                    client = tracking.client()
                    publisher = Publisher.of(settings, portfolio, client=client, audit=log)
                    for said in _answered(connection, publisher):
                        context.log.warning(said)

                describe(context, month, shown or {"safety": "no experiment was answered"})

        return MaterializeResult()

    return experiment_safety


def is_newest(month: date, now: datetime) -> bool:
    """Whether the graph has no month after this one yet."""
    # The month of today is no partition before it has ended, so `now` is always past `month`.
    return month == last_complete_month(now.date())


def _answered(connection: duckdb.DuckDBPyConnection, publisher: Publisher) -> Iterator[str]:
    """Do what specs say about figures that cannot be believed; what was done."""
    portfolio = publisher.portfolio
    for state in running_of(publisher.audit.records(), portfolio.name):
        progress = safety.read_progress(
            connection,
            portfolio,
            state,
            until=publisher.audit.now(),
        )
        said = answer_troubles(publisher, state, progress)
        if said:
            yield said


def _states_at(log: AuditLog, portfolio: Portfolio, until: datetime) -> list[ExperimentState]:
    """The experiments as they were at an instant, so that a month run again gives the same rows."""
    records = [record for record in log.records() if record.at < until]
    return started_of(records, portfolio.name)


def _safety_shown(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    rows: list[dict[str, Any]],
    until: datetime,
) -> dict[str, Any]:
    if not rows:
        return {}

    name = state.spec.name
    harms = 0
    cells = []
    for row in rows:
        harms += row["is_harm"]
        cells.append(
            [
                row["watched"],
                f"{row['control']:.4g}",
                f"{row['challenger']:.4g}",
                f"{row['at_least']:.4g}",
                f"{row['allowed']:.4g}",
                row["verdict"],
            ]
        )

    head = ["watched", "control", "challenger", "off at the least by", "allowed", "verdict"]
    told = table(head, cells, align="lrrrrl")
    shown: dict[str, Any] = {
        f"{name}_safety": MetadataValue.md(told),
        f"{name}_harms": harms,
    }
    days, shares = safety.read_days(connection, portfolio, state, until=until)
    if days:
        live = state.live
        both = live.challenger.weight + live.control.weight
        planned = live.challenger.weight / both
        png = png_of(ratio_picture(days, shares, planned))
        drawn = picture_markdown("split over time", png)
        shown[f"{name}_ratio"] = MetadataValue.md(drawn)
    return shown
