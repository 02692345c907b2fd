"""Which landed files a run by hand takes in: a tag of the run, which the landing sensor reads.

Without it a daemon would ask for each month once more that `churn run` or `churn demo` is just
taking in, and both would share the machine.
"""

from collections.abc import Mapping
from datetime import date

import msgspec
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from churn_platform.portfolios.spec import Portfolio

LANDED_TAG = "churn/landed"
# Of the newest runs alone: an older one has been seen by the sensor long ago.
RUNS_LOOKED_AT = 20
ENDED_BADLY = {DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED, DagsterRunStatus.CANCELING}


def landed_tag(landed: Mapping[date, str], begin: date, end: date) -> dict[str, str]:
    """The tag of a run of features from `begin` to `end`, of the files as they are at its start."""
    within = {month: state for month, state in landed.items() if begin <= month <= end}
    return {LANDED_TAG: msgspec.json.encode(within).decode()}


def taken_by_hand(instance: DagsterInstance, portfolio: Portfolio) -> dict[date, str]:
    """State of the files of each month that a run by hand takes in or has taken in; what has failed
    is left to the sensor.
    """
    wanted = RunsFilter(job_name=f"{portfolio.name}_features")
    taken: dict[date, str] = {}
    # Oldest first, so that the newest run of a month counts.
    for run in reversed(instance.get_runs(wanted, limit=RUNS_LOOKED_AT)):
        if LANDED_TAG in run.tags and run.status not in ENDED_BADLY:
            taken |= msgspec.json.decode(run.tags[LANDED_TAG], type=dict[date, str])
    return taken
