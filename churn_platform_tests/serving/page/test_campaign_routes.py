"""The list, its filters, and what another plan would bring."""

import csv
import io
import sys

import msgspec
import pytest

from churn_platform.published.page_bundle import PLAN_FILE
from churn_platform_tests.serving.page.conftest import browser, field, settled
from churn_platform_tests.support.published_page import CALL, LETTER, publish
from serving.page.bundle import open_month
from serving.page.campaign import as_csv
from serving.page.planner import Scenario, plan


@pytest.fixture
def month(tmp_path):
    """The month by hand."""
    return open_month(publish(tmp_path / "published"), threads=1)


def test_a_plan_by_hand(month):
    """Without opted out: 0.9, 0.88 and 0.6 times 0.4 x 180 minus 35 are worth a call of 35 EUR:
    29.8, 28.36 and 8.2; 70 EUR pay for two, and the next euro would bring 8.2 / 35.
    """
    made = plan(month, Scenario((CALL,), 70.0))
    assert (made.contacts, made.cost_eur) == (2, 70)
    assert made.profit_eur == pytest.approx(29.8 + 28.36)
    assert made.churners_reached == pytest.approx(1.78)
    assert made.next_euro_eur == pytest.approx(8.2 / 35)


def test_without_a_budget_everybody_worth_it_is_reached(month):
    """Then one more euro brings nothing."""
    made = plan(month, Scenario((CALL,), None))
    assert (made.contacts, made.next_euro_eur) == (3, None)
    assert made.curve[-1] == (pytest.approx(105), pytest.approx(29.8 + 28.36 + 8.2))


def test_the_better_offer_is_taken(month):
    """At 0.6 the letter brings 0.2 x 108 - 5 = 16.6 instead of 8.2."""
    made = plan(month, Scenario((CALL, LETTER), None))
    assert {row["offer"]: row["contacts"] for row in made.by_offer} == {"call": 2, "letter": 1}


def test_without_an_offer_nothing_is_planned(month):
    """All offers taken away: no contact, no error."""
    assert plan(month, Scenario((), 100.0)).contacts == 0


def test_a_scenario_of_the_form_is_computed_in_place(settings):
    """A call at 35 EUR for tier high alone, no control: 0.9, 0.88 and 0.6 are worth it; one EUR of
    budget reaches nobody, and the next euro brings 29.8 / 35.
    """
    form = {"use_call": "yes", "control_share": "0", "move_low": "none", "move_medium": "none"}
    with browser(settings, "campaign") as client:
        csrf = field(client.get("/tiny/campaign").text, "csrf")
        sent = form | {"csrf": csrf, "budget_eur": "1"}
        text = client.post("/tiny/campaign/plan", data=sent).text
    assert "<html" not in text
    assert "0.85 EUR" in text


def test_a_month_from_before_plans_were_published_has_plans(month):
    """The fixture's month has no file of its own for plans."""
    assert not (month.folder / PLAN_FILE).exists()
    assert len(month.rows("from plan")) == 4


def test_the_list_is_filtered_and_sorted(settings):
    """By decision, tier and newly at risk; what the address says that is none is left out."""
    with browser(settings, "campaign") as client:
        assert "C-control" not in client.get("/tiny/campaign").text
        assert "C-control" in client.get("/tiny/campaign?decision=control").text
        everybody = client.get("/tiny/campaign?decision=&sort=risk").text
        assert everybody.index("C-contact") < everybody.index("C-low")
        newly = client.get("/tiny/campaign?decision=&newly=1").text
        assert "C-contact" in newly and "C-low" not in newly
        assert client.get("/tiny/campaign?sort=x;drop&page=-1").status_code == 200


def test_the_download_is_the_filtered_list(settings):
    """Header and the one contact."""
    with browser(settings, "campaign") as client:
        answer = client.get("/tiny/campaign/list.csv?decision=contact")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["customer_id"] for row in rows] == ["C-contact"]


def test_no_cell_is_a_formula():
    """A spreadsheet must not compute what a customer is called."""
    from serving.page.campaign import COLUMNS

    row = dict.fromkeys(COLUMNS, None) | {"customer_id": "=1+1", "reasons": ["a", "b"]}
    written = list(csv.DictReader(io.StringIO(as_csv([row]))))
    assert written[0]["customer_id"] == "'=1+1"
    assert written[0]["reasons"] == "a; b"


def test_a_list_is_approved_with_a_reason_and_handed_over(settings):
    """The file holds the contacts, not control; who approved it and why is shown."""
    with browser(settings, "campaign") as client:
        csrf = field(client.get("/tiny/campaign").text, "csrf")
        assert client.post("/tiny/campaign/approve", data={"csrf": csrf}).status_code == 400
        form = {"csrf": csrf, "reason": "looks right"}
        text = client.post("/tiny/campaign/approve", data=form).text
    assert "looks right" in text
    (path,) = (settings.state_dir / "handed_over" / "tiny").glob("*.csv")
    assert "C-contact" in path.read_text() and "C-control" not in path.read_text()


def test_a_list_that_is_held_back_cannot_be_approved(settings):
    """The reason for holding it back stands above the wish of a person here."""
    publish(settings.published_dir, list_state="held back")
    with browser(settings, "campaign") as client:
        csrf = field(client.get("/tiny/campaign").text, "csrf")
        form = {"csrf": csrf, "reason": "please"}
        assert client.post("/tiny/campaign/approve", data=form).status_code == 400


def test_a_list_that_waits_is_approved_by_the_platform(settings):
    """Agents make no offer of it; the approval goes to `churn approve-list` with month, reason and
    who approved, and no copy is kept here.
    """
    publish(settings.published_dir, list_state="waiting for approval")
    told = ("-c", "import sys; print(*sys.argv[1:])")
    own = msgspec.structs.replace(settings, platform_command=(sys.executable, *told))
    with browser(own, "agent") as client:
        text = client.get("/tiny/customers/C-contact").text
    assert "not approved yet" in text and "You may offer" not in text
    with browser(own, "campaign") as client:
        csrf = field(client.get("/tiny/campaign").text, "csrf")
        client.post("/tiny/campaign/approve", data={"csrf": csrf, "reason": "read it"})
        found = settled(client, "hand-over tiny")
    assert found["told"] == (
        "approve-list tiny --month 2026-10 --reason=read it (by campaign on the page)"
    )
    assert not (settings.state_dir / "handed_over").exists()
