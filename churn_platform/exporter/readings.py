"""Every metric of the exporter, and one value of it.

Labels are bounded: portfolios, jobs, assets, daemons and statuses of the installation. Nothing is
labelled by run, month or customer. Ages are left to Prometheus: what is exported is an instant.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True)
class Reading:
    """One value, with a value for each of its metric's labels."""

    metric: str
    labels: tuple[str, ...]
    value: float


RUNS = "churn_runs"
RUN_ENDED = "churn_run_last_end_timestamp_seconds"
RUN_QUEUE = "churn_run_queue_length"
HEARTBEAT = "churn_daemon_heartbeat_timestamp_seconds"
ASSET_MADE = "churn_asset_last_success_timestamp_seconds"
ASSET_MONTH = "churn_asset_month_timestamp_seconds"
DRIFT_SEVERITY = "churn_drift_severity"
DRIFT_MONTH = "churn_drift_month_timestamp_seconds"
DRIFTED_IMPORTANCE = "churn_drifted_importance"
SCORE_MEAN_SHIFT = "churn_monthly_score_mean_shift"
SCORED_MONTH = "churn_scored_month_timestamp_seconds"
SCORED_CUSTOMERS = "churn_scored_customers"
CAMPAIGN_PROFIT = "churn_campaign_profit_eur"
CAMPAIGN_KEPT = "churn_campaign_kept_customers"
CAMPAIGN_CONTACTED = "churn_campaign_contacted_customers"
COST = "churn_infrastructure_cost_eur"
CHAMPION_VERSION = "churn_champion_version"
CHAMPION_SINCE = "churn_champion_promoted_timestamp_seconds"
LANDED_MONTH = "churn_landed_month_timestamp_seconds"
MONTHS_MISSING = "churn_landing_months_missing"
DISK_FREE = "churn_disk_free_bytes"
DISK_SIZE = "churn_disk_size_bytes"

# `dagster_job`, since Prometheus gives `job` to each of its targets.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    RUNS: ("Runs that Dagster remembers.", ("dagster_job", "status")),
    RUN_ENDED: ("When a job last ended with a status.", ("dagster_job", "status")),
    RUN_QUEUE: ("Runs that wait for their turn.", ()),
    HEARTBEAT: ("When a daemon of Dagster last said that it lives.", ("daemon",)),
    ASSET_MADE: ("When an asset was last materialized.", ("asset",)),
    ASSET_MONTH: ("First day of the month that was materialized then.", ("asset",)),
    DRIFT_SEVERITY: ("Of the newest month: 0 quiet, 1 notable, 2 severe.", ("portfolio",)),
    DRIFT_MONTH: ("First day of the newest month that monitoring judged.", ("portfolio",)),
    DRIFTED_IMPORTANCE: ("Importance of the features that drifted in it.", ("portfolio",)),
    SCORE_MEAN_SHIFT: ("Mean score of it against the hold-out.", ("portfolio",)),
    SCORED_MONTH: ("First day of the newest month with scores.", ("portfolio",)),
    SCORED_CUSTOMERS: ("Customers with a score of that month.", ("portfolio",)),
    CAMPAIGN_PROFIT: ("Measured profit of all campaigns to date.", ("portfolio",)),
    CAMPAIGN_KEPT: ("Customers kept by all campaigns to date.", ("portfolio",)),
    CAMPAIGN_CONTACTED: ("Customers contacted in all campaigns to date.", ("portfolio",)),
    COST: ("Cost of the newest month on record.", ("item",)),
    CHAMPION_VERSION: ("Version of the champion.", ("portfolio",)),
    CHAMPION_SINCE: ("When it became champion.", ("portfolio",)),
    LANDED_MONTH: ("First day of the newest month that has landed whole.", ("portfolio",)),
    MONTHS_MISSING: ("Months between the first and the newest not whole.", ("portfolio",)),
    DISK_FREE: ("Free bytes of the disk that a folder is on.", ("folder",)),
    DISK_SIZE: ("Size of that disk.", ("folder",)),
}


def month_instant(month: date) -> float:
    """The first instant of a month, UTC, as Prometheus counts time."""
    return datetime(month.year, month.month, 1, tzinfo=UTC).timestamp()
