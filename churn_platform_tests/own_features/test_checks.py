"""What a feature of the operator's own must keep to, tried on a month of three customers."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from churn_platform.errors import DataError
from churn_platform.own_features.checks import Checked, check_features, newest_month
from churn_platform.portfolios.loader import load_recipe
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform_tests.support.dbt_sql import PROJECT, VARIABLES

FEBRUARY = date(2025, 2, 1)
TELECOMIT = load_recipe("telecomit")
RIGHT = """
with

calls as (
    select * from {{ ref('stg_cdr').render() }}
    where {{ in_days_before_as_of('started_at', 30) }}
),

spine as (
    select * from {{ ref('customer_months') }}
)

select
    spine.customer_id,
    count(calls.customer_id) as own_calls,
from spine
left join calls using (customer_id)
group by spine.customer_id;
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """February's spine, calls of February and of March, and tickets."""
    with duckdb.connect() as made:
        for schema in ("telecomit", "telecomit_raw", "telecomit_staging"):
            made.execute(f"create schema {schema}")
        made.execute(
            "create table telecomit.customer_months as "
            "select unnest(['ada', 'ben', 'cleo']) as customer_id, date '2025-02-01' as month"
        )
        made.execute(
            "create table telecomit_staging.stg_cdr as select * from (values "
            "('ada', date '2025-02-01', timestamp '2025-02-10 10:00:00'), "
            "('ada', date '2025-02-01', timestamp '2025-02-11 10:00:00'), "
            "('ben', date '2025-02-01', timestamp '2025-02-12 10:00:00'), "
            "('ben', date '2025-03-01', timestamp '2025-03-12 10:00:00')) "
            "as given(customer_id, month, started_at)"
        )
        made.execute(
            "create table telecomit_raw.support_tickets as select * from (values "
            "('ada', date '2025-02-01', timestamp '2025-02-20 10:00:00', "
            "null::timestamp, timestamp '2025-03-02 10:00:00')) "
            "as given(customer_id, month, opened_at, escalated_at, resolved_at)"
        )
        yield made


def checked(connection: duckdb.DuckDBPyConnection, sql: str, **entry: Any) -> Checked:
    """What is found of one feature, `own_calls`, in February."""
    feature = {
        "name": "own_calls",
        "type": "integer",
        "group": "own",
        "description": "Calls.",
        "reason": "{value:count call}",
        "own": True,
        **entry,
    }
    own = Feature.model_validate(feature)
    update = {"features": (*TELECOMIT.features, own), "own_sql": {"own_calls": sql}}
    portfolio: Portfolio = TELECOMIT.model_copy(update=update)
    (found,) = check_features(connection, portfolio, FEBRUARY, project=PROJECT, variables=VARIABLES)
    return found


def test_a_feature_that_is_right_passes(connection):
    """March's call and an invented March leave it as it is; a semicolon at its end is no fault."""
    assert checked(connection, RIGHT, range=(0, 2)) == Checked("own_calls", 3, 0, 0, 2)


def test_a_feature_that_counts_what_comes_later_is_caught(connection):
    """All months are read and no time is bounded: ada's and ben's counts would grow."""
    leak = RIGHT.replace("where {{ in_days_before_as_of('started_at', 30) }}", "")
    found = checked(connection, leak)
    assert any(words.startswith("2 customers have another value") for words in found.wrong)


def test_a_feature_that_knows_what_became_of_an_event_is_caught(connection):
    """The ticket was opened in February and resolved in March, which February does not know."""
    sql = """
    select customer_id, count(resolved_at) as own_calls
    from {{ source('raw', 'support_tickets') }}
    group by customer_id
    """
    found = checked(connection, sql, nullable=True)
    assert any("have another value" in words for words in found.wrong)
    known = sql.replace("count(resolved_at)", "count(*) filter (resolved_at < {{ as_of() }})")
    assert checked(connection, known, nullable=True).wrong == ()


@pytest.mark.parametrize(
    ("sql", "entry", "complaint"),
    [
        (RIGHT, {"range": (0, 1)}, "1 values are not allowed by the entry, e.g. 2"),
        (
            "select customer_id, 1 as own_calls from {{ ref('stg_cdr') }}",
            {"nullable": True},
            "1 customers have several rows",
        ),
        (
            "select customer_id, 1 as own_calls from {{ ref('customer_months') }} limit 2",
            {},
            "1 customers have no value, and the entry says nullable: false",
        ),
        (
            "select customer_id, 1 as own_calls from telecomit.customer_months "
            "where month = date '2025-02-01'",
            {},
            "reads telecomit.customer_months directly",
        ),
        (
            "select customer_id, year(current_date) as own_calls from {{ ref('customer_months') }}",
            {},
            "reads 'current_date'",
        ),
        ("select customer_id from {{ ref('customer_months') }}", {}, "cannot be made"),
        ("select * from {{ ref('stg_calls') }}", {}, "'stg_calls' is no table of telecomit"),
        ("select {{ as_off() }}", {}, "as_off"),
        (
            "select customer_id, 'gold' as own_calls from {{ ref('customer_months') }}",
            {"type": "category", "levels": ("silver",), "reason": "{value}"},
            "3 values are not allowed by the entry, e.g. gold",
        ),
    ],
)
def test_what_is_wrong_is_said(connection, sql, entry, complaint):
    """With the number of customers, or the word, and what to do."""
    found = checked(connection, sql, **entry)
    assert any(complaint in words for words in found.wrong), found.wrong


def test_without_a_spine_nothing_can_be_tried(connection):
    """The error names the command that makes one."""
    assert newest_month(connection, TELECOMIT) == FEBRUARY
    connection.execute("delete from telecomit.customer_months")
    with pytest.raises(DataError, match="churn run telecomit"):
        newest_month(connection, TELECOMIT)
