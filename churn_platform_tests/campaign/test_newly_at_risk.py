"""Whose risk has risen since the month before."""

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.newly_at_risk import newly_at_risk
from churn_platform.ingest.hashing import set_keys
from churn_platform.ingest.suppression import suppress
from churn_platform.months import shift
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_campaign_rows, with_campaign
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import JANUARY

TIERS = ("critical", "high", "medium", "low")
PORTFOLIO = with_campaign(control_share=0)


def score(connection, before: dict, now: dict) -> None:
    """Probability and tier by customer, in December and January."""
    rows = []
    for month, scores in ((shift(JANUARY, -1), before), (JANUARY, now)):
        rows += [(month, name, *each, 1, ["Because"], 3) for name, each in scores.items()]
    ensure_table(connection, "tiny.monthly_scores", SCORE_COLUMNS)
    places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
    values = [value for row in rows for value in row]
    connection.execute(f"insert into tiny.monthly_scores values {places}", values)
    replace_contact_list(connection, PORTFOLIO, JANUARY)
    set_keys(connection, "key")


def test_two_tiers_up_or_twice_the_risk(connection):
    """UP rises from low to high, TWICE from 10 to 20 %; ONE rises by one tier and by half, LOW
    doubles in the lowest tier, NEW was not there before.
    """
    score(
        connection,
        {
            "UP": (0.2, "low"),
            "TWICE": (0.1, "medium"),
            "ONE": (0.2, "medium"),
            "LOW": (0.01, "low"),
        },
        {
            "UP": (0.3, "high"),
            "TWICE": (0.2, "medium"),
            "ONE": (0.3, "high"),
            "LOW": (0.02, "low"),
            "NEW": (0.9, "critical"),
        },
    )
    assert newly_at_risk(connection, PORTFOLIO, JANUARY, TIERS) == ["TWICE", "UP"]


@invariant("Campaign", "No webhook names a customer who opted out, was erased, or is control.")
def test_who_must_not_be_approached_is_not_named(connection):
    """OUT opted out, GONE was erased and not yet removed, CONTROL is control; IN remains, though
    ineligible for offers now.
    """
    names = ("OUT", "GONE", "CONTROL", "IN")
    before, now = dict.fromkeys(names, (0.1, "low")), dict.fromkeys(names, (0.9, "critical"))
    score(connection, before, now)
    connection.execute(
        "update tiny.contact_list set role = 'control' where customer_id = 'CONTROL'"
    )
    add_campaign_rows(
        connection,
        "contact_preferences",
        [(JANUARY, "OUT", True, False), (JANUARY, "IN", False, True)],
    )
    suppress(connection, "tiny", JANUARY, customer_id="GONE", numbers=())
    assert newly_at_risk(connection, PORTFOLIO, JANUARY, TIERS) == ["IN"]
