"""A month that came in parts is one delivery: loaded whole or not at all, and refused by part."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from churn_platform_tests.ingest.conftest import CALLS, CALLS_HEADER
from churn_platform_tests.support.tiny import JANUARY

LINES = CALLS.removeprefix(CALLS_HEADER).splitlines(keepends=True)
FIRST, SECOND = CALLS_HEADER + LINES[0], CALLS_HEADER + "".join(LINES[1:])


def test_parts_give_the_rows_of_one_file(landing):
    """Also where the columns of a part are in another order or written otherwise."""
    whole = landing.rows("calls")
    names = CALLS_HEADER.rstrip().split(",")
    turned = [",".join(reversed(line.rstrip().split(","))) for line in LINES[1:]]
    header = ",".join(reversed([name.replace("_", " ").upper() for name in names]))
    parts = {"part-0.csv": FIRST, "part-1.tsv": "\n".join([header, *turned]).replace(",", "\t")}
    landing.put_parts("calls", parts | {"_SUCCESS": ""})
    loaded = landing.load("calls")
    assert landing.rows("calls") == whole
    assert (loaded.file, loaded.rows) == ("2025-01/ (2 parts)", 3)


def test_a_number_in_one_part_may_be_text_in_another(landing):
    """The contract judges what all parts have together."""
    whole = landing.rows("calls")
    folder = landing.put_parts("calls", {"part-0.csv": SECOND, "_SUCCESS": ""})
    fields = dict(zip(CALLS_HEADER.rstrip().split(","), LINES[0].rstrip().split(","), strict=True))
    row = {name: [value] for name, value in fields.items()}
    pq.write_table(
        pa.table(row | {"duration_s": [60], "cost_eur": [0.5]}), folder / "part-1.parquet"
    )
    landing.load("calls")
    assert landing.rows("calls") == whole


def test_an_error_names_the_part(landing):
    """Not the folder, in which somebody would have to look for it."""
    landing.put_parts(
        "calls", {"part-0.csv": FIRST, "part-1.csv": SECOND.replace("voice", "fax"), "_SUCCESS": ""}
    )
    said = landing.refused("calls")
    assert "part-1.csv: column kind: 1 of 2 values are none of" in said
    assert "part-0" not in said


def test_a_key_that_two_parts_have_is_refused(landing):
    """No part is wrong by itself."""
    landing.put_parts("calls", {"part-0.csv": FIRST, "part-1.csv": FIRST, "_SUCCESS": ""})
    said = landing.refused("calls")
    assert "2025-01: " in said
    assert "call_id" in said


def test_a_part_without_a_column_is_refused(landing):
    """Filled up with nulls, it would pass for a delivery."""
    other = SECOND.replace("cost_eur", "price")
    landing.put_parts("calls", {"part-0.csv": FIRST, "part-1.csv": other, "_SUCCESS": ""})
    said = landing.refused("calls")
    assert "part-1.csv: columns are not those of part-0.csv: it lacks costeur" in said.replace(
        "_", ""
    )


def test_the_manifest_counts_rows(landing):
    """A part that was cut short at a line end looks whole without it."""
    rows = {"part-0.csv": 1, "part-1.csv": 3}
    manifest = json.dumps({"rows": rows})
    landing.put_parts(
        "calls", {"part-0.csv": FIRST, "part-1.csv": SECOND, "_manifest.json": manifest}
    )
    assert "part-1.csv: 2 rows, and the manifest says 3" in landing.refused("calls")


def test_a_part_that_comes_while_the_month_is_read_counts_as_a_change(landing, monkeypatch):
    """The month would lack its rows."""
    folder = landing.put_parts("calls", {"part-0.csv": FIRST, "_SUCCESS": ""})
    monkeypatch.setattr(
        "churn_platform.ingest.load.check_file",
        lambda *_, **__: (folder / "part-1.csv").write_text(SECOND),
    )
    assert "rewritten while it was being read" in landing.refused("calls", JANUARY)
