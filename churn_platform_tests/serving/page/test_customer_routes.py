"""What an agent is told, may offer, and records."""

import duckdb
import pytest

from churn_platform.ingest.hashing import keyed_hash, set_keys
from churn_platform.published.outcome_log import OUTCOMES
from churn_platform.published.prediction_log import load_segment
from churn_platform_tests.serving.page.conftest import browser, field, record
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.published_page import CUSTOMERS, publish
from serving.page.customers import find_by_phone


def logged(settings) -> list:
    """What stands in the log, whole segments and that which is being written."""
    segments = sorted((settings.outcomes_dir / "tiny").glob("*-page-*"))
    return [each for path in segments for each in load_segment(path, OUTCOMES).records]


def test_the_offer_comes_first(settings):
    """Who is to be contacted: one sentence, the offer and the strongest reason, then the rest."""
    with browser(settings, "agent") as client:
        text = client.get("/tiny/customers/C-contact").text
    places = [
        text.index(part)
        for part in ("Make the offer in this call", "You may offer: call", "Used 3 GB", "Contract")
    ]
    assert places == sorted(places)
    assert "<svg" in text and "style=" not in text and "<script>" not in text


@invariant("Campaign", "A customer of the control group gets no offer on the page.")
def test_control_gets_no_offer(settings):
    """Neither a word of one, nor can one be recorded; that nothing was offered can."""
    with browser(settings, "agent") as client:
        text = client.get("/tiny/customers/C-control").text
        assert "You may offer" not in text and 'value="accepted"' not in text
        refused = record(client, "C-control", answer="accepted")
        assert refused.status_code == 422
        assert logged(settings) == []
        assert record(client, "C-control", answer="not offered").status_code == 200
        (kept,) = logged(settings)
    assert (kept.answer, kept.offer) == ("not offered", "")


@pytest.mark.parametrize("customer_id", sorted(set(CUSTOMERS) - {"C-contact"}))
def test_only_who_is_to_be_contacted_gets_an_offer(settings, customer_id):
    """Opted out, beyond the budget, not worth it: the page names none."""
    with browser(settings, "agent") as client:
        assert "You may offer" not in client.get(f"/tiny/customers/{customer_id}").text


def test_nothing_is_pushed_at_low_risk(settings):
    """A customer of the lowest tier has no probability and no reasons on the page."""
    with browser(settings, "agent") as client:
        text = client.get("/tiny/customers/C-low").text
    assert "Serve the customer as usual" in text
    assert "customers like this one" not in text


def test_no_data_is_said_plainly(settings):
    """An unknown id is a 404 that names month and id."""
    with browser(settings, "agent") as client:
        found = client.get("/tiny/customers/nobody")
    assert found.status_code == 404
    assert "no data of customer nobody in 2026-10" in found.text


def test_an_outcome_is_on_disk_before_the_answer_and_seen_by_the_next(settings):
    """The log has it while the process still runs, and another agent reads it at once."""
    with browser(settings, "agent") as client:
        answer = record(
            client, "C-contact", answer="thinking", reason="price", call_back_on="2026-12-01"
        )
        assert "Recorded." in answer.text
        (kept,) = logged(settings)
        assert (kept.customer_id, kept.agent, kept.offer) == ("C-contact", "agent", "call")
        client.cookies.clear()
    with browser(settings, "admin") as client:
        text = client.get("/tiny/customers/C-contact").text
    assert "is thinking about it" in text and "Call back on 2026-12-01." in text


def test_a_form_that_is_sent_twice_is_one_outcome(settings):
    """A double click, or a browser that asks again, records nothing twice."""
    with browser(settings, "agent") as client:
        text = client.get("/tiny/customers/C-contact").text
        form = {name: field(text, name) for name in ("csrf", "outcome_id")}
        for _ in range(2):
            client.post("/tiny/customers/C-contact/outcomes", data=form | {"answer": "thinking"})
        assert len(logged(settings)) == 1


def test_who_answered_is_asked_no_more(settings):
    """After "accepted" the next agent has no offer; after a refusal of contacts even less."""
    with browser(settings, "agent") as client:
        record(client, "C-contact", answer="accepted")
        text = client.get("/tiny/customers/C-contact").text
        assert "has answered already" in text and "You may offer" not in text
        record(client, "C-beyond", answer="not offered", do_not_contact="yes")
        assert "asked not to be contacted" in client.get("/tiny/customers/C-beyond").text


def test_a_list_that_is_held_back_makes_no_offer(settings):
    """The model behind it is known to be broken."""
    publish(settings.published_dir, list_state="held back")
    with browser(settings, "agent") as client:
        text = client.get("/tiny/customers/C-contact").text
    assert "list is held back" in text and "You may offer" not in text


def test_the_page_hashes_numbers_as_ingestion_does(settings):
    """Otherwise no search by phone would find anybody."""
    key, number = "k" * 32, "+393331234567"
    with duckdb.connect() as connection:
        set_keys(connection, key)
        (expected,) = connection.execute(f"select {keyed_hash('?')}", [number]).fetchone()

    class Month:
        """Notes what is asked for."""

        def row(self, query, parameters):
            self.asked = parameters
            return {"customer_id": "C1"}

    month = Month()
    assert find_by_phone(month, number, key) == "C1"
    assert month.asked == [expected]


def test_a_phone_number_is_in_no_address(settings):
    """The search is a form, and leads to the id."""
    with browser(settings, "agent") as client:
        csrf = field(client.get("/tiny/customers").text, "csrf")
        form = {"csrf": csrf, "wanted": "C-contact", "by": "id"}
        found = client.post("/tiny/customers/", data=form, follow_redirects=False)
        assert found.headers["location"] == "/tiny/customers/C-contact"
        form = {"csrf": csrf, "wanted": "+39333", "by": "phone"}
        missing = client.post("/tiny/customers/", data=form)
    assert missing.status_code == 404 and "+39333" not in missing.text


def test_a_what_if_without_the_service_says_so(settings):
    """The page stays up, and the agent knows."""
    with browser(settings, "agent") as client:
        csrf = field(client.get("/tiny/customers/C-contact").text, "csrf")
        form = {"csrf": csrf, "plan": "prepaid"}
        tried = client.post("/tiny/customers/C-contact/what-if", data=form)
    assert "scoring service does not answer" in tried.text


def test_a_text_of_a_customer_is_no_markup(settings):
    """What was typed as a reason comes back as text."""
    with browser(settings, "agent") as client:
        record(client, "C-contact", answer="thinking", reason="<script>alert(1)</script>")
        text = client.get("/tiny/customers/C-contact").text
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_a_number_is_found_in_any_case_and_the_list_is_a_way_too(settings):
    """An agent types while listening; who may see the list can begin there."""
    publish(settings.published_dir, more={"T7": (0.5, "contact")})
    with browser(settings, "admin") as client:
        page = client.get("/tiny/customers")
        assert '<a href="/tiny/campaign">' in page.text
        form = {"csrf": field(page.text, "csrf"), "by": "id", "wanted": " t7 "}
        assert client.post("/tiny/customers/", data=form).url.path == "/tiny/customers/T7"
