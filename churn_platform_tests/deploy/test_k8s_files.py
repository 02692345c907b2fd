"""What deploy/k8s names is there: variables, ports, paths and objects. `make k8s-check` builds and
validates the overlays.
"""

import re
from typing import Any

import pytest
import yaml

from churn_platform.cli.exporter_commands import PORT as EXPORTER_PORT
from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.deploy_files import (
    DEPLOY,
    OURS,
    ROOT,
    env_file,
    known_variables,
    routes_of,
    unknown_variables,
)
from serving.app import create_litestar
from serving.page.app import create_app
from serving.page.settings import PageSettings
from serving.security.api_keys import add_key, read_keys

K8S = DEPLOY / "k8s"
FILES = sorted(K8S.glob("*/*.yaml"))
# Variables of these names change what a program does that runs in the pods.
READ_BY_PROGRAMS = (*OURS, "MLFLOW_", "DAGSTER_", "DBT_", "PG", "GRANIAN_", "SIGN_IN_")


def documents() -> list[dict[str, Any]]:
    """Every object and patch of an object."""
    found = []
    for path in FILES:
        for one in yaml.safe_load_all(path.read_text()):
            if isinstance(one, dict) and "kind" in one and one["kind"] != "Kustomization":
                found.append(one)
    return found


DOCUMENTS = documents()


def pod_of(document: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that an object makes; None if it makes none."""
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", {}).get("spec") if isinstance(spec.get("template"), dict) else None


WHOLE_PODS = {
    document["metadata"]["name"]: pod
    for document in DOCUMENTS
    if (pod := pod_of(document)) and "securityContext" in pod
}
CONTAINERS = {
    (name, container["name"]): container
    for name, pod in WHOLE_PODS.items()
    for container in [*pod.get("initContainers", []), *pod["containers"]]
}


def variables() -> set[str]:
    """Every variable that a file of settings or a container sets."""
    names: set[str] = set()
    for path in K8S.glob("*/*.env"):
        names |= env_file(path).keys()
    for path in FILES:
        names |= set(re.findall(r"name: ([A-Z][A-Z0-9_]+)\b", path.read_text()))
    return names


def test_every_variable_is_a_setting():
    """One that is not would keep its process from starting."""
    assert len(variables() & known_variables()) > 20
    assert unknown_variables(variables()) == set()


def test_no_service_has_a_name_that_makes_a_setting():
    """A cluster puts NAME_PORT=tcp://... of each service into pods: SERVING_PORT of one called
    serving, and MLFLOW_PORT of one called mlflow, which its server listens on.
    """
    services = {one["metadata"]["name"] for one in DOCUMENTS if one["kind"] == "Service"}
    assert {"scores", "ui", "tracking"} <= services
    made = {f"{name.upper().replace('-', '_')}_PORT" for name in services}
    assert {name for name in made if name.startswith(READ_BY_PROGRAMS)} == set()


def test_no_pod_is_given_the_variables_of_services():
    """Nor the pods of runs: a service of somebody else's in the namespace may have any name."""
    assert len(WHOLE_PODS) >= 7
    assert {name for name, pod in WHOLE_PODS.items() if pod["enableServiceLinks"]} == set()
    assert run_pod()["pod_spec_config"]["enable_service_links"] is False


def run_pod() -> dict[str, Any]:
    """What dagster.yaml says of a run's pod."""
    instance = yaml.safe_load((K8S / "hosts" / "dagster.yaml").read_text())
    return instance["run_launcher"]["config"]["run_k8s_config"]


@pytest.mark.parametrize("name", CONTAINERS, ids="/".join)
def test_a_container_has_no_right_that_it_does_not_need(name):
    """No root, a root that is read-only, no more memory than it was given."""
    container = CONTAINERS[name]
    security = container["securityContext"]
    assert WHOLE_PODS[name[0]]["securityContext"]["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"]["drop"] == ["ALL"]
    assert "memory" in container["resources"]["limits"]


def test_a_runs_pod_has_no_right_either():
    """The same in the notation of the launcher."""
    security = run_pod()["container_config"]["security_context"]
    assert security["read_only_root_filesystem"] is True
    assert security["allow_privilege_escalation"] is False
    assert run_pod()["pod_spec_config"]["security_context"]["run_as_non_root"] is True


def test_ports_are_those_that_the_programs_listen_on(tmp_path):
    """Settings and options name the same port as the container, and each service one of its pod."""
    listening = {
        name: [port["containerPort"] for port in container.get("ports", [])]
        for name, container in CONTAINERS.items()
    }
    base = K8S / "base"
    assert listening["scores", "scores"] == [int(env_file(base / "scores.env")["SERVING_PORT"])]
    assert listening["ui", "ui"] == [int(env_file(base / "page.env")["PAGE_PORT"])]
    assert listening["pipeline-metrics", "exporter"] == [EXPORTER_PORT]
    for name, container in CONTAINERS.items():
        told = " ".join(map(str, container.get("args", [])))
        for port in listening[name]:
            assert str(port) in told or "envFrom" in container or "env" in container, name
    services = {one["metadata"]["name"]: one for one in DOCUMENTS if one["kind"] == "Service"}
    for name, service in services.items():
        ports = [port for pod, ports in listening.items() if pod[0] == name for port in ports]
        assert [port["port"] for port in service["spec"]["ports"]] == ports


def test_probes_ask_for_paths_that_are_answered(tmp_path):
    """Those of service and page are routes; the exporter has one path."""
    page = create_app(PageSettings(state_dir=tmp_path / "page"))
    answered = {
        "scores": routes_of(create_litestar(settings_in(tmp_path))),
        "ui": routes_of(page),
        "exporter": {"/metrics"},
        "sign-in": set(re.findall(r"handle (/\w+)", (K8S / "base" / "Caddyfile").read_text())),
        "tracking": {"/health"},  # of MLflow's server
    }
    asked = 0
    for (_, name), container in CONTAINERS.items():
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = container.get(probe, {}).get("httpGet", {}).get("path")
            if path:
                asked += 1
                assert path in answered[name]
    assert asked >= 8


def test_every_mount_has_its_volume_and_every_reference_its_object():
    """Claims and settings that pods name are made here; secrets are the operator's, and listed in
    docs/delivery.md.
    """
    claims = {
        one["metadata"]["name"] for one in DOCUMENTS if one["kind"] == "PersistentVolumeClaim"
    }
    page = (ROOT / "docs" / "delivery.md").read_text()
    for name, pod in WHOLE_PODS.items():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for (owner, _), container in CONTAINERS.items():
            if owner == name:
                assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            assert claim is None or claim in claims
            secret = volume.get("secret", {}).get("secretName")
            assert secret is None or f"`{secret}`" in page


def test_runs_queue_in_the_cluster_as_on_one_machine():
    """Pools, limits, retention and telemetry are the same in both files of Dagster."""
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    there = yaml.safe_load((K8S / "hosts" / "dagster.yaml").read_text())
    for part in ("concurrency", "retention", "telemetry", "nux"):
        assert there[part] == here[part]


def test_dagsters_ui_is_reached_through_the_sign_in_alone():
    """It listens on loopback; the pod's only port is the sign-in's, and health says no more."""
    webserver = CONTAINERS["pipeline-ui", "webserver"]
    assert webserver["args"][:3] == ["dagster-webserver", "-h", "127.0.0.1"]
    assert "ports" not in webserver
    caddyfile = (K8S / "base" / "Caddyfile").read_text()
    open_part, closed_part = caddyfile.split("handle {")
    assert "rewrite * /server_info" in open_part
    assert "basic_auth" in closed_part


def test_keys_are_read_through_the_link_that_a_pod_makes(tmp_path):
    """A secret's files are links to links; a key that is added to it holds without a restart."""
    made = tmp_path / "elsewhere" / "keys.json"
    add_key(made, name="crm", scopes=["score"], created_at="2026-11-29T00:00:00Z")
    secret = tmp_path / "run"
    secret.mkdir()
    (secret / "..data").symlink_to(made.parent)
    (secret / "keys.json").symlink_to("..data/keys.json")
    state = tmp_path / "state"
    state.mkdir()
    (state / "keys.json").symlink_to(secret / "keys.json")
    assert [key.name for key in read_keys(state / "keys.json")] == ["crm"]
