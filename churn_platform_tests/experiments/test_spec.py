"""The spec of an experiment says what is wrong with it, and what it asks has one hash."""

import pytest
from pydantic import ValidationError

from churn_platform_tests.experiments.conftest import STEPS, spec_of


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": STEPS[1:]}, "the first, slice, has weight 0.05; begin at 0"),
        ({"steps": [STEPS[0], STEPS[2], STEPS[1]]}, "weights .* fall"),
        ({"steps": [STEPS[0], STEPS[0]]}, "a name is listed twice"),
        ({"versions": {"challenger": "champion"}}, "both 'champion'"),
        ({"primary_metric": "list_profit_eur"}, "needs `lists: true`"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"guardrails": {"p99_latency_ms": -1}}, "greater than 0"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(fields, message):
    """At the file, before anything starts."""
    with pytest.raises(ValidationError, match=message):
        spec_of(**fields)


def test_the_hash_is_of_what_is_asked():
    """A default that is written out changes nothing; a limit does."""
    assert spec_of(alpha=0.05).sha256 == spec_of().sha256
    assert spec_of(guardrails={"error_rate": 0.5}).sha256 != spec_of().sha256


def test_a_spec_is_the_same_after_a_way_through_json():
    """As the audit trail keeps it."""
    spec = spec_of()
    assert type(spec).model_validate(spec.model_dump(mode="json")).sha256 == spec.sha256
