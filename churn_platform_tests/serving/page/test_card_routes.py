"""A customer's card: in a frame of allowed origins alone, and as JSON."""

import msgspec
import pytest

from churn_platform_tests.serving.page.conftest import browser, record

POLICY = "content-security-policy"


def test_the_card_is_embedded_by_allowed_origins_alone(settings):
    """By nobody as long as none is set; then by those, and no other page by anybody."""
    with browser(settings, "agent") as client:
        assert "frame-ancestors 'none'" in client.get("/card/C-contact").headers[POLICY]
    origins = ("https://crm.example", "https://desk.example")
    own = msgspec.structs.replace(settings, frame_ancestors=origins)
    with browser(own, "agent") as client:
        for address in ("/card/C-contact", "/tiny/card/C-contact"):
            policy = client.get(address).headers[POLICY]
            assert policy.endswith("frame-ancestors https://crm.example https://desk.example")
        assert "crm.example" in client.get("/card/nobody").headers[POLICY]
        for address in ("/tiny/customers/C-contact", "/login", "/nowhere"):
            assert "frame-ancestors 'none'" in client.get(address).headers[POLICY]


def test_the_card_as_json_says_the_same(settings):
    """Advice, offer, tier and reasons, for who accepts JSON."""
    with browser(settings, "agent") as client:
        told = client.get("/card/C-contact", headers={"accept": "application/json"}).json()
    assert (told["advice"], told["offer"], told["channel"]) == ("contact", "call", "phone")
    assert told["say"] == "Make the offer in this call."
    assert (told["risk_tier"], told["reasons"]) == ("high", ["Used 3 GB"])


@pytest.mark.parametrize("customer_id", ["C-control", "C-opted", "C-low"])
def test_the_card_offers_only_what_the_page_offers(settings, customer_id):
    """Neither form has an offer for control, who opted out, or who is not worth it."""
    with browser(settings, "agent") as client:
        told = client.get(f"/card/{customer_id}", headers={"accept": "application/json"}).json()
        text = client.get(f"/card/{customer_id}").text
    assert told["offer"] is None and "You may offer" not in text


def test_the_card_shows_no_risk_of_the_lowest_tier(settings):
    """A number would be pushed at an agent who can do nothing with it; so in both forms."""
    with browser(settings, "agent") as client:
        told = client.get("/card/C-low", headers={"accept": "application/json"}).json()
        text = client.get("/card/C-low").text
    assert "churn_probability" not in told and told["reasons"] == []
    assert "1.0%" not in text


def test_the_card_knows_what_was_just_recorded(settings):
    """After an answer nothing more is offered there."""
    with browser(settings, "agent") as client:
        assert "You may offer" in client.get("/card/C-contact").text
        record(client, "C-contact", answer="accepted")
        assert "You may offer" not in client.get("/card/C-contact").text


def test_a_customer_without_data_is_said_so_in_either_form(settings):
    """404; the error is JSON where JSON was asked for."""
    with browser(settings, "agent") as client:
        assert client.get("/card/nobody").status_code == 404
        answer = client.get("/card/nobody", headers={"accept": "application/json"})
    assert answer.status_code == 404
    assert answer.json()["status"] == 404 and "nobody" in answer.json()["detail"]
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_in_a_frame_nobody_is_sent_to_the_form(settings):
    """Who is not signed in is told so inside the frame, with a way that opens outside it; a
    program gets 401.
    """
    own = msgspec.structs.replace(settings, frame_ancestors=("https://crm.example",))
    with browser(own) as client:
        answer = client.get("/card/C-contact", follow_redirects=False)
        told = client.get("/card/C-contact", headers={"accept": "application/json"})
    assert answer.status_code == 401 and 'href="/login" target="_blank"' in answer.text
    assert "crm.example" in answer.headers[POLICY] and "C-contact" not in answer.text
    assert (told.status_code, told.json()["status"]) == (401, 401)
