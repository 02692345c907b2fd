"""All that an installation holds, in a form in which two that did the same are equal.

Compared are contents. Left out, each for its reason:

- `snapshot` of a training set, in tags, records and manifests: the lake counts its commits, and a
  repeated run commits again.
- Ids of MLflow and Dagster runs and of requests for erasure, and hashes of what holds one
  (`bundle_sha256`): they are random.
- Times and authors of records; the chain of hashes over them is verified instead.
- Measured latencies, and the cost of infrastructure: they are what they were.
- Of an erasure, how many snapshots and files it went through: there are more after a kill.
- HTML reports of drift are compared by name: they hold random ids.
- MLflow runs of candidates that were not registered: a repeated run fits them again. None may be
  left running.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail_file import read_records
from churn_platform.audit.verify import verify
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.published.format import CARD_FILE, MANIFEST_FILE
from churn_platform.published.regular_files import file_sha256
from churn_platform.settings import Settings
from churn_platform.training.model_registry import aliases, versions
from churn_platform.warehouse.lake import Lake, connect

State = dict[str, Any]
LEFT_OUT_COLUMNS = {
    "telecomit.training_set": {"snapshot"},
    "telecomit.evaluation": {"evidence"},  # compared below, without latencies
}
LEFT_OUT_TABLES = {"platform.infrastructure_cost", "erasure.expired_snapshots"}
LEFT_OUT_TAGS = {"data_snapshot", "promoted_at", "promoted_by", "audit_head"}
LEFT_OUT_KEYS = {
    *(
        "bundle_sha256",
        "data_snapshot",
        "mlflow_run_id",
        "evidence_sha256",
        "latency_ms",
        "latency_p99_ms",
    ),
    *("expired_snapshots", "removed_lake_files", "searched_files", "changed_logs", "request_id"),
}
RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}")
BETWEEN = r"(?:\s|</?td>)+"  # words of a page may stand in two cells of a table
SNAPSHOT = re.compile(rf"snapshot{BETWEEN}(?:of the lake )?\d+|\d+ of the lake")


def state_of(settings: Settings, portfolio: str) -> State:
    """What an installation holds, as JSON takes it."""
    return {
        "tables": _tables(Lake.of(settings)),
        "evidence": _evidence(Lake.of(settings), portfolio),
        "registry": _registry(settings, portfolio),
        "audit": [_told(record) for record in read_records(settings.audit_path)],
        "published": _files(settings.published_dir),
        "exports": _files(settings.exports_dir),
        "landed": _files(settings.landing_dir),
        "left behind": _left_behind(settings, portfolio),
    }


def differences(one: State, other: State) -> list[str]:
    """Where two states differ, a line each."""
    flat, twin = (dict(_flat(state, "")) for state in (one, other))
    return [
        f"{place}: {flat.get(place, 'missing')!r:.300} | {twin.get(place, 'missing')!r:.300}"
        for place in sorted(flat | twin)
        if flat.get(place) != twin.get(place)
    ]


def _flat(value: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [pair for key, part in value.items() for pair in _flat(part, f"{place}/{key}")]
    if isinstance(value, list) and value:
        return [
            pair for number, part in enumerate(value) for pair in _flat(part, f"{place}/{number}")
        ]
    if isinstance(value, str) and "\n" in value:  # a page differs in a line
        return _flat(value.splitlines(), place)
    return [(place, value)]


def _tables(lake: Lake) -> dict[str, list[str]]:
    """For each table its number of rows and a checksum of them in any order."""
    with closing(connect(lake, read_only=True)) as connection:
        return {
            table: _checksum(connection, table)
            for table in _names(connection)
            if table not in LEFT_OUT_TABLES
        }


def _names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = (
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'lake'"
    )
    return sorted(name for (name,) in connection.execute(query).fetchall())


def _checksum(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    kept = ", ".join(f'"{name}"' for name in names if name not in LEFT_OUT_COLUMNS.get(table, ()))
    query = (
        "select count(*), bit_xor(hash(t)), sum(hash(t)::hugeint) "
        f"from (select {kept} from {table}) as t"
    )
    return [str(value) for value in connection.execute(query).fetchone() or ()]


def _evidence(lake: Lake, portfolio: str) -> dict[str, Any]:
    with closing(connect(lake, read_only=True)) as connection:
        rows = connection.execute(f"select month, evidence from {portfolio}.evaluation").fetchall()
    return {str(month): _without_chance(json.loads(evidence)) for month, evidence in rows}


def _registry(settings: Settings, portfolio: str) -> State:
    client = Tracking.of(settings).client()
    registered = {
        version.version: {
            "tags": {
                name: value for name, value in version.tags.items() if name not in LEFT_OUT_TAGS
            },
            "description": _masked(version.description),
            "status": version.status,
        }
        for version in versions(client, portfolio)
    }
    tags = client.get_registered_model(portfolio).tags
    named = {name: value for name, value in tags.items() if name not in LEFT_OUT_TAGS}
    return {"versions": registered, "aliases": aliases(client, portfolio), "tags": named}


def _told(record: Record) -> list[Any]:
    return [
        record.action,
        record.portfolio,
        record.subject,
        _masked(record.reason),
        _without_chance(record.details),
    ]


def _without_chance(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_chance(part) for name, part in value.items() if name not in LEFT_OUT_KEYS
        }
    return [_without_chance(part) for part in value] if isinstance(value, list) else value


def _masked(text: str) -> str:
    return SNAPSHOT.sub("snapshot", RUN_ID.sub("run", text))


def _files(folder: Path) -> dict[str, Any]:
    """For each file below a folder its content: JSON without chance, pages without ids, else its
    hash.
    """
    return {str(path.relative_to(folder)): _content(path) for path in _named_files(folder)}


def _named_files(folder: Path) -> Iterator[Path]:
    """Files by the names that readers use: not the draft folders behind the links, nor locks."""
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent) / name for name in names if not name.startswith("."))


def _content(path: Path) -> Any:
    if "reports" in path.parts:
        return "by name alone"
    if path.name == MANIFEST_FILE:
        manifest = _without_chance(json.loads(path.read_text()))
        manifest["sha256"].pop(
            CARD_FILE, None
        )  # the card names run and snapshot; it is compared without them
        return manifest
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return _masked(path.read_text()) if path.suffix == ".html" else file_sha256(path)


def _left_behind(settings: Settings, portfolio: str) -> State:
    """What a kill could leave for ever: drafts, working files, requests of erasures, unfinished
    runs and models.
    """
    client = Tracking.of(settings).client()
    experiment = client.get_experiment_by_name(portfolio).experiment_id
    running = client.search_runs([experiment], "attributes.status = 'RUNNING'")
    models = client.search_logged_models([experiment])
    return {
        "drafts": _drafts(settings.published_dir)
        + _drafts(settings.exports_dir)
        + _drafts(settings.landing_dir),
        "working files": sorted(path.name for path in (settings.root / "tmp").glob("*")),
        "erasure": sorted(path.name for path in (settings.root / "erasure").glob("*")),
        "MLflow runs": sorted(run.info.run_name for run in running),
        "MLflow models": sorted(str(model.status) for model in models if model.status == "PENDING"),
        "audit": [str(finding) for finding in verify(settings.audit_path).findings],
    }


def _drafts(folder: Path) -> list[str]:
    """Hidden entries that are neither locks nor what a link leads to."""
    hidden = [path for path in folder.rglob(".*") if not path.name.endswith(".lock")]
    linked = {
        path.resolve()
        for path in folder.rglob("*")
        if path.is_symlink() and not path.name.startswith(".")
    }
    return sorted(
        path.name.rpartition(".")[0]
        for path in hidden
        if path.resolve() not in linked or path.is_symlink()
    )
