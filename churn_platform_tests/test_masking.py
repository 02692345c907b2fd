"""Passwords in addresses are masked, whatever they look like."""

import pytest

from churn_platform.masking import hide, masked, masked_id, secrets_in, split_password


@pytest.mark.parametrize(
    ("address", "shown", "secret", "bare"),
    [
        ("postgresql://u:p@ss@h/db", "postgresql://u:***@h/db", "p@ss", "postgresql://u@h/db"),
        (
            "postgresql://u@h?password=z%20z&x=1",
            "postgresql://u@h?password=***&x=1",
            "z z",
            "postgresql://u@h?x=1",
        ),
        (
            "postgres:dbname=l password=s3",
            "postgres:dbname=l password=***",
            "s3",
            "postgres:dbname=l",
        ),
        (
            r"postgres:password='a b\'c' host=h",
            "postgres:password=*** host=h",
            "a b'c",
            "postgres: host=h",
        ),
        ("https://h/a:b@c", "https://h/a:b@c", "", "https://h/a:b@c"),
    ],
)
def test_a_password_is_masked_and_taken_out(address: str, shown: str, secret: str, bare: str):
    """What is shown has no password; the address without it and the password itself are what was
    meant.
    """
    assert masked(address) == shown
    assert split_password(address) == (bare, secret)
    assert not secret or secret in secrets_in(address)


def test_a_secret_is_hidden_wherever_a_library_quotes_it():
    """A text loses known secrets, and passwords in addresses that nobody knew of."""
    text = hide("login 'hunter2' failed at http://a:b@c and password=xyz", ["hunter2"])
    assert text == "login '***' failed at http://a:***@c and password=***"


@pytest.mark.parametrize(
    ("customer_id", "shown"),
    [("C00012345678", "***678"), ("7590-VHVEG", "***EG"), ("ada", "***"), ("", "***")],
)
def test_an_id_shows_its_end_alone(customer_id: str, shown: str):
    """A quarter at most, so a short id shows nothing."""
    assert masked_id(customer_id) == shown
