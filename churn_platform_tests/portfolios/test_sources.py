"""What a spec may say of sources: no credential, and nothing that contradicts itself."""

from copy import deepcopy

import pytest
from pydantic import ValidationError

from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.support.own_operator import ORIGINS
from churn_platform_tests.support.tiny import SPEC

SERVER = {"kind": "postgres", "host": "db", "database": "crm", "user": "reader"}


def spec(given_source: dict, /, **calls) -> Portfolio:
    """A portfolio whose calls are read from a source."""
    given = deepcopy(SPEC)
    given["sources"] = {"crm": given_source}
    given["tables"][1]["from"] = {**ORIGINS["calls"], **calls}
    return Portfolio.model_validate(given)


@pytest.mark.parametrize(
    ("source", "calls", "message"),
    [
        ({**SERVER, "password": "geheim"}, {}, "password"),
        ({**SERVER, "password": {"env": "A", "file": "b"}}, {}, "one of the two"),
        ({**SERVER, "password": {"env": "CHURN_X"}}, {}, "settings of the platform"),
        ({"kind": "odbc", "connection": "Driver=x;PWD=geheim"}, {}, "under password:"),
        ({**SERVER, "timezone": "Berlin"}, {}, "no time zone"),
        (SERVER, {"source": "erp"}, "'erp' is none of the sources: crm"),
        (SERVER, {"table": None, "path": "a/{month}.csv"}, "read by table: or query:"),
        (SERVER, {"table": None, "query": "select 1"}, "reads every month"),
        (SERVER, {"columns": {"nosuch": "a"}}, "nosuch is none of its columns"),
        (SERVER, {"columns": {"duration_s": {"column": "a", "unit": "cents"}}}, "minutes"),
        (SERVER, {"columns": {"kind": {"column": "a", "levels": {False: "sms"}}}}, "quotation"),
        ({"kind": "files", "location": "x", "key_id": "a"}, {}, "belong together"),
    ],
)
def test_what_cannot_be_is_refused(source, calls, message):
    """With what would do, and without a credential that was given."""
    with pytest.raises(ValidationError) as error:
        spec(source, **calls)
    wrong = "; ".join(item["msg"] for item in error.value.errors())
    assert message in f"{wrong} {error.value.errors()[0]['loc']}"
    assert "geheim" not in wrong


def test_what_is_read_is_told_from_what_people_land():
    """Only tables with `from:` are read."""
    assert [table.name for table in spec(SERVER).read_tables] == ["calls"]
