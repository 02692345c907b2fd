"""dbt knows the connection of a lake again."""

from argparse import Namespace

from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context

from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import dbt_project_dir


def test_the_next_run_need_not_parse_the_project_anew(lake):
    """dbt does, for seconds, where its connection differs: nothing of a process is part of it."""
    told = []
    for _ in range(2):
        set_invocation_context(dbt_environment(lake))
        set_from_args(Namespace(profiles_dir=str(dbt_project_dir())), None)
        profile = load_profile(str(dbt_project_dir()), {})
        told.append(list(profile.credentials.connection_info()))
    assert told[0] == told[1]
