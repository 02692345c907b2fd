"""The compose file as processes: nothing that only a container has is left in what is started."""

import re
from pathlib import Path

import pytest
import yaml

from churn_platform_tests.support.deploy_files import DEPLOY, ROOT
from deploy.compose.processes.compose_file import Service, read_services, starting_order
from deploy.compose.processes.images import IMAGES, OURS, NoStandInError, environment, started
from deploy.compose.processes.places import Places, loopback_addresses
from deploy.compose.processes.running import Stack, StackError, up

FOLDER = DEPLOY / "compose"
SERVICES = read_services(FOLDER / "compose.yaml", {"SITE": "localhost"})
CONTAINER_PATHS = r"(?<![\w./])/(app|keys|opt|run|data|etc)\b"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """The delivered stack in a folder of the test's own, with secrets of a letter each."""
    secrets = tmp_path / "compose" / "secrets"
    secrets.mkdir(parents=True)
    for source in yaml.safe_load((FOLDER / "compose.yaml").read_text())["secrets"].values():
        (tmp_path / "compose" / source["file"]).write_text("x@postgres:5432/mlflow")
    return Places(tmp_path, FOLDER, loopback_addresses(SERVICES, tmp_path))


def started_words(service: Service, places: Places) -> str:
    """What is started of a service: its command and its variables, as one text."""
    words = [places.put(word, service) for word in service.command]
    return " ".join([*words, *environment(service, places).values()])


def test_each_starts_after_what_it_waits_for():
    """What a profile asks for is started with it alone."""
    order = starting_order(SERVICES)
    assert order.index("postgres") < order.index("mlflow") < order.index("code")
    assert order.index("code") < order.index("daemon")
    assert {"demo", "nats"} & set(order) == set()
    assert "nats" in starting_order(SERVICES, profile="stream")


def test_health_checks_are_those_of_the_file():
    """Their commands, and how long is waited."""
    health = SERVICES["code"].health
    assert health is not None
    assert health.command[:3] == ["dagster", "api", "grpc-health-check"]
    # Those of the start, whose first two minutes are not counted: no check is asked for after it.
    assert (health.interval_seconds, health.timeout_seconds, health.retries) == (10, 30, 10 + 12)
    assert SERVICES["keys"].health is None


def test_every_service_has_an_address_of_its_own(tmp_path):
    """Of loopback, the same each time; another folder's stack has other ones."""
    addresses = loopback_addresses(SERVICES, tmp_path)
    assert len(set(addresses.values())) == len(SERVICES)
    assert all(address.startswith("127.") for address in addresses.values())
    assert addresses == loopback_addresses(SERVICES, tmp_path)
    assert addresses != loopback_addresses(SERVICES, tmp_path / "other")


@pytest.mark.parametrize("name", [one for one in SERVICES if SERVICES[one].image in OURS])
def test_nothing_of_a_container_is_left_in_a_command(name, places):
    """Neither a path, nor a name of the network, nor an address that listens to everybody."""
    service = SERVICES[name]
    told = started_words(service, places)
    names = "|".join(SERVICES)
    assert re.findall(rf"(?<![\w.-])({names}):\d|host=({names})", told) == []
    own = told.replace(str(places.state), "")
    assert re.findall(CONTAINER_PATHS, own.replace("/app/", "app/")) == []
    assert "0.0.0.0" not in told


def test_a_word_that_is_a_services_name_stays_a_word(places):
    """A database, a program and a bucket's folder are called as services are."""
    service = SERVICES["mlflow"]
    address = places.addresses["postgres"]
    assert places.put("mlflow", service) == "mlflow"
    assert places.put("s3://churn/mlflow", service) == "s3://churn/mlflow"
    uri = places.put("postgresql+psycopg2://churn:p@postgres:5432/mlflow", service)
    assert uri == f"postgresql+psycopg2://churn:p@{address}:5432/mlflow"
    catalog = places.put("postgres:dbname=lake host=postgres user=churn", service)
    assert catalog == f"postgres:dbname=lake host={address} user=churn"


def test_what_is_mounted_names_this_machine(places):
    """Files of configuration and secrets are put right as commands are."""
    for name in ("code", "mlflow", "dagster"):
        places.prepare(SERVICES[name])
    code = places.root(SERVICES["code"])
    dagster_home = Path(environment(SERVICES["code"], places)["DAGSTER_HOME"])
    assert dagster_home == code / "opt" / "dagster"
    assert yaml.safe_load((dagster_home / "workspace.yaml").read_text())["load_from"] == [
        {
            "grpc_server": {
                "host": places.addresses["code"],
                "port": 4000,
                "location_name": "churn_platform",
            }
        }
    ]
    kept = yaml.safe_load((dagster_home / "dagster.yaml").read_text())["local_artifact_storage"]
    assert kept["config"]["base_dir"] == str(places.state / "volumes" / "platform" / "dagster")
    secret = places.root(SERVICES["mlflow"]) / "run/secrets/mlflow_backend_store_uri"
    assert places.addresses["postgres"] in secret.read_text()
    assert secret.stat().st_mode & 0o077 == 0


def test_services_share_a_volume_as_in_compose(places):
    """At the same path, whichever of them made a file."""
    for name in ("code", "ui"):
        places.prepare(SERVICES[name])
    platform = places.state / "volumes" / "platform"
    assert environment(SERVICES["ui"], places)["PAGE_PUBLISHED_DIR"] == str(platform / "published")
    (platform / "made").touch()
    assert (places.root(SERVICES["code"]) / "app" / "data" / "made").exists()


def test_what_has_no_stand_in_is_told(places):
    """Grafana is in no registry of wheels, and in none of Debian's."""
    with pytest.raises(NoStandInError, match="grafana: nothing here stands in for grafana-oss"):
        started(SERVICES["grafana"], places)
    stood_in = {one.image for one in SERVICES.values()} - {*OURS, "grafana-oss", "nats"}
    assert stood_in == IMAGES.keys()


def test_processes_have_the_variables_of_the_image(places):
    """Those that the Dockerfile sets, but for where the image's own files are."""
    text = (ROOT / "Dockerfile").read_text()
    set_there = dict(re.findall(r"(\w+)=(true|1)\b", text))
    told = environment(SERVICES["code"], places)
    for name in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "PYTHONUNBUFFERED"):
        assert told[name] == set_there[name]


def tiny_stack(tmp_path: Path, services: dict) -> Stack:
    """A stack of services of ours that only say something."""
    file = tmp_path / "compose.yaml"
    ours = {"image": "churn-serving:latest", "entrypoint": ["sh", "-c"]}
    written = {name: ours | one for name, one in services.items()}
    file.write_text(yaml.safe_dump({"services": written, "secrets": {}}))
    read = read_services(file, {})
    return Stack(read, Places(tmp_path / "state", tmp_path, loopback_addresses(read, tmp_path)))


def test_a_service_starts_once_what_it_waits_for_has_ended_well(tmp_path):
    """And all that was started ends with the stack."""
    last = {"last": {"command": ["exec cat"]}}
    last["last"]["depends_on"] = {"first": {"condition": "service_completed_successfully"}}
    stack = tiny_stack(tmp_path, last | {"first": {"command": ["echo made"]}})
    with up(stack):
        assert stack.log("first").read_text() == "made\n"
        assert stack.running.keys() == {"first", "last"}
        assert "first" not in stack.ended()
    assert all(process.poll() is not None for process in stack.running.values())


def test_a_service_that_fails_is_told_with_its_last_words(tmp_path):
    """What waits for it is not started."""
    services = {
        "first": {"command": ["echo no room; exit 3"]},
        "last": {
            "command": ["echo never"],
            "depends_on": {"first": {"condition": "service_completed_successfully"}},
        },
    }
    stack = tiny_stack(tmp_path, services)
    with pytest.raises(StackError, match=r"first ended with 3; .*first.log ends so:\nno room"):
        stack.start()
    assert "last" not in stack.running


def test_a_service_that_is_healthy_is_told(tmp_path):
    """A start takes minutes, and says what it has reached."""
    check = {"test": ["CMD", "true"], "interval": "0.1s", "timeout": "5s", "retries": 1}
    stack = tiny_stack(
        tmp_path, {"one": {"command": ["exec tail -f /dev/null"], "healthcheck": check}}
    )
    told: list[str] = []
    stack.say = told.append
    with up(stack):
        assert told == ["one is healthy"]


def test_a_command_runs_as_a_service_to_its_end(tmp_path):
    """With its exit code; names of other services are put right in it."""
    stack = tiny_stack(tmp_path, {"one": {"command": ["exit 4"]}, "two": {"command": ["true"]}})
    assert stack.run("one") == 4
    address = stack.places.addresses["two"]
    assert stack.run("one", [f'test "{address}:80" = two:80']) == 0
