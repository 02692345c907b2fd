"""A sensor that makes official what the service has found of an experiment's challenger, and has
answers taken into the lake while an experiment is live.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from churn_platform.audit.actor import user_name
from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles.shared_portfolio import live_now
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.run_requests import Jobs, run_request
from churn_platform.months import last_complete_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.alarms import read_alarm
from churn_platform.published.experiment import GUARDRAIL, SIGNAL, LiveExperiment
from churn_platform.serving_log.shipped_segments import is_waiting
from churn_platform.settings import Settings

if TYPE_CHECKING:
    from churn_platform.promotion.publication import Publisher


def experiment_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Ends or pauses the portfolio's experiment when the service says so, and asks for the
    answers of the service, as a rule once an hour; it runs always.
    """

    @sensor(
        name=f"{portfolio.name}_experiment",
        jobs=[jobs[f"{portfolio.name}_serving"]],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description=(
            "Ends an experiment whose challenger the service has dropped, and pauses one that it "
            "gave a signal of: in the audit trail, then in live.json. While one is live, takes in "
            "what the service answered once an hour, which its steps are judged by."
        ),
    )
    def experiment(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        live = live_now(settings, portfolio.name)
        if live is None or live.experiment is None:
            return SkipReason("no experiment is live")

        log = settings.serving_log_dir / portfolio.name
        done = _answer_alarms(portfolio, settings, live.experiment)
        if done:
            return SkipReason("; ".join(done))

        name = live.experiment.name
        if not is_waiting(settings.shared("log"), portfolio.name, log):
            return SkipReason(f"the service says nothing of experiment {name}")

        # Otherwise answers wait for the next month, and steps are of hours. Of one period there is
        # one run, by its key.
        now = datetime.now(UTC)
        period = int(now.timestamp()) // settings.automation_answers_seconds
        month = last_complete_month(now.date())
        return run_request(
            portfolio,
            "serving",
            month,
            month,
            because=f"experiment {name} is live, and answers wait",
            key=f"{live.experiment.start_id} answers {period}",
        )

    return experiment


def _answer_alarms(
    portfolio: Portfolio, settings: Settings, experiment: LiveExperiment
) -> list[str]:
    """Do what follows from the service's alarms; what was done, none without an alarm that is
    new.
    """
    # Imported here: the moves of an experiment load MLflow, which a daemon without one spares.
    from churn_platform.experiments.alarms import answer_alarms, fetch_alarms

    log = settings.serving_log_dir / portfolio.name
    fetch_alarms(settings.shared("log"), portfolio.name, log)
    kinds = (GUARDRAIL, SIGNAL)
    if not any(read_alarm(log, experiment, kind) for kind in kinds):
        return []

    return answer_alarms(_publisher(portfolio, settings), log)


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
