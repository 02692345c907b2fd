"""Old runs go, but nothing that says which months there are, and no head of the audit trail."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    AssetsDefinition,
    DagsterInstance,
    StaticPartitionsDefinition,
    asset,
    materialize,
)

from churn_platform.graph.old_runs import forget_runs
from churn_platform.graph.run_requests import materialized_months
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

LATER, EARLIER = datetime(2100, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
MONTHS = StaticPartitionsDefinition([JANUARY.isoformat(), FEBRUARY.isoformat()])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    """An instance that stores in a folder, as installations do."""
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def asset_named(name: str) -> AssetsDefinition:
    """An asset by month; it prints."""

    @asset(key=AssetKey(["tiny", name]), partitions_def=MONTHS)
    def made() -> None:
        print("made")

    return made


def run(instance: DagsterInstance, name: str, month: str, *, fails: bool = False) -> str:
    """A run of the asset for a month; its id."""

    @asset(key=AssetKey(["tiny", name]), partitions_def=MONTHS)
    def broken() -> None:
        raise ValueError("broken")

    chosen = broken if fails else asset_named(name)
    return materialize(
        [chosen], partition_key=month, instance=instance, raise_on_error=False
    ).run_id


def known(instance: DagsterInstance) -> set[str]:
    """The runs there are."""
    return {record.dagster_run.run_id for record in instance.get_run_records()}


def test_runs_go_that_nothing_refers_to(instance: DagsterInstance):
    """A failed run and one that a newer run has replaced; what is materialized stays so."""
    replaced, failed = (
        run(instance, "scores", str(JANUARY), fails=fails) for fails in (False, True)
    )
    kept = {run(instance, "scores", str(month)) for month in (JANUARY, FEBRUARY)}
    assert forget_runs(instance, before=LATER).runs == 2
    assert known(instance) == kept
    assert {replaced, failed}.isdisjoint(known(instance))
    assert materialized_months(instance, AssetKey(["tiny", "scores"])) == {JANUARY, FEBRUARY}
    assert forget_runs(instance, before=LATER).runs == 0


def test_heads_of_the_audit_trail_stay(instance: DagsterInstance):
    """Who champion was is noted in runs; older ones of a month prove the trail, too."""
    runs = {run(instance, "champion", str(JANUARY)) for _ in range(3)}
    assert forget_runs(instance, before=LATER).runs == 0
    assert known(instance) == runs


def test_young_runs_stay_with_their_output(instance: DagsterInstance, tmp_path: Path):
    """Nothing goes before its time; then the output goes, of runs that stay as well."""
    for _ in range(2):
        run(instance, "scores", str(JANUARY))
    assert forget_runs(instance, before=EARLIER).outputs == 0
    assert len(list(tmp_path.rglob("*.out"))) == 2
    assert (forget_runs(instance, before=LATER).runs, len(known(instance))) == (1, 1)
    assert list(tmp_path.rglob("*.out")) == []
