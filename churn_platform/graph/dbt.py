"""A portfolio's dbt project as Dagster assets: one invocation per run, for any range of months."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    MetadataValue,
    Output,
    RetryRequested,
)
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtProject,
    dbt_assets,
)
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.dbt_manifest import validate_manifest

from churn_platform.errors import DataError
from churn_platform.graph.dbt_failures import (
    DbtFailure,
    as_markdown,
    failures,
    meaning,
    met_another_writer,
    next_command,
)
from churn_platform.graph.dbt_in_process import DbtInvocation, DbtOutcome, close_connections
from churn_platform.graph.dbt_metadata import asset_events, model_metadata
from churn_platform.graph.dbt_profile import set_dbt_environment
from churn_platform.graph.dbt_project import (
    dbt_folder,
    folder_options,
    parsed_option,
    prepared_project,
)
from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import MONTH_ROWS, TABLE_NAME, rows_by_month
from churn_platform.graph.partitions import WAREHOUSE_POOL, monthly, months_of
from churn_platform.months import as_of
from churn_platform.own_features.feature_months import TABLE, note_built, prepare_columns
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.warehouse.damage import drop_damaged
from churn_platform.warehouse.dbt_turn import dbt_turn
from churn_platform.warehouse.lake import NAME, Lake, connect
from churn_platform.warehouse.lake_files import checksums_kept
from churn_platform.warehouse.lake_notes import forget_dropped
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.tables import write

# Unit tests are about the code, not the data: they run in the test suite, not in every month.
NO_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
INVOCATION = "dbt_models-"  # begins the folder of what dbt writes in a run
# The group of each layer's assets.
STAGES = {"staging": "staging", "intermediate": "features", "marts": "features", "own": "features"}


class Translator(DagsterDbtTranslator):
    """Asset keys are table names, as everywhere in the graph; a group per layer.

    Models that look some months back are still mapped month to month: Dagster allows one mapping
    per upstream table in one set of dbt assets, and a range of months is one invocation anyway.
    """

    def __init__(self, portfolio: str, project: DbtProject):
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=True))
        self._portfolio = portfolio
        self._project = project

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """Schema and name of the table; both are the portfolio's own."""
        return AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> AssetSpec:
        """The asset of a model, with a link to its SQL."""
        # While dbt runs, dagster-dbt asks for the assets of its events without a project, which the
        # link needs.
        return super().get_asset_spec(manifest, unique_id, project or self._project)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """A group per layer."""
        stage = STAGES.get(dbt_resource_props["fqn"][1])
        return stage and group_of(self._portfolio, stage)

    def get_asset_check_spec(
        self,
        asset_spec: AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> AssetCheckSpec | None:
        """The check of a test, described by what it means."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=meaning(manifest["nodes"][unique_id]))


def run_dbt(portfolio: Portfolio, settings: Settings, arguments: list[str]) -> int:
    """Run a dbt command by hand on a portfolio, as the only writer; returns its exit code."""
    from dbt.cli.main import dbtRunner

    lake = Lake.of(settings)
    prepared_project(portfolio, settings)
    # Makes a new lake first: dbt attaches with `create_if_not_exists` false, so that a forgotten
    # variable is an error and never a new, empty lake.
    connect(lake).close()
    set_dbt_environment(lake)
    options = folder_options(
        dbt_folder(settings, portfolio.name), settings.root / "dbt_by_hand" / portfolio.name
    )
    with (
        dbt_turn(lake),
        writer_lock(lake),
        closing(connect(lake, read_only=True)) as connection,
        checksums_kept(connection, lake),
    ):
        ended = dbtRunner().invoke([*arguments, *options])
        close_connections()

    if ended.exception is not None:
        return 2  # as dbt's own command ends; it has said why
    return 0 if ended.success else 1


def feature_assets(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    """Staging, marts, features and labels of a portfolio of event tables, with their tests as asset
    checks.
    """
    project = prepared_project(portfolio, settings)
    translator = Translator(portfolio.name, project)
    folder = dbt_folder(settings, portfolio.name)

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        name=f"{portfolio.name}__dbt_models",
        # Models are mapped month to month, though trends read earlier months: Dagster allows one
        # mapping for each upstream table. So the UI does not know of them: run the oldest month
        # first, or a range.
        partitions_def=monthly(settings.first_month),
        backfill_policy=BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        dagster_dbt_translator=translator,
    )
    def dbt_models(context: AssetExecutionContext) -> Iterator[Any]:
        lake = Lake.of(settings)
        _make_schemas(lake, {key.path[0] for key in context.selected_asset_keys})
        with closing(connect(lake)) as writing:
            prepare_columns(writing, lake, portfolio)
        set_dbt_environment(lake)
        months = months_of(context)
        manifest = validate_manifest(project.manifest_path)
        target = project.target_path / f"{INVOCATION}{context.run_id[:7]}"
        with (
            dbt_turn(lake),
            writer_lock(lake),
            closing(connect(lake, read_only=True)) as connection,
            checksums_kept(connection, lake),
        ):
            tables = [".".join(key.path) for key in context.selected_asset_keys]
            drop_damaged(lake, tables, months)  # dbt's DELETE cannot read what is damaged
            failed: list[AssetCheckResult] = []
            arguments = _build(context, manifest, translator, months)
            arguments += [*folder_options(folder, target), *parsed_option(project)]
            with DbtInvocation(arguments) as dbt:
                # The lake can be read while dbt writes, so each model gets its metadata as soon as
                # it is made.
                for event in asset_events(dbt, context, manifest, translator, project, target):
                    if isinstance(event, Output):
                        unique_id = str(event.metadata["unique_id"].value)
                        found = model_metadata(
                            connection,
                            manifest,
                            unique_id,
                            translator,
                            project.target_path,
                        )
                        event = event.with_metadata({**event.metadata, **found})
                        _describe_months(context, connection, found[TABLE_NAME], months)

                    if isinstance(event, AssetCheckResult) and not event.passed:
                        failed.append(event)  # until dbt has ended, which then says what it found
                    else:
                        yield event

            if not dbt.outcome.succeeded:
                if met_another_writer(dbt.outcome.results, str(dbt.outcome.error)):
                    raise _again(context, settings.catalog_retries)
                wrong = failures(connection, manifest, dbt.outcome.results, months)
                yield from _in_words(failed, wrong)
                raise _error(portfolio.name, dbt.outcome, wrong, months, target)

            yield from failed  # tests that only warn
            forget_dropped(lake, itertools.product(tables, months))
            if f"{portfolio.name}.{TABLE}" in tables:
                with closing(connect(lake)) as writing:
                    note_built(writing, lake, portfolio, months)

    return dbt_models


def _build(
    context: AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    months: list[date],
) -> list[str]:
    """`dbt build` of what the run selects, with one invocation for all its months: dbt takes
    seconds before its first table.
    """
    chosen = get_updated_cli_invocation_params_for_context(context, manifest, translator)
    indirect = chosen.indirect_selection
    return [
        "build",
        # Of the files that dbt writes at its end the manifest alone costs a second, and the
        # results are at hand.
        "--no-write-json",
        *NO_UNIT_TESTS,
        "--event-time-start",
        months[0].isoformat(),
        "--event-time-end",
        as_of(months[-1]).isoformat(),
        *chosen.selection_args,
        *(["--indirect-selection", indirect] if indirect else []),
    ]


def _error(
    portfolio: str,
    outcome: DbtOutcome,
    wrong: list[DbtFailure],
    months: list[date],
    target: Path,
) -> DataError:
    if not wrong:
        return DataError(f"dbt ended with an error: {outcome.error}; more in {target / 'dbt.log'}")
    told = [*(each.text for each in wrong), next_command(portfolio, months, wrong)]
    return DataError("\n".join(told))


def _make_schemas(lake: Lake, schemas: set[str]) -> None:
    """Make a lake that is new, and the schemas that dbt is about to write to.

    dbt would make a schema too, but ends at once if another writer makes it at the same time.
    """
    with closing(connect(lake)) as connection:
        known = connection.execute(
            "select schema_name from duckdb_schemas() where database_name = ?", [NAME]
        ).fetchall()
        missing = sorted(schemas - {name for (name,) in known})

        def make() -> None:
            for name in missing:
                connection.execute(f"create schema if not exists {name}")

        if missing:
            write(connection, lake, make)


def _again(context: AssetExecutionContext, retries: int) -> RetryRequested:
    """Asks Dagster to run the step again, a moment later: dbt itself takes a conflict of two
    writers for a failure. Months that are made already are made again, to the same rows.
    """
    # By the run's random id: two writers that met once, and waited as long, would meet again.
    wait = 1 + int(context.run_id[-4:], 16) % 8
    context.log.warning(f"another process wrote the same tables; dbt begins again in {wait} s")
    return RetryRequested(max_retries=retries, seconds_to_wait=wait)


def _describe_months(
    context: AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    table: str,
    months: list[date],
) -> None:
    """Note the rows of each month, of which one invocation makes several."""
    key = AssetKey(table.split("."))
    for month, rows in rows_by_month(connection, table, months).items():
        context.add_asset_metadata({MONTH_ROWS: rows}, asset_key=key, partition_key=f"{month}")


def _in_words(
    failed: list[AssetCheckResult], wrong: list[DbtFailure]
) -> Iterator[AssetCheckResult]:
    """The results of failed tests with what they found."""
    by_name = {each.name: each for each in wrong}
    for result in failed:
        found = by_name.get(result.check_name or "")
        if found is None:
            yield result
            continue

        metadata = dict(result.metadata or {})
        if found.examples:
            metadata["examples"] = MetadataValue.md(as_markdown(found))

        yield result._replace(description=found.text, metadata=metadata)
