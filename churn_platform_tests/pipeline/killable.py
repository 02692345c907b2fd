"""An installation whose commands run in processes of their own, which are killed at a moment that
is aimed at.

A process is a fork of this one, in which the libraries are imported already: starting one costs
milliseconds instead of twenty seconds. It leads a session of its own, so that one SIGKILL takes
what it has started (`mlflow gc`) too.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from churn_platform.audit.trail_file import read_records
from churn_platform.portfolios import loader
from churn_platform.settings import Settings, load_settings
from churn_platform_tests.pipeline.state import State, state_of
from churn_platform_tests.support.graph_runs import HASH_KEY

ROOT = Path(__file__).parents[2]
HEAVY = (
    "churn_platform.cli",
    "churn_platform.definitions",
    "mlflow",
    "dagster_mlflow",
    "xgboost",
    "lightgbm",
    "shap",
)
POLL_SECONDS = 0.002
TOO_LONG_SECONDS = 900.0


def preload() -> None:
    """Import here what each process would have to import."""
    for name in (
        *HEAVY,
        "skl2onnx",
        "onnxmltools",
        "evidently",
        "matplotlib.pyplot",
        "optuna",
        "mlflow.pyfunc",
    ):
        import_module(name)


def change_spec(patch: pytest.MonkeyPatch, folder: Path, portfolio: str, **fields: object) -> None:
    """Have the platform, also in processes forked from this one, know this shipped portfolio alone,
    with `fields` in its spec.
    """
    shipped = [yaml.safe_load(path.read_text()) for path in loader.spec_paths(folder)]
    (of_portfolio,) = (spec for spec in shipped if spec["name"] == portfolio)
    spec = folder / f"{portfolio}.yaml"
    spec.write_text(yaml.safe_dump(of_portfolio | fields))
    patch.setattr(loader, "spec_paths", lambda own_dir: [spec])


@dataclass
class Installation:
    """A data folder and a Dagster home below `folder`, with settings that make runs quick and
    repeatable.
    """

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    """Variables of this installation alone."""
    known_runs: set[Path] = field(default_factory=set)
    known_records: int = 0
    known_snapshot: int = 0

    @property
    def home(self) -> Path:
        """Where Dagster keeps its history."""
        return self.folder / "installed" / "home"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "installed" / "data"

    @property
    def catalog(self) -> Path:
        """The catalog of the lake."""
        return self.data / "catalog.sqlite"

    @property
    def log(self) -> Path:
        """What commands print."""
        return self.folder / "log"

    @cached_property
    def environment(self) -> dict[str, str]:
        """What a command finds in its environment; the repository's own dagster.yaml, with its
        history in `home`.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        kept = {key: config[key] for key in ("concurrency", "telemetry", "nux")}
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(kept))
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("CHURN_")
        }
        return others | {
            "DAGSTER_HOME": str(self.home),
            "CHURN_DATA_DIR": str(self.data),
            "CHURN_PORTFOLIOS_DIR": str(self.data / "portfolios"),
            "CHURN_PHONE_HASH_KEY": HASH_KEY,
            "CHURN_CODE_VERSION": "drill",
            "CHURN_TUNING_TRIALS": "0",
            "CHURN_BOOTSTRAP_REPLICATES": "1000",
            "CHURN_DUCKDB_THREADS": "1",
            "CHURN_MODEL_THREADS": "1",
            **self.extra,
        }

    @property
    def settings(self) -> Settings:
        """The settings in force, as far as they name places."""
        return load_settings(
            data_dir=self.data, portfolios_dir=self.data / "portfolios", phone_hash_key=HASH_KEY
        )

    def keep(self, name: str) -> None:
        """Keep a copy of the whole installation under a name."""
        shutil.copytree(self.data.parent, self.folder / name, symlinks=True)

    def bring_back(self, name: str) -> None:
        """Put a copy in place of the installation, at the same path: the lake's catalog names
        absolute ones.
        """
        shutil.rmtree(self.data.parent)
        (self.folder / name).rename(self.data.parent)

    def start(self, command: Callable[[], object]) -> int:
        """Begin a command in a process of its own; returns its id. What it prints goes to `log`."""
        self.known_runs, self.known_records = (
            set(self._event_logs()),
            len(read_records(self.settings.audit_path)),
        )
        newest = "select coalesce(max(snapshot_id), 0) from ducklake_snapshot"
        self.known_snapshot = max((row[0] for row in read_sqlite(self.catalog, newest)), default=0)
        environment = self.environment
        child = os.fork()
        if child == 0:
            become(command, environment, self.log)
        return child

    def complete(self, command: Callable[[], object]) -> float:
        """Run a command to its end; returns the seconds. AssertionError with what it printed where
        it fails.
        """
        begun = time.monotonic()
        _, status = os.waitpid(self.start(command), 0)
        assert status == 0, self.log.read_text()[-3_000:]
        return time.monotonic() - begun

    def kill(self, command: Callable[[], object], moment: "Moment", delay: float) -> float | None:
        """Kill a command some seconds after a moment; returns the seconds since it began, None
        where it ended before.

        The end of the moment's step cuts the delay short: it was measured in the twin, when the
        machine may have been slower.
        """
        begun = time.monotonic()
        child = self.start(command)
        while not moment.sign(self):
            if self._has_ended(child):
                return None
            assert time.monotonic() - begun < TOO_LONG_SECONDS, f"{moment.where} never came"
            time.sleep(POLL_SECONDS)
        due = time.monotonic() + delay
        while time.monotonic() < due and moment.step not in self.steps_of_last_command(
            "STEP_SUCCESS"
        ):
            time.sleep(POLL_SECONDS)
        if self._has_ended(child):
            return None
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return time.monotonic() - begun

    def _has_ended(self, child: int) -> bool:
        """Whether the command ended by itself; it must have ended well."""
        ended, status = os.waitpid(child, os.WNOHANG)
        assert status == 0, self.log.read_text()[-3_000:]
        return ended == child

    def found(self, portfolio: str) -> State:
        """What the installation holds of a portfolio, read by a process of its own."""
        path = self.folder / "state.json"
        self.complete(lambda: path.write_text(json.dumps(state_of(self.settings, portfolio))))
        return json.loads(path.read_text())

    def steps_of_last_command(self, kind: str = "STEP_START") -> dict[str, float]:
        """Steps of the command begun last with the time of such an event of Dagster's log."""
        query = (
            "select step_key, timestamp from event_logs "
            "where dagster_event_type = ? and step_key is not null"
        )
        return {step: _seconds(moment) for step, moment in self._events(query, kind)}

    def assets_of_last_command(self) -> set[str]:
        """Tables that the command begun last has made so far, as `schema.table`."""
        query = "select asset_key from event_logs where dagster_event_type = ?"
        return {
            ".".join(json.loads(key)) for (key,) in self._events(query, "ASSET_MATERIALIZATION")
        }

    def metadata_of_last_command(self, kind: str, name: str) -> dict[str, str]:
        """By step, one value of what its newest event of such a kind says."""
        told = {}
        query = "select step_key, event from event_logs where dagster_event_type = ? order by id"
        for step, text in self._events(query, kind):
            event = json.loads(text)["dagster_event"]
            for entry in event["event_specific_data"]["metadata_entries"]:
                if entry["label"] == name:
                    told[step] = str(entry["entry_data"]["text"])
        return told

    def commits_of_last_command(self) -> list[str]:
        """What each commit since the command began has changed in the lake, with its note."""
        query = (
            "select changes_made || ' ' || coalesce(commit_message, '') "
            "from ducklake_snapshot_changes where snapshot_id > ? order by snapshot_id"
        )
        return [change for (change,) in read_sqlite(self.catalog, query, self.known_snapshot)]

    def _events(self, query: str, kind: str) -> list[tuple]:
        logs = set(self._event_logs()) - self.known_runs
        return [row for path in logs for row in read_sqlite(path, query, kind)]

    def _event_logs(self) -> list[Path]:
        return [
            path for path in (self.home / "history" / "runs").glob("*.db") if path.stem != "index"
        ]


def become(command: Callable[[], object], environment: Mapping[str, str], log: Path) -> None:
    """Turn a forked process into one that a shell could have started, run the command and end."""
    status = 1
    try:
        os.setsid()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(ROOT)
        command()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def read_sqlite(path: Path, query: str, *values: object) -> list[tuple]:
    """Rows of a store that another process is writing to; none while it is being made."""
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store,
    ):
        return store.execute(query, values).fetchall()
    return []


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


Sign = Callable[[Installation], bool]


@dataclass(frozen=True)
class Moment:
    """When a command is killed: at a sign, or in `step`, after a drawn share of the time that the
    twin took for it.
    """

    where: str
    sign: Sign
    step: str | None = None


def inside(step: str) -> Moment:
    """A step of the run has begun, as its own event log says."""
    return Moment(step, lambda installation: step in installation.steps_of_last_command(), step)


def made(table: str) -> Moment:
    """A step that makes many tables has made this one."""
    return Moment(
        f"{table} made", lambda installation: table in installation.assets_of_last_command()
    )


def committed(change: str) -> Moment:
    """The command has committed this to the lake, by DuckLake's word for the change or by the
    commit's note.
    """

    def sign(installation: Installation) -> bool:
        return any(change in commit for commit in installation.commits_of_last_command())

    return Moment(f"{change} committed", sign)


def recorded(action: str) -> Moment:
    """The command has added such a record to the audit trail, and what the record says is yet to be
    done.
    """

    def sign(installation: Installation) -> bool:
        records = read_records(installation.settings.audit_path)
        return any(record.action == action for record in records[installation.known_records :])

    return Moment(f"{action} on record", sign)


def exists(pattern: str) -> Moment:
    """A file has come to be below the data folder."""
    return Moment(f"{pattern} there", lambda installation: any(installation.data.glob(pattern)))


def run_stage(
    portfolio: str,
    stage: str,
    first: date,
    last: date,
    *,
    only: Sequence[str] = (),
    **overrides: object,
) -> None:
    """A stage's job in this process, as the daemon would run it; `only` names assets of it, none
    all of them; `overrides` are settings.
    """
    from dagster import AssetKey

    from churn_platform.definitions import build_defs
    from churn_platform.graph.runs import dagster_instance, run_job

    log = load_settings().root / "logs" / f"{stage}.log"
    run_job(
        build_defs(**overrides),
        dagster_instance(Path.cwd()),
        f"{portfolio}_{stage}",
        first,
        last,
        log=log,
        show=print,
        only=[AssetKey([portfolio, name]) for name in only] or None,
    )


def run_cli(arguments: Sequence[str]) -> None:
    """`churn` with these arguments, in this process."""
    from churn_platform.cli import app
    from churn_platform.cli.app import console

    console.file = sys.stdout
    app(list(arguments), standalone_mode=False)
