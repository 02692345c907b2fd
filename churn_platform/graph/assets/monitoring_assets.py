"""Drift, performance and the decision to train again as assets."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeVar

import duckdb
from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import describe, lag, monthly_table, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.monitoring import monitored_month as found
from churn_platform.monitoring import monitoring_tables
from churn_platform.monitoring.decision import decide
from churn_platform.monitoring.drift_text import (
    decision_markdown,
    drift_figures,
    drift_markdown,
    performance_figures,
    performance_markdown,
)
from churn_platform.monitoring.html_report import write_report
from churn_platform.monitoring.lights import DECISION_FIGURES, present
from churn_platform.monitoring.reference import Watched, read_trainings, version_in_force, watch
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.champion import Reign, reigns
from churn_platform.settings import Settings
from churn_platform.warehouse.tables import read_rows, write

REPORT_FILE = "feature_drift.html"
Connection = duckdb.DuckDBPyConnection
Result = TypeVar("Result")


def monitoring_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that watch the champion and decide whether it must be trained again."""
    champion = _Watch(portfolio)
    return [
        _feature_drift(portfolio, settings, champion),
        _prediction_drift(portfolio, settings, champion),
        _serving_drift(portfolio, settings, champion),
        _model_performance(portfolio, settings, champion),
        _retraining_decision(portfolio, settings),
    ]


def _asset(
    portfolio: Portfolio,
    settings: Settings,
    name: str,
    upstream: Sequence[str | AssetDep],
    description: str,
) -> Any:
    """Arguments of `@asset` for a monitoring table; it watches the
    champion that its month found.
    """
    deps: list[AssetKey | AssetDep] = []
    for each in (*upstream, "champion_history"):
        deps.append(AssetKey([portfolio.name, each]) if isinstance(each, str) else each)

    arguments = monthly_table(
        portfolio.name,
        name,
        group_of(portfolio.name, "monitoring"),
        settings.first_month,
    )
    return arguments | {"deps": deps, "description": description}


class _Watch:
    """The portfolio's champion under watch; the assets of a run that watch the same version read it
    once.
    """

    def __init__(self, portfolio: Portfolio):
        self._portfolio = portfolio
        self._last: Watched | None = None

    def months(
        self,
        context: AssetExecutionContext,
        warehouse: Warehouse,
        tracking: Tracking,
        audit: AuditTrail,
    ) -> Iterator[tuple[date, Watched]]:
        """The months of the run that found a champion, each with it."""
        # From the audit trail, not from the table `evaluation`: that has only the newest judgement
        # of a month, which may be the refusal of a repetition.
        known = _reigns(context, self._portfolio, tracking, audit)
        for month in months_of(context):
            version = version_in_force(known, month)
            if version is None:
                context.log.info(f"{label(month)}: there was no champion to watch")
            else:
                yield month, self._watched(version, warehouse, tracking)

    def _watched(self, version: int, warehouse: Warehouse, tracking: Tracking) -> Watched:
        # Reading the champion and a sample of its training months takes seconds, and four assets of
        # one run need both.
        if self._last is None or self._last.number != version:
            with warehouse.get_connection(read_only=True) as connection:
                self._last = watch(tracking.client(), connection, self._portfolio, version)
        return self._last


def _reigns(
    context: AssetExecutionContext, portfolio: Portfolio, tracking: Tracking, audit: AuditTrail
) -> list[Reign]:
    return reigns(tracking.client(), audit.log(context.run_id).records(), portfolio.name)


def _read(warehouse: Warehouse, find: Callable[[Connection], Result]) -> Result:
    with warehouse.get_connection(read_only=True) as connection:
        return find(connection)


def _keep(
    warehouse: Warehouse, portfolio: Portfolio, name: str, month: date, rows: monitoring_tables.Rows
) -> None:
    """Put the month's rows, which may be none, in place of those before."""
    with warehouse.get_connection() as connection:
        write(
            connection,
            warehouse.lake,
            partial(monitoring_tables.replace, connection, portfolio.name, name, month, rows),
        )


def _feature_drift(portfolio: Portfolio, settings: Settings, champion: _Watch) -> AssetsDefinition:
    reports = settings.published_dir / portfolio.name / "reports"

    @asset(
        **_asset(
            portfolio,
            settings,
            monitoring_tables.FEATURE_DRIFT,
            ["customer_features"],
            "One row per month and feature: how far it is from what the champion was trained on.",
        )
    )
    def feature_drift(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        for month, watched in champion.months(context, warehouse, tracking, audit):
            sample = partial(
                found.own_features,
                portfolio=portfolio,
                watched=watched,
                month=month,
            )
            current = _read(warehouse, sample)
            rows = found.find_feature_drift(watched, current) if len(current) else []
            _keep(warehouse, portfolio, monitoring_tables.FEATURE_DRIFT, month, rows)
            if not rows:
                context.log.info(f"{label(month)}: there are no features")
                continue

            page = reports / label(month) / REPORT_FILE
            months = watched.record.training_months
            size = write_report(
                page,
                watched.sample,
                current,
                watched.model.features,
                title=f"Drift of features: {portfolio.title}, {label(month)}",
                facts={
                    "Month": f"{label(month)}, {len(current):,} customers (Current)",
                    "Model": f"version {watched.number}, {watched.record.algorithm}",
                    "Reference": f"its training rows of {months[0]} to {months[-1]}, "
                    f"{len(watched.sample):,} customers (Reference)",
                    "Decides": "nothing; the table feature_drift is what the decision reads",
                },
            )
            shown = {
                **drift_figures(rows),
                "drift": MetadataValue.md(drift_markdown(rows)),
                "report": MetadataValue.path(str(page)),
                "report_bytes": size,
                "model_version": watched.number,
            }
            describe(context, month, shown)

        return MaterializeResult()

    return feature_drift


def _prediction_drift(
    portfolio: Portfolio, settings: Settings, champion: _Watch
) -> AssetsDefinition:
    @asset(
        **_asset(
            portfolio,
            settings,
            monitoring_tables.PREDICTION_DRIFT,
            ["customer_features"],
            "One row per month: how far the champion's scores are from those on its hold-out, "
            "and what they promise.",
        )
    )
    def prediction_drift(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        for month, watched in champion.months(context, warehouse, tracking, audit):
            sample = partial(
                found.own_features,
                portfolio=portfolio,
                watched=watched,
                month=month,
            )
            current = _read(warehouse, sample)
            rows = found.find_prediction_drift(watched, current) if len(current) else []
            _keep(warehouse, portfolio, monitoring_tables.PREDICTION_DRIFT, month, rows)
            if rows:
                describe(context, month, rows[0])

        return MaterializeResult()

    return prediction_drift


def _serving_drift(portfolio: Portfolio, settings: Settings, champion: _Watch) -> AssetsDefinition:
    @asset(
        **_asset(
            portfolio,
            settings,
            monitoring_tables.SERVING_DRIFT,
            ["customer_features", "serving_log"],
            "One row per month and feature: how far the requests that were answered are "
            "from the month's customers.",
        )
    )
    def serving_drift(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        for month, watched in champion.months(context, warehouse, tracking, audit):
            rows = _read(
                warehouse,
                partial(
                    found.find_serving_drift,
                    portfolio=portfolio,
                    watched=watched,
                    month=month,
                ),
            )
            _keep(warehouse, portfolio, monitoring_tables.SERVING_DRIFT, month, rows)
            if rows:
                drift = {"drift": MetadataValue.md(drift_markdown(rows))}
                describe(context, month, drift_figures(rows) | drift)
            else:
                context.log.info(
                    f"{label(month)}: fewer than {found.FEWEST_REQUESTS} logged requests to compare"
                )

        return MaterializeResult()

    return serving_drift


def _model_performance(
    portfolio: Portfolio, settings: Settings, champion: _Watch
) -> AssetsDefinition:
    # Labels that mature now are of the scores of an earlier month. So the outcomes are known before
    # the month's own list is made, which asks them whether the champion is broken.
    months_ago = portfolio.label.outcome_months
    earlier = lag(months_ago, nearest=months_ago)
    served = AssetDep(AssetKey([portfolio.name, "monthly_scores"]), partition_mapping=earlier)

    @asset(
        **_asset(
            portfolio,
            settings,
            monitoring_tables.MODEL_PERFORMANCE,
            ["customer_features", "churn_labels", served],
            "Metrics of the champion on customers whose labels matured in the month: "
            "one row for all, one per segment.",
        )
    )
    def model_performance(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        for month, watched in champion.months(context, warehouse, tracking, audit):
            find = partial(
                found.find_performance,
                portfolio=portfolio,
                watched=watched,
                month=month,
            )
            rows = _read(warehouse, find)
            _keep(warehouse, portfolio, monitoring_tables.MODEL_PERFORMANCE, month, rows)
            if rows:
                shown = {
                    "performance": MetadataValue.md(performance_markdown(rows)),
                    **performance_figures(rows),
                }
                describe(context, month, shown)
            else:
                context.log.info(f"{label(month)}: no labels matured")

        return MaterializeResult()

    return model_performance


def _retraining_decision(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    series = [
        monitoring_tables.FEATURE_DRIFT,
        monitoring_tables.PREDICTION_DRIFT,
        monitoring_tables.MODEL_PERFORMANCE,
    ]

    @asset(
        **_asset(
            portfolio,
            settings,
            monitoring_tables.RETRAINING_DECISION,
            series,
            "One row per month: whether the champion must be trained again, why, "
            "and the drift of the month in short.",
        )
    )
    def retraining_decision(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        known = _reigns(context, portfolio, tracking, audit)
        for month in months_of(context):
            rows = _read(
                warehouse,
                partial(
                    _decided,
                    portfolio=portfolio,
                    known=known,
                    month=month,
                ),
            )
            _keep(warehouse, portfolio, monitoring_tables.RETRAINING_DECISION, month, rows)
            for row in rows:
                context.log.info(f"{label(month)}: {'; '.join(row['reasons'])}")
                shown = {
                    "retraining_required": row["retraining_required"],
                    **present(row, DECISION_FIGURES),
                    "decision": MetadataValue.md(decision_markdown(row)),
                }
                describe(context, month, shown)

        return MaterializeResult()

    return retraining_decision


def _decided(
    connection: Connection, portfolio: Portfolio, known: list[Reign], month: date
) -> monitoring_tables.Rows:
    """The month's row, or none if there was no champion to decide about."""
    version = version_in_force(known, month)
    if version is None:
        return []

    # Replayed from tables each time, without stored state: a month that is run again, alone or in a
    # backfill, gets the decision it had.
    name = portfolio.name
    in_force = partial(version_in_force, known)
    decision = decide(
        monitoring_tables.read_series(connection, name, month, in_force=in_force),
        month,
        trainings=read_trainings(connection, portfolio, known),
        broken_months=monitoring_tables.read_broken_months(connection, name, month),
    )
    row = monitoring_tables.decision_row(
        decision,
        version,
        read_rows(connection, f"{name}.{monitoring_tables.FEATURE_DRIFT}", month),
        read_rows(connection, f"{name}.{monitoring_tables.PREDICTION_DRIFT}", month),
        read_rows(connection, f"{name}.{monitoring_tables.MODEL_PERFORMANCE}", month),
    )
    return [row]
