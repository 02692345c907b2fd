"""The whole of compose.yaml as processes, a month on it, and what its proxy answers: `make
compose-check`.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context

import pytest

from churn_platform.exporter.readings import SCORED_MONTH as SCORED
from churn_platform.months import shift
from churn_platform_tests.support.deploy_files import DEPLOY, ROOT
from churn_platform_tests.support.waiting import eventually

PYTHON = ROOT / "data" / "bench" / "compose" / "bin" / "python"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="make compose-check prepares it"),
]
STATE = ROOT / "data" / "bench" / "compose-check"
SITE = "127.8.4.43"
PAGE, SERVICE, DAGSTER = (f"https://{SITE}:{port}" for port in (8443, 8444, 8445))
START_SECONDS, DEMO_SECONDS, ANSWER_SECONDS = 1800, 3600, 120
PASSWORD = "a long password of bea's"


class Stack:
    """A stack that is up, with a month on it."""

    def __init__(self, state: Path, told: str):
        self.state, self.told = state, told

    def run(self, *command: str, words: str = "") -> str:
        """What a command says that runs as a service of the stack."""
        done = subprocess.run(
            [*compose(self.state), "run", *command],
            cwd=ROOT,
            input=words,
            capture_output=True,
            text=True,
            timeout=DEMO_SECONDS,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def secret(self, name: str) -> str:
        """The content of a secret."""
        return (self.state / "compose" / "secrets" / name).read_text().strip()

    @property
    def key(self) -> str:
        """The page's key for the service."""
        return (self.state / "volumes" / "keys" / "page.key").read_text().strip()

    @property
    def signed_in(self) -> dict[str, str]:
        """The header of the person whom the start has named."""
        login = base64.b64encode(f"ann:{self.secret('ann.password')}".encode()).decode()
        return {"authorization": f"Basic {login}"}

    def ask_prometheus(self, query: str) -> list[float]:
        """The values of an expression now."""
        address = re.search(r"Prometheus +(\S+)", self.told)[1]  # type: ignore[index]
        asked = urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(f"{address}/api/v1/query?{asked}", timeout=30) as response:
            found = json.load(response)["data"]["result"]
        return [float(one["value"][1]) for one in found]


def compose(state: Path) -> list[str]:
    """The command that a newcomer has make run, in a folder and on an address of the test's own."""
    program = [str(PYTHON), "-m", "deploy.compose.processes"]
    return [*program, "--state", str(state), "--published-on", SITE]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Up, and with what `docker compose run --rm demo` makes."""
    # Not below pytest's folder, which only root may enter: Postgres is another user's process.
    # What a run leaves there, its logs above all, stays until the next.
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    begun, told = time.monotonic(), STATE / "told"
    with told.open("wb") as out:
        # A training that tunes nothing, as that of the demo.
        variables = os.environ | {"CHURN_TUNING_TRIALS": "0"}
        command = [*compose(STATE), "up"]
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
    try:
        eventually(
            lambda: "Ctrl-C" in told.read_text() or process.poll() is not None,
            seconds=START_SECONDS,
        )
        assert process.poll() is None, told.read_text()
        print(f"\nup after {time.monotonic() - begun:.0f} s")
        up = Stack(STATE, told.read_text())
        up.run("demo")
        print(f"with a demo after {time.monotonic() - begun:.0f} s")
        yield up
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(120)


def unverified() -> SSLContext:
    """The proxy's authority is its own."""
    context = create_default_context()
    context.check_hostname, context.verify_mode = False, CERT_NONE
    return context


def browser() -> urllib.request.OpenerDirector:
    """Keeps cookies, and follows redirects."""
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=unverified()), cookies)


def ask(url: str, body: object = None, **headers: str) -> tuple[int, str]:
    """(status, text) of an answer."""
    data = None if body is None else json.dumps(body).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data, {"content-type": "application/json"} | told)
    try:
        with browser().open(request, timeout=ANSWER_SECONDS) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_dagsters_ui_wants_a_sign_in(stack: Stack) -> None:
    """Without one nothing of it is shown; with one it shows the graph, and the runs of the demo."""
    query = {"query": "{ runsOrError { ... on Runs { results { status } } } }"}
    assert ask(f"{DAGSTER}/graphql", query)[0] == 401
    assert ask(DAGSTER)[0] == 401
    status, text = ask(f"{DAGSTER}/graphql", query, **stack.signed_in)
    assert status == 200
    runs = json.loads(text)["data"]["runsOrError"]["results"]
    assert {"status": "SUCCESS"} in runs
    assert {"status": "FAILURE"} not in runs


def test_the_service_answers_through_the_proxy(stack: Stack) -> None:
    """With a key alone, and as `churn smoke` wants it: from what the demo published."""
    eventually(lambda: ask(f"{SERVICE}/health/ready")[0] == 200, seconds=ANSWER_SECONDS)
    assert ask(f"{SERVICE}/predict", {"customer_id": "C0000001"})[0] == 401
    status, text = ask(f"{SERVICE}/models", authorization=f"Bearer {stack.key}")
    assert (status, "telecomit" in text) == (200, True)


def test_both_services_give_the_recorded_prediction(stack: Stack) -> None:
    """Each by itself, as the containers would be asked."""
    for name in ("serving-1", "serving-2"):
        command = ["python", "-m", "churn_platform.smoke"]
        told = stack.run(
            name, *command, "--url", f"http://{name}:8080", "--key-file", "/keys/page.key"
        )
        assert "gives the recorded" in told


def test_the_page_shows_a_customer_to_who_signs_in(stack: Stack) -> None:
    """A person is named as the document says, and sees the month of the demo."""
    user = ["--name", "bea", "--role", "campaign"]
    stack.run("ui", "churn-ui", "users", "add", *user, words=PASSWORD)
    assert "telecomit" in ask(f"{PAGE}/health")[1]
    visitor = browser()
    form = urllib.parse.urlencode({"name": "bea", "password": PASSWORD, "next": "/"}).encode()
    with visitor.open(f"{PAGE}/login", form, timeout=ANSWER_SECONDS) as response:
        assert "/telecomit/" in response.url
        assert "<table" in response.read().decode()


def test_metrics_of_service_and_pipeline_are_scraped(stack: Stack) -> None:
    """Every target is up, and the pipeline tells the month that was scored."""
    eventually(lambda: stack.ask_prometheus("up") == [1.0] * 3, seconds=ANSWER_SECONDS)
    eventually(lambda: bool(stack.ask_prometheus(SCORED)), seconds=ANSWER_SECONDS)
    assert stack.ask_prometheus("churn_exporter_source_up == 0") == []


def test_a_training_asked_for_through_the_proxy_is_done(stack: Stack) -> None:
    """As the workflow `retrain` asks for one: the daemon takes it, a process of `code` runs it."""
    authority = stack.state / "volumes/proxy/caddy/pki/authorities/local/root.crt"
    environment = os.environ | {
        "DAGSTER_USER": "ann",
        "DAGSTER_PASSWORD": stack.secret("ann.password"),
        "SSL_CERT_FILE": str(authority),
    }
    # The labels of a month mature with the month after it.
    scored = datetime.fromtimestamp(stack.ask_prometheus(f"max({SCORED})")[0], UTC).date()
    command = [str(PYTHON), str(DEPLOY / "ci" / "retrain.py"), f"--url={DAGSTER}"]
    told = ["--portfolio=telecomit", f"--month={shift(scored, -1):%Y-%m}", "--because=a drill"]
    done = subprocess.run([*command, *told], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
