"""What the UI shows of a dbt model beside its manifest: rows, columns, and which columns they come
from.

dagster-dbt can fetch these itself, but only through a DuckDB file that it opens read-only once dbt
has ended; the lake can be read while dbt writes, so here they come with each model as it is done.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from dagster import AssetExecutionContext
from dagster_dbt import DagsterDbtTranslator, DbtProject
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from churn_platform.graph.dbt_in_process import DbtInvocation
from churn_platform.graph.dbt_lineage import column_lineage
from churn_platform.graph.metadata import described_columns, table_metadata

Node = Mapping[str, Any]


def model_metadata(
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    unique_id: str,
    translator: DagsterDbtTranslator,
    target_path: Path,
) -> dict[str, Any]:
    """Metadata of the model just built, whose compiled SQL is under `target_path`."""
    node = manifest["nodes"][unique_id]
    parents = [_node(manifest, parent) for parent in manifest["parent_map"][unique_id]]
    columns = partial(_columns, connection)
    lineage = column_lineage(
        manifest,
        unique_id,
        columns=columns(node),
        parents={parent["relation_name"]: columns(parent) for parent in parents},
        translator=translator,
        target_path=target_path,
    )
    table = f"{node['schema']}.{node['name']}"
    shown = table_metadata(connection, table) | lineage
    return shown | described_columns(connection, table, column_words(manifest, node))


def asset_events(
    dbt: DbtInvocation,
    context: AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    project: DbtProject,
    target: Path,
) -> Iterator[Any]:
    """What dbt tells, as Dagster's outputs, checks and observations, and in the run's log as dbt
    would have printed it.
    """
    for event in dbt.events():
        print(event["info"]["msg"])
        # Private in dagster-dbt, whose public way to these events starts a process.
        told = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
        yield from told.to_default_asset_events(
            manifest=manifest,
            dagster_dbt_translator=translator,
            context=context,
            target_path=target,
            project=project,
        )


def column_words(manifest: Mapping[str, Any], node: Node) -> dict[str, str]:
    """What the columns of a model mean: by its own words, or else those of customer_features, which
    takes its features from the others.
    """
    words: dict[str, str] = {}
    for model in (_features(manifest), node):
        for name, column in model["columns"].items():
            if column["description"]:
                words[name] = column["description"]
    return words


def _features(manifest: Mapping[str, Any]) -> Node:
    named = (node for node in manifest["nodes"].values() if node["name"] == "customer_features")
    return next(named)


def _node(manifest: Mapping[str, Any], unique_id: str) -> Node:
    return manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]


def _columns(connection: duckdb.DuckDBPyConnection, node: Node) -> dict[str, dict[str, str]]:
    described = connection.execute(f"describe {node['relation_name']}").fetchall()
    return {name: {"data_type": sql_type} for name, sql_type, *_ in described}
