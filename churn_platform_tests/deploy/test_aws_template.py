"""The template of AWS names settings, ports and paths that exist. `make aws-check` creates its
stack.
"""

import re
from typing import Any

import yaml

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.deploy_files import DEPLOY, routes_of, unknown_variables
from serving.app import create_litestar
from serving.page.app import create_app
from serving.page.settings import PageSettings


class Loader(yaml.SafeLoader):
    """Reads functions such as !Ref as what they are applied to."""


def _applied(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


Loader.add_multi_constructor("!", _applied)
TEMPLATE = yaml.load((DEPLOY / "aws" / "template.yaml").read_text(), Loader)
RESOURCES = {name: one.get("Properties", {}) for name, one in TEMPLATE["Resources"].items()}
CONTAINERS = {
    container["Name"]: container
    for one in RESOURCES.values()
    for container in one.get("ContainerDefinitions", [])
}


def variables(name: str) -> dict[str, str]:
    """What a container is given in clear."""
    return {one["Name"]: one["Value"] for one in CONTAINERS[name]["Environment"]}


def test_every_variable_is_a_setting_and_no_secret_is_in_clear():
    """Secrets come from the vault."""
    for name in ("scores", "page"):
        secret = {one["Name"] for one in CONTAINERS[name]["Secrets"]}
        assert unknown_variables(variables(name).keys() | secret) == set()
        assert [one for one in variables(name) if re.search(r"_KEY$|SECRET", one)] == []


def test_health_is_asked_at_ports_and_paths_that_answer(tmp_path):
    """By the load balancer and by the engine."""
    assert variables("scores")["SERVING_PORT"] == str(RESOURCES["ScoresTargets"]["Port"])
    assert variables("page")["PAGE_PORT"] == str(RESOURCES["PageTargets"]["Port"])
    service = routes_of(create_litestar(settings_in(tmp_path)))
    page = routes_of(create_app(PageSettings(state_dir=tmp_path / "page")))
    assert RESOURCES["ScoresTargets"]["HealthCheckPath"] in service
    assert RESOURCES["PageTargets"]["HealthCheckPath"] in page
    for name, known in (("scores", service), ("page", page)):
        asked = re.search(r":(\d+)(/[\w/]+)", CONTAINERS[name]["HealthCheck"]["Command"][-1])
        assert asked
        assert int(asked[1]) == CONTAINERS[name]["PortMappings"][0]["ContainerPort"]
        assert asked[2] in known


def test_tasks_have_no_right_that_they_do_not_need():
    """An ordinary user, a root that is read-only, no public address, no right on all of a thing."""
    for container in CONTAINERS.values():
        assert container["User"] == "10001"
        assert container["ReadonlyRootFilesystem"] is True
    for name in ("Scores", "Page"):
        network = RESOURCES[name]["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED"
    granted = [
        statement
        for one in RESOURCES.values()
        for policy in one.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert granted
    assert [one for one in granted if one["Resource"] == "*" or "*" in str(one["Action"])] == []
