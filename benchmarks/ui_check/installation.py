"""An installation of its own for the check: a small demo, and the UI and daemon on it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHURN = ROOT / ".venv" / "bin" / "churn"
READY_SECONDS, ENDING_SECONDS = 600, 120


class Installation:
    """A data folder, a Dagster home, and the address of the UI on both."""

    def __init__(self, folder: Path, *, port: int):
        self.folder, self.port = folder.resolve(), port
        self.address = f"http://127.0.0.1:{port}"
        self.demo_done = self.folder / "demo.done"
        self.environment = os.environ | {
            "CHURN_DATA_DIR": str(self.folder / "data"),
            "CHURN_TUNING_TRIALS": "0",
            # Two looks at the landing folder make a month: the check need not wait for them.
            "CHURN_AUTOMATION_INTERVAL_SECONDS": "10",
            "DAGSTER_HOME": str(self.folder / "home"),
            "OMP_NUM_THREADS": "1",
            "CHURN_MODEL_THREADS": "1",
        }

    def churn(self, *arguments: str) -> None:
        """Run a command of the platform; CalledProcessError if it fails."""
        with (self.folder / "commands.log").open("a") as log:
            subprocess.run(
                [str(CHURN), *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                check=True,
            )

    def demo(self, *, customers: int, months: int, until: date) -> None:
        """Make the demo, unless the folder has it from a check before."""
        if self.demo_done.exists():
            return
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        config = (ROOT / "dagster.yaml").read_text()
        store = self.folder / "dagster"
        (home / "dagster.yaml").write_text(config.replace("data/dagster", str(store)))
        size = ("--customers", str(customers), "--months", str(months))
        self.churn("demo", *size, "--until", f"{until:%Y-%m}")
        self.demo_done.touch()

    def land_competitor(self, *, customers: int, months: int, month: date) -> None:
        """Land a month in which a competitor takes customers away."""
        size = ("--customers", str(customers), "--months", str(months))
        changed = ("--scenario", "competitor", "--write-from", f"{month:%Y-%m}")
        self.churn("simulate", *size, *changed)

    @contextmanager
    def served(self) -> Iterator[None]:
        """The UI and the daemon, until the check is over; ends what it started, by its id."""
        log = self.folder / "dev.log"
        with log.open("w") as output:
            services = subprocess.Popen(
                [str(CHURN), "dev", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _wait_for_address(services, log)
            yield
        finally:
            services.terminate()
            services.wait(ENDING_SECONDS)


def _wait_for_address(services: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `churn dev` says where the UI answers."""
    begun = time.monotonic()
    while "Dagster UI:" not in log.read_text():
        if services.poll() is not None or time.monotonic() - begun > READY_SECONDS:
            raise RuntimeError(f"the UI did not start; {log} says why")
        time.sleep(1)
