"""Something runs around every step, and Dagster sees the same step as before."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    DagsterEventType,
    DagsterInstance,
    MaterializeResult,
    asset,
    materialize,
)

from churn_platform.graph.around_steps import with_around
from churn_platform.graph.failure_advice import advised
from churn_platform.graph.step_usage import metered
from churn_platform.settings import load_settings

HOOKS = {
    DagsterEventType.HOOK_COMPLETED,
    DagsterEventType.HOOK_SKIPPED,
    DagsterEventType.HOOK_ERRORED,
}


class Shop(ConfigurableResource):
    """A resource that a step asks for by its argument."""

    sign: str


@asset
def called(context: AssetExecutionContext, shop: Shop) -> MaterializeResult:
    """A step that returns."""
    return MaterializeResult(metadata={"sign": shop.sign})


@asset
def yielding(shop: Shop) -> Iterator[MaterializeResult]:
    """A step that yields, and has no context."""
    yield MaterializeResult(metadata={"sign": shop.sign})


@asset
def failing() -> None:
    """A step that fails."""
    raise ValueError("broken")


def test_each_kind_of_step_runs_inside_and_no_hook_is_logged():
    """With its resources and results, its error seen from around it, and without a line of its
    own in the run's log.
    """
    seen = []

    @contextmanager
    def around(context: AssetExecutionContext) -> Iterator[None]:
        name = context.asset_key.path[-1]
        seen.append(f"{name} begins")
        try:
            yield
        except ValueError as error:
            seen.append(f"{name}: {error}")
            raise
        seen.append(f"{name} ends")

    with DagsterInstance.ephemeral() as instance:
        done = materialize(
            with_around([called, yielding, failing], around),
            resources={"shop": Shop(sign="open")},
            instance=instance,
            raise_on_error=False,
        )
    assert set(seen) == {
        *("called begins", "called ends", "yielding begins", "yielding ends"),
        *("failing begins", "failing: broken"),
    }
    made = done.get_asset_materialization_events()
    assert [each.materialization.metadata["sign"].value for each in made] == ["open", "open"]
    assert not HOOKS & {event.event_type for event in done.all_events}


def test_usage_and_advice_are_no_hooks(tmp_path: Path):
    """Dagster logs a line for each hook of each step, also of those it skips."""
    settings = load_settings(data_dir=tmp_path)
    assets = advised(metered([called], "tiny", settings.costs_path), settings)
    assert [asset.hook_defs for asset in assets] == [set()]
