"""What schemathesis is told to take for documented is no more than what the
document says in words.
"""

import pytest

from churn_platform_tests.serving.http.understood import is_understood

SCHEMA = {
    "type": "object",
    "properties": {
        "customer_id": {"type": "string"},
        "is_late": {"type": "boolean"},
        "usage": {"type": ["number", "null"], "maximum": 100},
    },
    "additionalProperties": False,
}
CUSTOMERS = {"type": "array", "items": SCHEMA, "minItems": 1}
BATCH = {
    "type": "object",
    "properties": {"customers": CUSTOMERS, "threshold": {"type": "number", "maximum": 1}},
    "required": ["customers"],
}
DOCUMENT = {"components": {"schemas": {}}}


@pytest.mark.parametrize(
    ("body", "understood"),
    [
        ({"is_late": 0}, True),
        ({"is_late": " Yes "}, True),
        ({"usage": "12.5"}, True),
        ({"usage": " "}, True),
        ({"customer_id": None, "usage": 1}, True),
        ({"is_late": 2}, False),
        ({"usage": "1000"}, False),
        ({"other": 1}, False),
        ([], False),
    ],
)
def test_spellings_alone_are_understood(body, understood):
    """Values out of range, unknown names and other shapes stay findings."""
    assert is_understood(body, SCHEMA, DOCUMENT, {}) is understood


def test_a_batch_is_understood_where_each_refused_customer_has_an_error():
    """A wrong customer without an error stays a finding."""
    body = {"customers": [{"usage": 1}, 7]}
    assert is_understood(
        body, BATCH, DOCUMENT, {"predictions": [{}, None], "errors": [{"positions": [1]}]}
    )
    assert not is_understood(body, BATCH, DOCUMENT, {"predictions": [{}, None], "errors": []})


def test_beside_customers_who_are_all_refused_the_rest_is_judged():
    """A wish that the schema allows is understood, another one stays a finding."""
    answer = {"predictions": [None], "errors": [{"positions": [0]}]}
    assert is_understood({"customers": [7], "threshold": 0.5}, BATCH, DOCUMENT, answer)
    assert not is_understood({"customers": [7], "threshold": 2}, BATCH, DOCUMENT, answer)
    assert not is_understood({"customers": []}, BATCH, DOCUMENT, {"predictions": []})
