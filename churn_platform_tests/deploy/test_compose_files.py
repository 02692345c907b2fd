"""What deploy/compose names is there, and nobody reaches Dagster without signing in.
`make compose-check` asks through the proxy itself.
"""

import os
import re
import subprocess
from typing import Any

import pytest
import yaml

from churn_platform_tests.support.deploy_files import DEPLOY, ROOT, unknown_variables
from deploy.compose.processes.compose_file import read_services, starting_order

FOLDER = DEPLOY / "compose"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, one in SERVICES.items() if "build" in one}
PORTS = {"ui": "8090", "dagster": "3000", "exporter": "9108", "code": "4000", "mlflow": "5000"}
INTERPOLATED = r"\$\{(\w+)"


def test_every_variable_is_a_setting():
    """One that is not would keep its process from starting."""
    names: set[str] = set()
    for one in SERVICES.values():
        names |= set(one.get("environment", {}))
        names |= set(one.get("environment", {}).get("FROM_FILES", "").split())
    assert len({name for name in names if name.startswith(("CHURN_", "SERVING_", "PAGE_"))}) > 15
    assert unknown_variables(names) == set()


def test_what_is_asked_of_the_person_is_in_the_example():
    """`.env.example` names each variable that the file takes from outside."""
    asked = set(re.findall(INTERPOLATED, (FOLDER / "compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=", (FOLDER / ".env.example").read_text(), re.MULTILINE))
    assert asked == given


def test_every_file_that_is_mounted_is_there():
    """But for secrets, which the script makes."""
    mounted = [volume for one in SERVICES.values() for volume in one.get("volumes", [])]
    paths = {volume.split(":")[0] for volume in mounted if volume.startswith(".")}
    assert len(paths) > 8
    assert {path for path in paths if not (FOLDER / path).exists()} == set()
    named = {volume.split(":")[0] for volume in mounted} - paths
    assert named <= COMPOSE["volumes"].keys()


def test_the_script_makes_every_secret_once(tmp_path):
    """A second run changes none; whom to sign in is asked of the person."""
    script = tmp_path / "make_secrets.sh"
    script.write_text((FOLDER / "make_secrets.sh").read_text())
    contents = []
    for _ in range(2):
        subprocess.run(["sh", str(script)], check=True, capture_output=True)
        contents.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert contents[0] == contents[1]
    made = {secret["file"].removeprefix("./secrets/") for secret in COMPOSE["secrets"].values()}
    assert made - contents[0].keys() == {"sign_in_users"}
    assert len(contents[0]["churn_phone_hash_key"]) >= 32
    assert oct((tmp_path / "secrets").stat().st_mode)[-3:] == "700"


def test_a_secret_reaches_its_command_as_a_variable(tmp_path):
    """And a file that is not there is named."""
    (tmp_path / "pgpassword").write_text("hidden")
    command = ["sh", str(FOLDER / "with_secrets.sh"), "sh", "-c", "printf %s $PGPASSWORD"]
    environment = os.environ | {"SECRETS": str(tmp_path), "FROM_FILES": "PGPASSWORD"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "hidden"
    environment["FROM_FILES"] = "OTHER"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}/other cannot be read" in done.stderr


def test_ports_are_those_that_are_asked():
    """By the proxy, by Prometheus, and between the services."""
    texts = [(FOLDER / name).read_text() for name in ("Caddyfile", "prometheus.yml")]
    texts.append((FOLDER / "compose.yaml").read_text())
    for service, port in PORTS.items():
        asked = {found for text in texts for found in re.findall(rf"\b{service}:(\d+)", text)}
        assert asked <= {port}
        told = " ".join(map(str, SERVICES[service]["command"])) + str(
            SERVICES[service]["environment"]
        )
        assert port in told


def test_what_runs_on_tells_whether_it_is_healthy():
    """`up --wait` returns once all of it is, and what waits for another waits for its health."""
    services = read_services(FOLDER / "compose.yaml", {})
    started = {name: services[name] for name in starting_order(services)}
    ends = {"bucket", "keys"}
    # Of Grafana's image nothing was tried here; Caddy begins once all that it leads to is healthy.
    without = {name for name, one in started.items() if one.health is None}
    assert without - ends == {"grafana", "proxy"}
    for one in started.values():
        assert set(one.waits_for.values()) <= {"healthy", "completed_successfully"}
        assert {other for other, how in one.waits_for.items() if how != "healthy"} <= ends


def test_a_health_check_reads_the_secrets_that_it_needs():
    """It does not pass through the entrypoint: what asks Dagster's history needs its password."""
    checks = {
        name: one["healthcheck"].get("test", [])
        for name, one in SERVICES.items()
        if "healthcheck" in one
    }
    asking = [test for test in checks.values() if "dagster-daemon" in test]
    assert [test[1:3] for test in asking] == [["sh", "/opt/with_secrets.sh"]]


def test_nothing_but_the_proxy_is_reached_from_outside():
    """It alone publishes ports, and it asks who wants Dagster."""
    assert {name for name, one in SERVICES.items() if "ports" in one} == {"proxy"}
    sites = re.split(r"^https://", (FOLDER / "Caddyfile").read_text(), flags=re.MULTILINE)
    (dagster,) = [site for site in sites if "dagster:3000" in site]
    assert "basic_auth" in dagster.split("reverse_proxy")[0]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_no_right_that_they_do_not_need(name):
    """A root that is read-only, no capability, no way to gain one."""
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]


def test_runs_queue_as_on_one_machine():
    """Pools, limits, retention and telemetry are the same in both files of Dagster."""
    here = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    there = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    for part in ("concurrency", "retention", "telemetry", "nux"):
        assert there[part] == here[part]
