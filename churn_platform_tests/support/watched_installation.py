"""A small installation with something of everything that the exporter reads."""

import shutil
from contextlib import chdir, closing
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from dagster import AssetMaterialization, DagsterInstance, DagsterRun, job, op
from dagster._core.utils import make_new_run_id
from dagster._daemon.types import DaemonHeartbeat

from churn_platform.audit.audit_log import AuditLog
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake, connect

ROOT = Path(__file__).parents[2]
PORTFOLIO = "telecomit"
ROWS = (
    f"create schema {PORTFOLIO}",
    "create schema platform",
    f"create table {PORTFOLIO}.monthly_scores as from (values (date '2025-02-01')) rows(month)",
    f"create table {PORTFOLIO}.retraining_decision as from (values "
    "(date '2025-02-01', 'notable', 0.1, 0.01)) "
    "rows(month, severity, drifted_importance, score_mean_shift)",
    f"create table {PORTFOLIO}.campaign_outcome as from (values "
    "(date '2025-02-01', 'to date', 'all', 30.0, 3.0, 7)) "
    "rows(month, period, offer, profit_eur, kept, contacted)",
    "create table platform.infrastructure_cost as from (values "
    "(date '2025-02-01', 'compute', 2.5)) rows(month, item, cost_eur)",
)


def install(folder: Path) -> dict[str, str]:
    """Make it in a folder; returns the environment in which commands find it."""
    settings = Settings(data_dir=folder / "data")
    _fill_lake(settings)
    for table in load_portfolios(folder / "none")[PORTFOLIO].landed_tables:
        landed = settings.landing_dir / PORTFOLIO / table.name
        landed.mkdir(parents=True)
        (landed / "2025-02.csv").touch()
    audit = AuditLog(settings.audit_path, "test", lambda: datetime(2025, 3, 1, tzinfo=UTC))
    audit.append("promotion", portfolio=PORTFOLIO, subject="version 1", reason="test")
    shutil.copy(ROOT / "dagster.yaml", folder)
    environment = {"CHURN_DATA_DIR": str(settings.root), "DAGSTER_HOME": str(folder)}
    # Paths in dagster.yaml are relative to the folder that Dagster is started in.
    with mock.patch.dict("os.environ", environment), chdir(folder):
        _fill_dagster()
    return environment


def _fill_lake(settings: Settings) -> None:
    with closing(connect(Lake.of(settings))) as connection:
        for statement in ROWS:
            connection.execute(statement)


def _fill_dagster() -> None:
    """A run that succeeded with an asset, one that failed, and a daemon."""

    @op
    def make(context) -> None:
        context.log_event(AssetMaterialization("monthly_scores", partition="2025-02-01"))

    @job
    def scores() -> None:
        make()

    with DagsterInstance.get() as instance:
        scores.execute_in_process(instance=instance)
        failed = DagsterRun("training", make_new_run_id())
        instance.add_run(failed)
        instance.report_run_failed(failed, "killed")
        now = datetime.now(UTC).timestamp()
        instance.add_daemon_heartbeat(DaemonHeartbeat(now, "SENSOR", "one"))
