"""The campaign's form as a scenario."""

from types import SimpleNamespace

from churn_platform.published.page_bundle import PublishedCampaign
from churn_platform_tests.support.published_page import CALL, LETTER, TIERS
from serving.page.scenario_form import campaign_scenario, control_percent, read_scenario

CAMPAIGN = PublishedCampaign((CALL, LETTER), 1000.0, 40, 20, 3, "handed over", "handed over")
MANIFEST = SimpleNamespace(campaign=CAMPAIGN, tiers=TIERS)
ALL = {"use_call": "yes", "use_letter": "yes"}


def test_the_campaign_as_it_is():
    """Its offers, limits and control group: one in twenty is five per cent."""
    found = campaign_scenario(MANIFEST)
    assert (found.offers, found.budget_eur, found.capacity) == ((CALL, LETTER), 1000.0, 40)
    assert (found.control_run, control_percent(found)) == (20, 5.0)


def test_what_is_written_counts():
    """Costs, acceptance in per cent, limits, control, and tiers that were moved by hand."""
    form = ALL | {
        "cost_call": "20",
        "rate_call": "50",
        "budget_eur": "700",
        "capacity": "12",
        "control_share": "10",
        "move_high": "letter",
        "move_low": "none",
    }
    found = read_scenario(MANIFEST, form)
    assert (found.offers[0].contact_cost_eur, found.offers[0].acceptance_rate) == (20, 0.5)
    assert (found.budget_eur, found.capacity, found.control_run) == (700, 12, 10)
    assert found.moved == {1: "letter", 3: None}


def test_what_is_left_out_or_no_number():
    """No limit for an empty field; the campaign's values for what is no number; an offer that is
    not made takes no tier.
    """
    form = {"use_call": "yes", "cost_call": "x", "control_share": "nan", "move_high": "letter"}
    found = read_scenario(MANIFEST, form)
    assert [each.name for each in found.offers] == ["call"]
    assert found.offers[0].contact_cost_eur == CALL.contact_cost_eur
    assert (found.budget_eur, found.capacity, found.control_run) == (None, None, 20)
    assert found.moved == {}


def test_numbers_stay_inside_what_makes_sense():
    """A cost above nothing, acceptance up to all, control up to half, and none for nothing."""
    form = ALL | {"cost_call": "-3", "rate_call": "900", "control_share": "99"}
    found = read_scenario(MANIFEST, form)
    assert (found.offers[0].contact_cost_eur, found.offers[0].acceptance_rate) == (0.01, 1.0)
    assert found.control_run == 2
    assert read_scenario(MANIFEST, ALL | {"control_share": "0"}).control_run == 0
