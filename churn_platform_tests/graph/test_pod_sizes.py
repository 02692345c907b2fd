"""Each job's pod is as large as its stage needs."""

import json

from churn_platform.graph.jobs import STAGES
from churn_platform.graph.pod_sizes import CPUS_AND_MEMORY, TAG, pod_size


def test_a_training_gets_more_than_a_run_without_a_size_of_its_own():
    """The tag is what Dagster's launcher reads; other stages have none."""
    asked = json.loads(pod_size("training")[TAG])["container_config"]["resources"]
    assert asked == {"requests": {"cpu": "4", "memory": "8Gi"}, "limits": {"memory": "8Gi"}}
    assert pod_size("scores") == {}


def test_every_size_is_of_a_job():
    """A stage that is renamed takes its size along."""
    assert CPUS_AND_MEMORY.keys() <= {*STAGES, "month"}
