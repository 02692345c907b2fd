"""The first rows of a table, as many see them."""

from datetime import date

import duckdb

from churn_platform.warehouse.preview import preview

JUNE = date(2026, 6, 1)


def test_ten_rows_are_shown_with_masked_ids():
    """In the order asked for; other months do not count."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table scores as select date '2026-06-01' as month, "
            "'C0000' || range as customer_id, range * 1000.0 as worth, "
            "['a|b', 'c'] as reasons, null as offer from range(20000, 20012)"
        )
        connection.execute("insert into scores select date '2026-05-01', 'X', 1, [], null")
        columns = ("customer_id", "worth", "reasons", "offer")
        page = preview(connection, "scores", JUNE, columns, order="worth desc")
    lines = page.splitlines()
    assert lines[0] == "| customer id | worth | reasons | offer |"
    assert lines[2] == "| \\*\\*\\*11 | 20,011,000 | a\\|b; c | - |"
    assert len(lines) == 2 + 10 + 2
    assert lines[-1] == "10 of 12"
    assert "C0000" not in page
