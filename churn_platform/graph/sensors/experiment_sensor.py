"""A sensor that makes official what the service has found of an experiment's challenger."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dagster import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from churn_platform.audit.actor import user_name
from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles.shared_portfolio import live_now
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.run_requests import Jobs
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.alarms import read_alarm
from churn_platform.published.experiment import GUARDRAIL, SIGNAL
from churn_platform.settings import Settings

if TYPE_CHECKING:
    from churn_platform.promotion.publication import Publisher


def experiment_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Ends or pauses the portfolio's experiment when the service says so; it runs always."""
    del jobs  # it starts no run

    @sensor(
        name=f"{portfolio.name}_experiment",
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description=(
            "Ends an experiment whose challenger the service has dropped, and pauses one that it "
            "gave a signal of: in the audit trail, then in live.json."
        ),
    )
    def experiment(context: SensorEvaluationContext) -> SkipReason:
        live = live_now(settings, portfolio.name)
        if live is None or live.experiment is None:
            return SkipReason("no experiment is live")

        # Imported here: the moves of an experiment load MLflow, which a daemon without one spares.
        from churn_platform.experiments.alarms import answer_alarms, fetch_alarms

        log = settings.serving_log_dir / portfolio.name
        fetch_alarms(settings.shared("log"), portfolio.name, log)
        kinds = (GUARDRAIL, SIGNAL)
        if not any(read_alarm(log, live.experiment, kind) for kind in kinds):
            return SkipReason(f"the service says nothing of experiment {live.experiment.name}")

        done = answer_alarms(_publisher(portfolio, settings), log)
        return SkipReason("; ".join(done) or "what the service said was answered before")

    return experiment


def _publisher(portfolio: Portfolio, settings: Settings) -> "Publisher":
    from churn_platform.promotion.publication import Publisher

    audit = AuditLog(
        settings.audit_path,
        f"{user_name()} by daemon",
        lambda: datetime.now(UTC),
        settings.shared("audit"),
    )
    client = Tracking.of(settings).client()
    return Publisher.of(settings, portfolio, client=client, audit=audit)
