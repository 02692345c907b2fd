"""What a job's pod needs where runs are pods (`deploy/k8s/hosts`); elsewhere the tag means nothing.

By job, not by asset: Dagster loses the tags of assets when a sensor or a backfill starts the run.
"""

import json

TAG = "dagster-k8s/config"

# docs/scale.md measured 3 GB for a month of 2.1 million customers and 5 GB for a training.
CPUS_AND_MEMORY = {
    "features": ("2", "6Gi"),
    "training": ("4", "8Gi"),
    "month": ("4", "8Gi"),
}


def pod_size(stage: str) -> dict[str, str]:
    """The tag of a stage's job; none where dagster.yaml's own size will do."""
    if stage not in CPUS_AND_MEMORY:
        return {}

    cpus, memory = CPUS_AND_MEMORY[stage]
    resources = {"requests": {"cpu": cpus, "memory": memory}, "limits": {"memory": memory}}
    return {TAG: json.dumps({"container_config": {"resources": resources}})}
