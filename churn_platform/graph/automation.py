"""Jobs, sensors and schedules of all portfolios, as `build_defs` takes them."""

from collections.abc import Collection
from dataclasses import dataclass

from dagster import ScheduleDefinition, SensorDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from churn_platform.graph.jobs import jobs
from churn_platform.graph.schedules import housekeeping_schedule, schedules
from churn_platform.graph.sensors.dead_runs_sensor import dead_runs_sensor
from churn_platform.graph.sensors.experiment_sensor import experiment_sensor
from churn_platform.graph.sensors.landing_sensor import after_features_sensor, landing_sensor
from churn_platform.graph.sensors.notification_sensors import notifications
from churn_platform.graph.sensors.outage_sensor import outage_sensor
from churn_platform.graph.sensors.retraining_sensor import rescoring_sensor, retraining_sensor
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings

SENSORS = (
    landing_sensor,
    after_features_sensor,
    retraining_sensor,
    rescoring_sensor,
    experiment_sensor,
)


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

    sensors: list[SensorDefinition] = []
    timed: list[ScheduleDefinition] = []
    for portfolio in portfolios:
        for make in SENSORS:
            sensors.append(make(portfolio, settings, by_name))

        timed += schedules(portfolio, settings, by_name)

    sensors += [dead_runs_sensor(settings), outage_sensor(settings, made)]
    sensors += notifications(portfolios, settings)
    timed.append(housekeeping_schedule(settings, by_name))
    return Automation(
        jobs=made,
        sensors=sensors,
        schedules=timed,
    )
