"""What a real Postgres is asked when a month is read from it."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from churn_platform.connect.looking import SAMPLE_ROWS, look
from churn_platform.destinations.deliver import deliver
from churn_platform.errors import SourceError
from churn_platform.sources.open_source import opened_source
from churn_platform.sql import read_parquet
from churn_platform_tests.support.own_operator import MAY, OwnOperator

pytestmark = pytest.mark.slow
USAGE = """
    create table usage as select
        'K' || i as no, 'S' || i % 100 as subscriber,
        timestamp '2026-04-01' + i * interval '1 minute' as begun, null::text as other,
        i % 5 as minutes, 'N' as broken, 'V' as art
    from generate_series(0, 100000) as i;
"""


@pytest.fixture
def crm(own: OwnOperator, postgres_server, monkeypatch) -> Iterator[OwnOperator]:
    """The operator with its calls in Postgres, whose statements are logged."""
    postgres_server.psql("drop table if exists usage;" + USAGE)
    postgres_server.psql("create index on usage (begun); analyze usage;")
    postgres_server.psql("alter system set log_statement = 'all';")
    postgres_server.psql("select pg_reload_conf();")
    monkeypatch.setenv("OWN_CRM_PASSWORD", "Geheim-0815")
    own.given["sources"]["crm"] = {
        "kind": "postgres",
        "host": str(postgres_server.pgdata),
        "database": "postgres",
        "user": "postgres",
        "password": {"env": "OWN_CRM_PASSWORD"},
        "attempts": 1,
    }
    yield own


def statements(server, since: int) -> list[str]:
    """What the server was asked after that many bytes of its log."""
    log = Path(server.pgdata, "log").read_text()[since:]
    return re.findall(r"LOG:  statement: (.*)", log)


def test_the_filter_is_pushed_down_and_the_transaction_is_read_only(crm, postgres_server):
    """One COPY of the columns that are mapped and the rows of the month, by one connection."""
    before = len(Path(postgres_server.pgdata, "log").read_text())
    extracted = crm.extract("calls")
    asked = statements(postgres_server, before)

    copied = [statement for statement in asked if statement.startswith("COPY")]
    assert len(copied) == 1
    bounds = "\"begun\" >= '2026-05-01 00:00:00' AND \"begun\" < '2026-06-01 00:00:00'"
    assert bounds in copied[0]
    begun = [statement for statement in asked if statement.startswith("BEGIN")]
    assert begun and all("READ ONLY" in statement for statement in begun)
    assert not any("Geheim" in statement for statement in asked)

    first, last, rows = duckdb.sql(
        f"select min(started_at), max(started_at), count(*) from {read_parquet(extracted.file)}"
    ).fetchone()
    assert (f"{first}", f"{last}") == ("2026-04-30 22:00:00", "2026-05-31 21:59:00")
    assert rows == extracted.rows == 31 * 24 * 60


def test_a_query_is_carried_out_there(crm, postgres_server):
    """With the first day of the month and of the next in the places for them."""
    origin = crm.origin("calls")
    del origin["table"]
    origin["query"] = (
        "select * from usage "
        "where begun >= '{month_start}' and begun < '{month_end}' and minutes > 3"
    )
    before = len(Path(postgres_server.pgdata, "log").read_text())
    assert crm.extract("calls").rows == 31 * 24 * 60 // 5
    (copied,) = [each for each in statements(postgres_server, before) if each.startswith("COPY")]
    assert "begun >= '2026-05-01' and begun < '2026-06-01' and minutes > 3" in copied


def test_connecting_looks_at_an_operators_own_tables(crm):
    """Not at what Postgres keeps of itself; of a large table at pages from all over it."""
    with opened_source("crm", crm.portfolio.sources["crm"], crm.resources) as opened:
        tables = {table.place: table for table in look(opened)}
    assert {place.partition(".")[0] for place in tables} == {"public"}
    (number, *_) = tables["public.usage"].columns
    seen = [int(text.removeprefix("K")) for text in number.texts]
    assert len(seen) <= SAMPLE_ROWS and min(seen) < 30_000 and max(seen) > 70_000


def test_what_one_connection_delivers_is_read_by_one_thread(crm):
    """Two would take twice the processor time for the same rows."""
    with opened_source("crm", crm.portfolio.sources["crm"], crm.resources) as opened:
        asked = opened.connection.execute("select current_setting('threads')::integer")
        assert asked.fetchone() == (1,)


def test_a_refusal_changes_nothing_and_shows_no_password(crm, postgres_server):
    """A table that is not there, as Postgres says it."""
    crm.origin("calls")["table"] = "no_such"
    with pytest.raises(SourceError) as error:
        crm.extract("calls")
    assert "no_such" in str(error.value) and "Geheim" not in str(error.value)
    assert not list((crm.folder / "landing").rglob("*.parquet"))
    assert error.value.__context__ is None


def test_times_with_a_zone_are_cut_by_the_operators_month(crm, postgres_server):
    """The bounds are instants; the server compares them as such."""
    postgres_server.psql(
        "alter table usage alter begun type timestamptz using begun at time zone 'UTC';"
    )
    crm.origin("calls")["columns"]["started_at"] = "begun"
    extracted = crm.extract("calls", MAY)
    first = duckdb.sql(f"select min(started_at) from {read_parquet(extracted.file)}").fetchone()[0]
    assert f"{first}" == "2026-04-30 22:00:00"


def test_a_month_goes_back_in_one_transaction(crm, postgres_server, tmp_path):
    """Deleted, written, counted and committed; another month stays."""
    crm.given["destinations"] = [
        {"name": "scores", "result": "monthly_scores", "to": "crm", "table": "public.scores"}
    ]
    portfolio = crm.portfolio
    postgres_server.psql("drop table if exists scores;")
    before = len(Path(postgres_server.pgdata, "log").read_text())
    for month, customers in ((MAY, ["S1", "S2"]), (date(2026, 6, 1), ["S1"]), (MAY, ["S3"])):
        rows = pa.table({"month": [month] * len(customers), "customer_id": customers})
        there = deliver(portfolio.destinations[0], portfolio, month, rows, resources=crm.resources)
        assert there == len(customers)
    found = postgres_server.psql("select month, customer_id from scores order by 1, 2;")
    assert "2026-05-01 | S3" in found and "2026-06-01 | S1" in found and "S2" not in found
    asked = [each.partition(" ")[0].strip(";") for each in statements(postgres_server, before)]
    last = asked[len(asked) - asked[::-1].index("DELETE") :]
    assert last.index("COPY") < last.index("COMMIT") and "BEGIN" not in last[: last.index("COMMIT")]
