"""Every breach of the landing contract is one LandingError that says what, where and how often, and
changes nothing.
"""

import traceback
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_platform.errors import LandingError
from churn_platform_tests.ingest.conftest import CALLS, CALLS_HEADER
from churn_platform_tests.support.tiny import FEBRUARY

FIRST = "K1,C1,2025-01-01 00:00:00,+393339990001,60,true,voice,0.5"


@pytest.mark.parametrize(
    ("given", "delivered", "complaint"),
    [
        (
            "started_at",
            "began",
            "column started_at is missing; the file has call_id, customer_id, began",
        ),
        (",60,", ",sixty,", "column duration_s: 1 of 3 values are not of type integer, e.g. sixty"),
        (",60,", ",1.5,", "column duration_s: 1 of 3 values are not of type integer, e.g. 1.5"),
        (",60,", ",9223372036854775808,", "not of type integer, e.g. 9223372036854775808"),
        (",0.5", ",0;5", "column cost_eur: 1 of 3 values are not of type number, e.g. 0;5"),
        (",0.5", ",inf", "column cost_eur: 1 of 3 values are not of type number, e.g. inf"),
        (
            ",true,",
            ",maybe,",
            "column is_dropped: 1 of 3 values are not of type boolean, e.g. maybe",
        ),
        (
            "2025-01-01 00:00:00",
            "01/02/2025",
            "column started_at: 1 of 3 values are not of type timestamp, e.g. 01",
        ),
        ("2025-01-01 00:00:00", "infinity", "not of type timestamp, e.g. infinity"),
        (",60,", ", ,", "column duration_s: 1 of 3 values are missing"),
        (",voice,1", ",fax,1", "column kind: 1 of 3 values are none of voice, sms, e.g. fax"),
        ("K3", "K1", "column call_id: 1 keys occur more than once, e.g. K1"),
        (
            "2025-01-01 00",
            "2024-12-31 23",
            "column started_at: 1 of 3 events are outside 2025-01, e.g. 2024-12-31 23:",
        ),
        (
            "2025-01-31 23:59:59.999999",
            "2025-02-01 00:00:00",
            "1 of 3 events are outside 2025-01, e.g. 2025-02-01 00",
        ),
        (
            "2025-01-01 00:00:00",
            "2025-01-01T00:00:00+01:00",
            "events are outside 2025-01, e.g. 2024-12-31 23:00:00",
        ),
        ("C2", "C7", "column customer_id: 1 rows name a customer unknown in this month, e.g. C7"),
    ],
)
def test_a_breach_is_named_with_column_count_and_example(january, given, delivered, complaint):
    """The message holds the file, the column, how many rows and one of the values."""
    path = january.put("calls", CALLS.replace(given, delivered, 1))
    message = january.refused("calls")
    assert complaint in message
    assert message.startswith(f"{path}: ")


def test_an_unreadable_date_is_named(january):
    """A day that does not exist, or a time of day, is no date."""
    header = "customer_id,phone_number,plan price,joined_date"
    january.put("customers", f"{header}\nC1,1,1,2025-02-30\nC2,1,1,2025-02-01 07:00\n")
    assert (
        "column joined_date: 2 of 2 values are not of type date, e.g. 2025-02-"
        in january.refused("customers")
    )


def test_all_breaches_are_told_at_once(january):
    """Whoever delivers again learns of everything that is wrong."""
    january.put(
        "calls", CALLS.replace(",60,", ",x,").replace(",voice,1", ",fax,1").replace("C2", "C7")
    )
    message = january.refused("calls")
    assert [part in message for part in ("duration_s", "kind", "customer_id")] == [True, True, True]


@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("duration_s", [1.5], "column duration_s: 1 of 1 values are not of type integer, e.g. 1.5"),
        (
            "duration_s",
            [1e20],
            "column duration_s: 1 of 1 values are not of type integer, e.g. 1e+20",
        ),
        (
            "duration_s",
            [True],
            "column duration_s: 1 of 1 values are not of type integer, e.g. true",
        ),
        (
            "duration_s",
            [datetime(2025, 1, 1)],
            "column duration_s: 1 of 1 values are not of type integer",
        ),
        ("cost_eur", [True], "column cost_eur: 1 of 1 values are not of type number, e.g. true"),
        (
            "cost_eur",
            [float("-inf")],
            "column cost_eur: 1 of 1 values are not of type number, e.g. -inf",
        ),
        ("is_dropped", [2], "column is_dropped: 1 of 1 values are not of type boolean, e.g. 2"),
        (
            "started_at",
            [20250101],
            "column started_at: 1 of 1 values are not of type timestamp, e.g. 20250101",
        ),
        ("duration_s", pa.array([float("nan")]), "column duration_s: 1 of 1 values are missing"),
    ],
)
def test_parquet_of_another_type_is_refused_not_nulled(january, column, values, complaint):
    """A native value that does not fit the contract's type never becomes a silent null."""
    row = {
        "call_id": ["K1"],
        "customer_id": ["C1"],
        "started_at": [datetime(2025, 1, 1)],
        "contact": ["+39"],
        "duration_s": [1],
        "is_dropped": [True],
        "kind": ["sms"],
        "cost_eur": [1.0],
    }
    pq.write_table(pa.table(row | {column: values}), january.put("calls", b"", suffix="parquet"))
    assert complaint in january.refused("calls")


@pytest.mark.parametrize(
    "content",
    [
        CALLS.removesuffix("5,no,voice,1\n"),
        CALLS_HEADER.replace(",cost_eur", "") + FIRST + "\n",
        FIRST + "\n" + FIRST + "\n",
        CALLS.replace("+393339990001", '"+393339990001'),
        CALLS.replace("K1", "K\xe8").encode("latin-1").replace(b"60", b"sixty"),
    ],
    ids=["cut line", "long line", "no header", "open quote", "latin-1"],
)
def test_no_refusal_quotes_a_phone_number(january, content):
    """Neither the message nor what stands behind it in a traceback holds a phone number."""
    january.put("calls", content)
    with pytest.raises(LandingError) as error:
        january.load("calls")
    assert "39333999" not in "".join(traceback.format_exception(error.value))


def test_events_need_customers_of_their_month(january):
    """Calls of a month without customers say what to materialize first."""
    january.put("calls", CALLS.replace("2025-01", "2025-02"), FEBRUARY)
    assert (
        "no customers of that month are loaded; materialize tiny_raw/customers"
        in january.refused("calls", FEBRUARY)
    )


def test_an_optional_column_may_lack(landing):
    """A file without an optional column is taken; its values are missing."""
    landing.put("calls", CALLS_HEADER.replace(",cost_eur", "") + FIRST.removesuffix(",0.5") + "\n")
    landing.load("calls")
    assert [row[-1] for row in landing.rows("calls")] == [None]
