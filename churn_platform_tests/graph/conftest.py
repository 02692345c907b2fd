"""The sensors of the tiny portfolio over folders of their own, on a Dagster instance in memory."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    RunRequest,
    SensorResult,
    SkipReason,
    build_sensor_context,
)

from churn_platform.graph.automation import automate
from churn_platform.monitoring.monitoring_tables import RETRAINING_DECISION, replace
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.support.tiny import TINY


@dataclass
class Daemon:
    """Ticks sensors by name and keeps their cursors, as the daemon does."""

    settings: Settings
    instance: DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    def tick(self, name: str) -> list[RunRequest]:
        """One look of a sensor; what it asks for."""
        return list(self._look(name).run_requests or [])

    def skipped(self, name: str) -> str | None:
        """One look of a sensor; why it asks for nothing."""
        reason = self._look(name).skip_reason
        return reason.skip_message if reason else None

    def _look(self, name: str) -> SensorResult:
        sensors = {sensor.name: sensor for sensor in automate([TINY], self.settings).sensors}
        context = build_sensor_context(instance=self.instance, cursor=self.cursors.get(name))
        result = sensors[name](context)
        if isinstance(result, SkipReason):
            return SensorResult(skip_reason=result, cursor=self.cursors.get(name))
        assert isinstance(result, SensorResult)
        self.cursors[name] = result.cursor
        return result

    def materialize(self, name: str, *months: date, schema: str = "tiny") -> None:
        """Note that months of an asset have been made."""
        for month in months:
            made = AssetMaterialization(AssetKey([schema, name]), partition=month.isoformat())
            self.instance.report_runless_asset_event(made)

    def decide(self, month: date, **given: Any) -> None:
        """Write the month's decision, and note that it was made."""
        row = {
            "model_version": 1,
            "retraining_required": False,
            "reasons": ["nothing notable"],
            "severity": "quiet",
            "dataset_drift": False,
            "drift_share": 0.0,
            "drifted_importance": 0.0,
            "drifted_features": [],
            "score_mean_shift": 0.0,
            "churn_rate_shift": None,
            "evidence": "{}",
        }
        with closing(self.connect()) as connection:
            lake = Lake.of(self.settings)
            write(
                connection,
                lake,
                lambda: replace(connection, "tiny", RETRAINING_DECISION, month, [row | given]),
            )
        self.materialize(RETRAINING_DECISION, month)

    def flag(self, month: date) -> None:
        """A decision that asks for a training."""
        self.decide(
            month,
            retraining_required=True,
            severity="severe",
            reasons=["AUC fell"],
            evidence='{"auc": 1}',
        )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection to the lake."""
        return connect(Lake.of(self.settings))


@pytest.fixture
def daemon(tmp_path: Path, extensions: Path) -> Iterator[Daemon]:
    """A daemon whose portfolio has landed nothing."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "duckdb_extensions").symlink_to(extensions)
    with DagsterInstance.ephemeral() as instance:
        yield Daemon(load_settings(data_dir=tmp_path / "data"), instance)
