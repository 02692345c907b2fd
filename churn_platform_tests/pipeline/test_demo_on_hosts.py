"""`make demo` with everything that hosts share on Postgres and S3, beside the same in a folder, and
a second host that has folders of its own: `make hosts-check`.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from churn_platform_tests.support.graph_runs import HASH_KEY
from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.variables import as_variables

pytestmark = pytest.mark.slow
# Fewer customers fail the gate of recall, by a hair.
CUSTOMERS, MONTHS, UNTIL = 8_000, 6, "2026-10"
ASKED = 50
# Of the result: where it lies, when it was handed over, and what a machine's seconds cost.
OF_THE_PLACE = ("published", "infrastructure", "warehouse")


@dataclass(frozen=True)
class Host:
    """A host with a data folder and a Dagster history of its own."""

    folder: Path
    shared: Mapping[str, str] = field(default_factory=dict)
    """Variables that lead it to what hosts share."""

    @property
    def environment(self) -> dict[str, str]:
        """What its commands find; the repository's own dagster.yaml, with its history here."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        kept = {key: config[key] for key in ("concurrency", "telemetry", "nux")}
        (home / "dagster.yaml").write_text(yaml.safe_dump(kept))
        others = {name: value for name, value in os.environ.items() if "CHURN_" not in name}
        return others | {
            "DAGSTER_HOME": str(home),
            "CHURN_DATA_DIR": str(self.folder / "data"),
            "CHURN_PHONE_HASH_KEY": HASH_KEY,
            **self.shared,
        }

    def run(self, *command: str) -> str:
        """What a command prints; AssertionError with its errors if it fails."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr[-3_000:]}"
        return done.stdout

    def churn(self, *arguments: str) -> str:
        """What `churn` prints with these arguments."""
        return self.run(sys.executable, "-m", "churn_platform.cli", *arguments)

    def demo(self) -> str:
        """What `make demo` prints."""
        home = self.environment["DAGSTER_HOME"]
        size = (f"CUSTOMERS={CUSTOMERS}", f"MONTHS={MONTHS}", f"UNTIL={UNTIL}")
        return self.run("make", "demo", *size, f"DAGSTER_HOME={home}")


def told(output: str) -> list[str]:
    """The printed result: version, metrics, customers at risk, campaign."""
    _, _, result = output.partition(" result ")
    lines = result.splitlines()[1:]
    return [line for line in lines if line and not line.startswith((*OF_THE_PLACE, "took"))]


def answers(port: int, customers: list[str]) -> dict[str, float]:
    """What a service answers by id."""
    found = {}
    for customer in customers:
        body = json.dumps({"customer_id": customer}).encode()
        headers = {"content-type": "application/json"}
        url = f"http://127.0.0.1:{port}/telecomit/predict"
        request = urllib.request.Request(url, body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found[customer] = json.load(answer)["churn_probability"]
    return found


def scores(host: Host) -> dict[str, float]:
    """Scores of the newest month in the host's lake."""
    query = (
        "select customer_id, churn_probability from telecomit.monthly_scores where month = "
        "(select max(month) from telecomit.monthly_scores) order by customer_id"
    )
    script = (
        "import json; from churn_platform.settings import load_settings\n"
        "from churn_platform.warehouse.lake import Lake, connect\n"
        "lake = connect(Lake.of(load_settings()), read_only=True)\n"
        f"print(json.dumps(dict(lake.execute({query!r}).fetchall())))"
    )
    return json.loads(host.run(sys.executable, "-c", script).splitlines()[-1])


@dataclass(frozen=True)
class Demos:
    """`make demo` twice: in a folder, and with all that hosts share on servers."""

    alone: Host
    first: Host
    printed: dict[str, list[str]]
    """The result of each, by the name of its folder."""
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def places(new_catalogs: Callable[[], str], s3_server: S3Server) -> Callable[[], dict[str, str]]:
    """Makes variables that lead a host to an empty lake and an empty store."""

    def make() -> dict[str, str]:
        new = {
            "store": s3_server.new_url(),
            "catalog": new_catalogs(),
            "lake_data_path": s3_server.new_url(),
        }
        return as_variables({**s3_server.overrides(), **new})

    return make


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory, places: Callable[[], dict[str, str]]) -> Demos:
    """Both with the same customers."""
    folder = tmp_path_factory.mktemp("demos")
    made = Demos(Host(folder / "alone"), Host(folder / "first", places()), {}, {})
    for host in (made.alone, made.first):
        begun = time.monotonic()
        made.printed[host.folder.name] = told(host.demo())
        made.seconds[host.folder.name] = time.monotonic() - begun
    return made


def test_the_demo_prints_the_same(demos: Demos) -> None:
    """Version, metrics, customers at risk and campaign, line by line; and the scores are equal."""
    expected = demos.printed["alone"]
    assert len(expected) > 20
    assert demos.printed["first"] == expected
    for part in ("catalog.sqlite", "lake"):
        assert not (demos.first.folder / "data" / part).exists()
    assert scores(demos.first) == scores(demos.alone)
    seconds = demos.seconds
    print(
        f"\n`make demo`, {CUSTOMERS:,} customers, {MONTHS} months: "
        f"{seconds['alone']:.0f} s in a folder, {seconds['first']:.0f} s on Postgres and S3; "
        f"{len(expected)} lines are equal"
    )


def test_a_second_host_serves_from_the_store(demos: Demos, tmp_path: Path) -> None:
    """With folders of its own it prints the same, finds the trail intact, and its service answers
    by the scores of the lake.
    """
    shared, made = demos.first.shared, scores(demos.first)
    second = Host(tmp_path / "second", shared)
    # What the simulator knows is on the first host alone.
    expected = [line for line in demos.printed["first"] if "true probabilities" not in line]
    assert told(second.churn("result", "telecomit")) == expected
    assert "intact" in second.churn("audit", "verify")

    settings = {
        name.replace("CHURN_", "SERVING_", 1): value
        for name, value in shared.items()
        if name.startswith("CHURN_STORE") and not name.endswith(("TIMEOUT_SECONDS", "RETRIES"))
    }
    with serving(tmp_path, workers=1, **settings) as port:
        asked = list(made)[:: len(made) // ASKED]
        answered = answers(port, asked)
        second.churn("smoke", "--url", f"http://127.0.0.1:{port}")
    assert answered == pytest.approx({name: made[name] for name in asked}, abs=1e-5)
    print(f"\n{len(answered)} answers of the second host equal the scores of the lake")


@pytest.mark.parametrize("which", ["alone", "first"])
def test_it_comes_back_in_an_empty_place(
    which: str, demos: Demos, places: Callable[[], dict[str, str]], tmp_path: Path
) -> None:
    """After a restore the trail is intact up to the head that was noted, the champion is fitted
    again with the same metrics, and a month's scores equal the original's.
    """
    host: Host = getattr(demos, which)
    back = Host(tmp_path / "back", places() if host.shared else {})
    kept = str(tmp_path / "kept")
    begun = time.monotonic()
    printed = host.churn("backup", kept)
    ended = time.monotonic()
    (head,) = re.findall(r"audit verify --head (\d+:\w+)", back.churn("restore", kept))
    seconds = (ended - begun, time.monotonic() - ended)
    assert head in printed
    assert "intact" in back.churn("audit", "verify", "--head", head)
    (version,) = re.findall(r"champion +version (\d+)", "\n".join(demos.printed[which]))
    print(back.churn("reproduce", "telecomit", "--version", version))
    assert scores(back) == scores(host)
    place = "Postgres and S3" if host.shared else "a folder"
    print(f"\nfrom {place}: back-up {seconds[0]:.0f} s, restore {seconds[1]:.0f} s")
    print(printed)
