"""What leaves the platform: contacts alone, safe to open in a spreadsheet."""

import csv

import duckdb
import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.export import ORDER, export_contact_list
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import JANUARY

NASTY = ["=1+1", "+49", "-2", "@SUM(A1)", "\tx", 'a"b', "a,b", "naïve"]


def exported(connection, tmp_path, **campaign):
    """The exported folder of January's list."""
    portfolio = with_campaign(**campaign)
    replace_contact_list(connection, portfolio, JANUARY)
    return export_contact_list(connection, portfolio, JANUARY, tmp_path)


def read_csv(folder):
    """Rows of the CSV."""
    with (folder / "contact_list.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_no_cell_starts_a_formula(connection, tmp_path):
    """Ids that look like formulas are led by an apostrophe in the CSV, and stay as they are in
    Parquet.
    """
    add_scores(connection, dict.fromkeys(NASTY, 0.9))
    folder = exported(connection, tmp_path, control_share=0)
    cells = {row["customer_id"] for row in read_csv(folder)}
    assert cells == {"'=1+1", "'+49", "'-2", "'@SUM(A1)", "'\tx", 'a"b', "a,b", "naïve"}
    stored = duckdb.sql(f"select customer_id from '{folder}/contact_list.parquet'").fetchall()
    assert {row[0] for row in stored} == set(NASTY)


@invariant("Campaign", "The control group is not handed over.")
def test_the_control_group_is_not_handed_over(connection, tmp_path):
    """Of twenty customers one is control, and in neither file."""
    add_scores(connection, {f"C{number}": 0.9 for number in range(20)})
    folder = exported(connection, tmp_path, control_share=0.05)
    assert len(read_csv(folder)) == 19
    assert duckdb.sql(f"select count(*) from '{folder}/contact_list.parquet'").fetchall() == [(19,)]


def test_every_column_is_explained(connection, tmp_path):
    """The data dictionary has a line for each column of the CSV, in its order."""
    add_scores(connection, {"A": 0.9})
    folder = exported(connection, tmp_path)
    assert tuple(read_csv(folder)[0]) == ORDER
    lines = (folder / "columns.md").read_text().splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == list(ORDER)


def test_a_list_made_again_replaces_the_folder(connection, tmp_path):
    """The second export stands alone under the same name."""
    add_scores(connection, {"A": 0.9})
    first = exported(connection, tmp_path, control_share=0)
    assert exported(connection, tmp_path, control_share=0) == first
    assert sorted(path.name for path in first.iterdir()) == [
        "columns.md",
        "contact_list.csv",
        "contact_list.parquet",
    ]


def test_reasons_come_one_to_a_column(connection, tmp_path):
    """The first reason is there, the others are empty."""
    add_scores(connection, {"A": 0.9})
    (row,) = read_csv(exported(connection, tmp_path, control_share=0))
    assert (row["reason_1"], row["reason_2"]) == ("Because", "")
    assert float(row["churn_probability"]) == pytest.approx(0.9)
