"""Who of a contact list counts in an outcome."""

from churn_platform.campaign.outcome_table import find_outcome
from churn_platform.campaign.randomised import read_randomised
from churn_platform_tests.campaign.conftest import with_campaign
from churn_platform_tests.support.tiny import FEBRUARY

PORTFOLIO = with_campaign(control_share=0.05)


def test_an_operator_without_a_campaign_has_no_outcome(connection):
    """No table is there yet."""
    assert len(read_randomised(connection, PORTFOLIO, FEBRUARY)) == 0
    assert find_outcome(connection, PORTFOLIO, FEBRUARY) == []
