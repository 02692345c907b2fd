"""The money in a spec: what makes no sense is refused."""

import pytest
from pydantic import ValidationError

from churn_platform.portfolios.economics import Campaign, CustomerValue, Economics

OFFER = {"name": "discount", "channel": "phone", "contact_cost_eur": 35, "acceptance_rate": 0.4}


@pytest.mark.parametrize(
    "wrong", [{"contact_cost_eur": 0}, {"acceptance_rate": 1.5}, {"contact_eur": 3}]
)
def test_a_contact_costs_something_and_some_accept(wrong):
    """A rate is a share, and a misspelt key is not passed over."""
    given = {"contact_cost_eur": 35, "acquisition_cost_eur": 180, "acceptance_rate": 0.4}
    assert Economics.model_validate(given).acceptance_rate == 0.4
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Economics.model_validate(given | wrong)


def test_offers_have_names_of_their_own():
    """A contact list names the offer, so two of one name could not be told apart."""
    second = OFFER | {"name": "gift"}
    assert len(Campaign.model_validate({"offers": [OFFER, second]}).offers) == 2
    with pytest.raises(ValidationError, match="a name is listed twice"):
        Campaign.model_validate({"offers": [OFFER, OFFER]})


def test_less_than_half_of_a_list_is_its_control_group():
    """A list that contacts fewer than it spares would be an experiment, not a campaign."""
    assert Campaign(control_share=0.49).control_share == 0.49
    with pytest.raises(ValidationError, match="control_share"):
        Campaign(control_share=0.5)


def test_a_life_has_an_end():
    """Two years unless the spec says otherwise, ten at most."""
    assert CustomerValue(price_feature="price_eur", margin=0.5).horizon_months == 24
    with pytest.raises(ValidationError, match="horizon_months"):
        CustomerValue(price_feature="price_eur", margin=0.5, horizon_months=121)
