"""Tables of a lake's folder and JSON files, read as those of a database are."""

import json
from pathlib import Path

import duckdb

from churn_platform_tests.support.own_operator import USAGE, OwnOperator

NAMES = ("no", "subscriber", "begun", "other", "minutes", "broken", "art")
SCHEMA = {
    "type": "struct",
    "fields": [
        {
            "name": name,
            "type": "double" if name == "minutes" else "string",
            "nullable": True,
            "metadata": {},
        }
        for name in NAMES
    ],
}


def parquet_of_usage(path: Path) -> None:
    """The operator's calls as a Parquet file."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(USAGE))
    with duckdb.connect() as connection:
        connection.execute(
            f"create table usage as select * from (values {marks}) as t({', '.join(NAMES)})",
            [value for row in USAGE for value in row],
        )
        connection.execute("alter table usage alter minutes type double")
        connection.execute(f"copy usage to '{path}' (format parquet)")


def write_delta(folder: Path) -> None:
    """A Delta table of one version, by its protocol: a file, and a log that names it."""
    log = folder / "_delta_log"
    log.mkdir(parents=True)
    parquet_of_usage(folder / "part-0.parquet")
    size = (folder / "part-0.parquet").stat().st_size
    metadata = {
        "id": "00000000-0000-0000-0000-000000000000",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps(SCHEMA),
        "partitionColumns": [],
        "configuration": {},
    }
    added = {
        "path": "part-0.parquet",
        "partitionValues": {},
        "size": size,
        "modificationTime": 0,
        "dataChange": True,
    }
    actions = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": metadata},
        {"add": added},
    ]
    (log / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))


def landed(own: OwnOperator) -> list[tuple]:
    """Number, seconds and kind of the calls that landed."""
    file = own.extract("calls").file
    return duckdb.sql(f"select call_id, duration_s, kind from '{file}' order by 1").fetchall()


def test_a_delta_table_is_read(own):
    """By its log, which says what its files are."""
    write_delta(own.folder / "lake" / "usage")
    own.given["sources"]["lake"] = {"kind": "delta", "location": str(own.folder / "lake")}
    own.origin("calls")["source"] = "lake"
    assert landed(own) == [("K1", 90, "voice"), ("K2", 0, "sms")]


def test_json_of_a_month_is_read(own):
    """One object a line, as applications log them."""
    folder = own.folder / "drop"
    folder.mkdir()
    rows = [dict(zip(NAMES, row, strict=True)) for row in USAGE[:2]]
    (folder / "calls-2026-05.jsonl").write_text("\n".join(map(json.dumps, rows)))
    own.given["sources"]["drop"] = {"kind": "files", "location": str(folder)}
    origin = own.origin("calls")
    del origin["table"]
    origin |= {"source": "drop", "path": "calls-{month}.jsonl"}
    assert landed(own) == [("K1", 90, "voice"), ("K2", 0, "sms")]
