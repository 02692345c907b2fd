"""Which columns of other models a dbt model's columns come from, kept from run to run.

dagster-dbt works it out from the SQL, for half a second of CPU a model; it is the same until the
SQL or a column changes.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from dagster import TableColumnLineage
from dagster._serdes import deserialize_value, serialize_value
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.core.dbt_cli_event import EventHistoryMetadata, _build_column_lineage_metadata

from churn_platform.storage.atomic_file import new_file

Columns = dict[str, dict[str, str]]
FOLDER = "lineage"


class Kept(msgspec.Struct, frozen=True):
    """The lineage of a model by name of metadata, and the digest of what it follows from."""

    digest: str
    lineage: dict[str, str]


def column_lineage(
    manifest: Mapping[str, Any],
    unique_id: str,
    *,
    columns: Columns,
    parents: dict[str, Columns],
    translator: DagsterDbtTranslator,
    target_path: Path,
) -> dict[str, TableColumnLineage]:
    """Metadata of the model, whose compiled SQL is under `target_path`, with the SQL types of its
    columns and of those of its parents, by name of the relation.
    """
    node = manifest["nodes"][unique_id]
    sql = target_path / "compiled" / node["package_name"] / node["original_file_path"]
    # In a fixed order of keys: the same facts must have the same digest in every run.
    facts = msgspec.json.encode(
        [sql.read_text(), columns, parents],
        order="deterministic",
    )
    digest = sha256(facts).hexdigest()
    place = target_path / FOLDER / f"{unique_id}.json"

    kept = _kept(place)
    if kept and kept.digest == digest:
        found = {}
        for name, text in kept.lineage.items():
            found[name] = deserialize_value(text, TableColumnLineage)

        return found

    # A private function of dagster-dbt: the public way opens a DuckDB file, and a lake is none.
    lineage = _build_column_lineage_metadata(
        event_history_metadata=EventHistoryMetadata(columns, parents),
        dbt_resource_props=node,
        manifest=manifest,
        dagster_dbt_translator=translator,
        target_path=target_path,
        project=None,
    )
    texts = {name: serialize_value(value) for name, value in lineage.items()}
    with new_file(place) as draft:
        draft.write_bytes(msgspec.json.encode(Kept(digest, texts)))

    return lineage


def _kept(place: Path) -> Kept | None:
    """What a former run has kept; None if there is nothing that can be read."""
    try:
        return msgspec.json.decode(place.read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
