"""What a step asks for that runs outside of its run's process: CPUs of a Ray cluster, CPUs and
memory of a pod.

As tags of the step itself: Dagster loses the tags of assets when a sensor or a backfill starts the
run.
"""

import copy
import json
from collections.abc import Iterable

from dagster import AssetsDefinition

from churn_platform.graph.around_steps import with_step
from churn_platform.graph.liveness import IN_PROCESS
from churn_platform.graph.pod_sizes import pod_size
from churn_platform.settings import Settings

RAY_TAG = "dagster-ray/config"


def sized(assets: Iterable[AssetsDefinition], settings: Settings) -> list[AssetsDefinition]:
    """The assets, whose steps say what they need; as they are where steps have the run's process.

    On Ray a step needs as many CPUs as it has threads. Without a number Ray would put every step on
    the head of the cluster.
    """
    if settings.executor == IN_PROCESS:
        return list(assets)

    cpus = max(settings.duckdb_threads, settings.model_threads)
    made = []
    for asset in assets:
        step = copy.copy(asset.op)
        step._tags = {**step.tags, **_pod(asset), RAY_TAG: json.dumps({"num_cpus": cpus})}
        made.append(with_step(asset, step))
    return made


def _pod(asset: AssetsDefinition) -> dict[str, str]:
    """The tag of the stage that its tables belong to; dbt makes those of two stages in one step."""
    tags: dict[str, str] = {}
    for spec in asset.specs:
        tags |= pod_size(spec.tags["stage"])
    return tags
