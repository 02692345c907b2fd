"""An address says what a source is; a credential is never in it."""

import pytest

from churn_platform.connect.addresses import source_of
from churn_platform.errors import SpecError


def test_a_server_asks_variables_for_what_its_address_leaves_out():
    """The password always, whatever else is said."""
    assert source_of("crm=postgres://reader@db.example:6432/crm") == (
        "crm",
        {
            "kind": "postgres",
            "host": "db.example",
            "port": 6432,
            "database": "crm",
            "user": "reader",
            "password": {"env": "CRM_PASSWORD"},
        },
    )
    _, bare = source_of("crm=mysql")
    assert bare["host"] == {"env": "CRM_HOST"} and bare["user"] == {"env": "CRM_USER"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://usage/cdr", {"kind": "files", "location": "s3://usage/cdr"}),
        ("delta:s3://lake", {"kind": "delta", "location": "s3://lake"}),
        ("crm.db", {"kind": "sqlite", "path": "crm.db"}),
        ("az://drop", {"kind": "azure", "location": "az://drop"}),
        ("odbc", {"kind": "odbc", "connection": {"env": "X_CONNECTION"}}),
    ],
)
def test_the_kind_follows_from_the_address(address, expected):
    """Stores take their key from variables, too."""
    _, found = source_of(f"x={address}")
    assert expected.items() <= found.items()


def test_a_password_in_an_address_is_refused_and_not_shown():
    """It would stand in the history of the shell and in the list of processes."""
    with pytest.raises(SpecError) as error:
        source_of("crm=postgres://reader:geheim@db/crm")
    assert "CRM_PASSWORD" in str(error.value) and "geheim" not in str(error.value)


@pytest.mark.parametrize("text", ["crm", "9=postgres", "crm=/no/such/folder"])
def test_what_is_no_source_is_refused_with_an_example(text):
    """As a person would write one."""
    with pytest.raises(SpecError, match=r"for example crm=postgres://"):
        source_of(text)
