"""Exported contact lists lose an erased customer and nobody else."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.export import CSV_FILE, PARQUET_FILE, export_contact_list
from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.exported_lists import erase_from_exports
from churn_platform.months import parse_month
from churn_platform.warehouse.lake import connect
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.tiny import JANUARY

PORTFOLIO = with_campaign(control_share=0)


@pytest.fixture
def connection(lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """January's scores."""
    with closing(connect(lake)) as connection:
        add_scores(connection, dict.fromkeys(["C-1001", "=C-1001", "C-10011", "C-1002"], 0.9))
        replace_contact_list(connection, PORTFOLIO, JANUARY)
        yield connection


def listed(folder: Path) -> list[set[str]]:
    """Who is in the CSV, and who in the Parquet file."""
    return [
        {name for (name,) in duckdb.sql(f"select customer_id from '{folder / file}'").fetchall()}
        for file in (CSV_FILE, PARQUET_FILE)
    ]


@pytest.mark.parametrize(
    ("erased", "in_csv", "in_parquet"),
    [
        ("C-1001", {"'=C-1001", "C-10011", "C-1002"}, {"=C-1001", "C-10011", "C-1002"}),
        ("=C-1001", {"C-1001", "C-10011", "C-1002"}, {"C-1001", "C-10011", "C-1002"}),
    ],
)
def test_a_list_is_exported_anew(connection, tmp_path, erased, in_csv, in_parquet):
    """Both files lose the customer, even one whose id the CSV guards, and keep those of similar
    ids.
    """
    folder = export_contact_list(connection, PORTFOLIO, JANUARY, tmp_path)
    connection.execute("delete from tiny.contact_list where customer_id = ?", [erased])
    assert erase_from_exports(
        connection, PORTFOLIO, tmp_path, ErasedCustomer("tiny", erased, (), {})
    ) == ["2025-01"]
    assert listed(folder) == [in_csv, in_parquet]


def test_a_list_without_the_customer_is_left_alone(connection, tmp_path):
    """It stays the folder that it was; that there are no exports at all is no error."""
    folder = export_contact_list(connection, PORTFOLIO, JANUARY, tmp_path).resolve()
    subject = ErasedCustomer("tiny", "C-1003", (), {})
    assert erase_from_exports(connection, PORTFOLIO, tmp_path, subject) == []
    assert (tmp_path / "tiny" / "contact_list" / "2025-01").resolve() == folder
    assert erase_from_exports(connection, PORTFOLIO, tmp_path / "nothing", subject) == []


def test_what_a_kill_left_beside_the_list_goes(connection, tmp_path):
    """An earlier folder of the month that was not removed in time, or a draft, holds the customer
    no longer.
    """
    first = export_contact_list(connection, PORTFOLIO, JANUARY, tmp_path).resolve()
    kept = {path.name: path.read_bytes() for path in first.iterdir()}
    connection.execute("delete from tiny.contact_list where customer_id = 'C-1001'")
    export_contact_list(connection, PORTFOLIO, parse_month("2025-01"), tmp_path)
    first.mkdir(exist_ok=True)
    for name, content in kept.items():
        (first / name).write_bytes(content)
    erase_from_exports(connection, PORTFOLIO, tmp_path, ErasedCustomer("tiny", "C-1001", (), {}))
    assert not first.exists()
