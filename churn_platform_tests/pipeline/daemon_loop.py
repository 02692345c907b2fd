"""An installation with a daemon of its own, to which months are delivered."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import yaml
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import SensorInstigatorData

from churn_platform.graph.run_requests import BECAUSE_TAG
from churn_platform.graph.runs import months_of_tags
from churn_platform.months import label, month_range
from churn_platform.published.format import features_dir, read_features_manifest
from churn_platform.published.live_file import Live, read_live
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph

ROOT = Path(__file__).parents[2]
TOO_LONG_S = 3_600


class Loop:
    """An installation with a daemon of its own, worlds to deliver from, and
    somebody who is told.
    """

    def __init__(self, folder: Path, **variables: str):
        self.variables = variables
        self.graph = Graph(folder / "data")
        self.worlds = folder / "worlds"
        self.home = folder / "home"
        self.log = self.home / "daemon.log"
        self.told: list[str] = []
        self.daemon: subprocess.Popen[bytes] | None = None
        self._listen()
        self._configure()

    def _listen(self) -> None:
        told = self.told

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(
                    json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on the test's output."""

        self.server = HTTPServer(("127.0.0.1", 0), Webhook)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _configure(self) -> None:
        """The repository's own dagster.yaml, with its history in a folder of the test."""
        self.home.mkdir()
        config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
        config = {key: config[key] for key in ("concurrency", "telemetry", "nux")}
        (self.home / "dagster.yaml").write_text(yaml.safe_dump(config))
        self.environment = os.environ | {
            "DAGSTER_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "CHURN_DATA_DIR": str(self.graph.folder),
            "CHURN_PORTFOLIOS_DIR": str(self.graph.folder / "portfolios"),
            "CHURN_PHONE_HASH_KEY": HASH_KEY,
            "CHURN_TUNING_TRIALS": "0",
            "CHURN_TUNING_ROWS_MAX": "5000",
            "CHURN_BOOTSTRAP_REPLICATES": "1000",
            "CHURN_DUCKDB_THREADS": "1",
            "CHURN_MODEL_THREADS": "1",
            "CHURN_AUTOMATION_INTERVAL_SECONDS": "3",
            "CHURN_AUTOMATION_WEBHOOK_URL": f"http://127.0.0.1:{self.server.server_port}/secret",
            **self.variables,
        }
        self.instance = DagsterInstance.from_config(str(self.home))

    def start(self) -> None:
        """Switch the daemon on."""
        command = [
            str(Path(sys.executable).with_name("dagster-daemon")),
            "run",
            "-m",
            "churn_platform.definitions",
        ]
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                command,
                cwd=self.home,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the daemon and what it has started."""
        if self.daemon and self.daemon.poll() is None:
            os.killpg(self.daemon.pid, how)
            self.daemon.wait(60)

    def deliver(self, world: str, first: date, last: date) -> None:
        """Land the files of some months from one of the simulated worlds."""
        for source in (self.worlds / world / "telecomit").iterdir():
            target = self.graph.settings.landing_dir / "telecomit" / source.name
            target.mkdir(parents=True, exist_ok=True)
            for month in month_range(first, last):
                if (file := source / f"{label(month)}.parquet").exists():
                    shutil.copyfile(file, target / file.name)

    def runs(
        self, stage: str, status: DagsterRunStatus = DagsterRunStatus.SUCCESS
    ) -> list[tuple[date, date]]:
        """The ranges of months of a stage's runs that ended in a way, oldest first."""
        found = [
            run
            for run in self.all_runs()
            if run.job_name == f"telecomit_{stage}" and run.status == status
        ]
        return [months_of_tags(dict(run.tags)) for run in found]

    def all_runs(self) -> list[DagsterRun]:
        """Every run, oldest first."""
        return list(self.instance.get_runs())[::-1]

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Wait until something is reached and nothing follows from it; AssertionError with what ran
        otherwise.
        """
        begun = time.monotonic()
        while time.monotonic() - begun < TOO_LONG_S:
            assert self.daemon is not None
            assert self.daemon.poll() is None, "the daemon has ended"
            assert b"Error while importing code" not in self.log.read_bytes(), f"see {self.log}"
            if self.is_idle() and reached():
                return
            time.sleep(1)
        listed = "\n".join(
            f"{run.job_name} {run.status.value} {run.tags.get(BECAUSE_TAG)}"
            for run in self.all_runs()
        )
        raise AssertionError(f"not reached: {what}\n{listed}\ntold: {self.told}")

    def is_idle(self) -> bool:
        """Whether nothing runs, and every sensor has finished a look that it began after the last
        run had ended.
        """
        records = self.instance.get_run_records()
        if any(record.end_time is None for record in records):
            return False
        last_end = max((record.end_time or 0 for record in records), default=0)
        states = self.instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
        looks = [state.instigator_data for state in states if state.is_running]
        return all(
            isinstance(look, SensorInstigatorData) and (look.last_tick_timestamp or 0) > last_end
            for look in looks
        )

    def live(self) -> Live:
        """What serving reads."""
        live = read_live(self.graph.settings.published_dir / "telecomit")
        assert live is not None
        return live

    def scored_by(self) -> int:
        """Which version made the live scores."""
        folder = features_dir(
            self.graph.settings.published_dir / "telecomit", str(self.live().features_month)
        )
        return read_features_manifest(folder).scored_by

    def outcomes(self) -> dict[date, str]:
        """What came of each month's training."""
        return dict(
            self.graph.query("select month, outcome from telecomit.evaluation order by month")
        )

    def required(self) -> dict[date, bool]:
        """What was decided for each month."""
        rows = self.graph.query(
            "select month, retraining_required from telecomit.retraining_decision order by month"
        )
        return dict(rows)
