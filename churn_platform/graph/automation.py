"""Jobs, sensors and schedules of all portfolios, as `build_defs` takes them."""

from collections.abc import Collection
from dataclasses import dataclass

from dagster import ScheduleDefinition, SensorDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from churn_platform.graph.jobs import jobs
from churn_platform.graph.schedules import housekeeping_schedule, schedules
from churn_platform.graph.sensors.dead_runs_sensor import dead_runs_sensor
from churn_platform.graph.sensors.landing_sensor import after_features_sensor, landing_sensor
from churn_platform.graph.sensors.notification_sensors import notifications
from churn_platform.graph.sensors.retraining_sensor import rescoring_sensor, retraining_sensor
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings

SENSORS = (landing_sensor, after_features_sensor, retraining_sensor, rescoring_sensor)


@dataclass(frozen=True)
class Automation:
    """What runs, and when."""

    jobs: list[UnresolvedAssetJobDefinition]
    sensors: list[SensorDefinition]
    schedules: list[ScheduleDefinition]


def automate(portfolios: Collection[Portfolio], settings: Settings) -> Automation:
    """Everything that makes runs of the portfolios, and tells people about them."""
    made = jobs(portfolios)
    by_name = {job.name: job for job in made}
    watching = [make(portfolio, settings, by_name) for portfolio in portfolios for make in SENSORS]
    return Automation(
        jobs=made,
        sensors=[*watching, dead_runs_sensor(settings), *notifications(portfolios, settings)],
        schedules=[
            *(each for portfolio in portfolios for each in schedules(portfolio, settings, by_name)),
            housekeeping_schedule(settings, by_name),
        ],
    )
