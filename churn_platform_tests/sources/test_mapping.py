"""Each kind of mapping, on literal values."""

import duckdb
import pytest

from churn_platform.errors import MappingError
from churn_platform.portfolios.sources import Origin
from churn_platform.portfolios.spec import Table
from churn_platform.sources.mapping import mapped_values

BERLIN = {"timezone": "Europe/Berlin"}
BASE = {"name": "t", "description": "Rows.", "key": "k"}


def mapped(value: str, kind: str, given: dict, *, name: str = "it", **column) -> list:
    """Value and whether it is wrong, of one value of a source."""
    described = {"name": name, "type": kind, "description": "It.", **column}
    key = {"name": "k", "type": "string", "description": "Key."}
    table = Table.model_validate({**BASE, "columns": [key, described]})
    columns = {"k": {"value": "K"}, name: {"column": "x", **given}}
    origin = Origin.model_validate({"source": "crm", "table": "t", "columns": columns})
    with duckdb.connect() as connection:
        connection.execute(f"create table t as select {value} as x")
        types = {row[0]: row[1] for row in connection.execute("describe t").fetchall()}
        found = mapped_values(table, origin, types, source_zone="UTC", own_zone="Europe/Berlin")
        it = found[1]
        return list(
            connection.execute(f"select ({it.sql})::varchar, {it.is_wrong} from t").fetchone()
        )


@pytest.mark.parametrize(
    ("value", "kind", "given", "name", "expected"),
    [
        ("1999", "number", {"unit": "cents"}, "a_eur", "19.99"),
        ("1.5", "integer", {"unit": "minutes"}, "b_s", "90"),
        ("2048", "number", {"unit": "KiB"}, "c_mb", "2.097152"),
        ("'1.234,5'", "number", {"decimal": ","}, "it", "1234.5"),
        ("10", "number", {"factor": 0.5}, "it", "5.0"),
        ("'J'", "boolean", {"levels": {"J": True, "N": False}}, "it", "true"),
        ("1777586400", "timestamp", {"format": "epoch_seconds"}, "it", "2026-04-30 22:00:00"),
        ("'31.05.2026'", "date", {"format": ["%Y/%m/%d", "%d.%m.%Y"]}, "it", "2026-05-31"),
        ("timestamp '2026-10-25 12:00'", "timestamp", BERLIN, "it", "2026-10-25 11:00:00"),
        ("'2026-05-01T12:00:00+04:00'", "timestamp", BERLIN, "it", "2026-05-01 08:00:00"),
        ("timestamptz '2026-05-01 23:30:00+00'", "date", {}, "it", "2026-05-02"),
        ("'k.A.'", "number", {"missing": ["k.a."]}, "it", None),
        ("' text '", "string", {}, "it", " text "),
    ],
)
def test_a_value_becomes_one_of_the_contract(value, kind, given, name, expected):
    """Nothing of it is wrong."""
    assert mapped(value, kind, given, name=name) == [expected, False]


@pytest.mark.parametrize(
    ("value", "kind", "given", "more"),
    [
        ("'X'", "string", {"levels": {"V": "voice"}}, {"levels": ["voice"]}),
        ("'X'", "string", {}, {"levels": ["voice"]}),
        ("'ten'", "number", {"unit": "cents"}, {"name": "a_eur"}),
        ("'31.02.2026'", "date", {"format": "%d.%m.%Y"}, {}),
        ("'maybe'", "boolean", {"levels": {"J": "true"}}, {}),
    ],
)
def test_a_value_that_the_mapping_does_not_know_is_wrong(value, kind, given, more):
    """Never guessed, and never silently missing."""
    assert mapped(value, kind, given, **more) == [None, True]


def test_a_column_that_may_be_missing_need_not_be_mapped():
    """It is empty then; one that is required is named."""
    columns = [
        {"name": "k", "type": "string", "description": "Key."},
        {"name": "a", "type": "date", "required": False, "description": "A."},
        {"name": "b", "type": "date", "description": "B."},
    ]
    table = Table.model_validate({**BASE, "columns": columns})
    origin = Origin.model_validate({"source": "crm", "table": "t"})
    types = {"K": "VARCHAR", "b": "DATE"}
    found = mapped_values(table, origin, types, source_zone="UTC", own_zone="UTC")
    assert [value.source_column for value in found] == ["K", None, "b"]
    with pytest.raises(MappingError, match="column b of t is not mapped") as error:
        mapped_values(table, origin, {"K": "VARCHAR"}, source_zone="UTC", own_zone="UTC")
    assert error.value.key == "b"
