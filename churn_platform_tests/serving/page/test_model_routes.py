"""What the owners of models see and decide."""

import sys

import msgspec

from churn_platform_tests.serving.page.conftest import browser, field, settled


def decided(settings, command: str, **form: str) -> tuple[int, list[dict]]:
    """Send the form to a platform whose command is this Python code; the status, and what became of
    the request.
    """
    own = msgspec.structs.replace(settings, platform_command=(sys.executable, "-c", command))
    with browser(own, "model") as client:
        csrf = field(client.get("/tiny/model").text, "csrf")
        answer = client.post("/tiny/model/decide", data={"csrf": csrf} | form)
        if not client.app.state["page"].store.requests("version tiny"):
            return answer.status_code, []
        return answer.status_code, [settled(client, "version tiny")]


def test_only_what_waits_is_decided_and_with_a_reason(settings):
    """Another version, another word, no reason: nothing is started."""
    for form in (
        {"version": "3", "decision": "approve", "reason": "x"},
        {"version": "4", "decision": "delete", "reason": "x"},
        {"version": "4", "decision": "approve", "reason": " "},
    ):
        status, found = decided(settings, "raise SystemExit(1)", **form)
        assert (status, found) == (400, [])


def test_a_card_may_load_and_run_nothing(settings):
    """It has its style in it, so its own policy allows that and nothing else."""
    with browser(settings, "model") as client:
        card = client.get("/tiny/model/card/3")
        assert client.get("/tiny/model/card/9").status_code == 404
    assert "sandbox" in card.headers["content-security-policy"]
    assert "'self'" not in card.headers["content-security-policy"]


def test_experiments_are_shown_with_their_state(settings):
    """Who against whom, how far, and that the next step waits for a person; a month from before
    there were any is shown as well.
    """
    with browser(settings, "model") as client:
        text = client.get("/tiny/model").text
        assert "boosting · running" in text and "Does boosting rank better?" in text
        assert "Version 4 against version 3; step slice, 5.0% of the customers" in text
        assert "Next: ramp, once a person approves it." in text
        page = client.app.state["page"]
        del page.bundles.month("tiny").tables["experiments"]
        assert client.get("/tiny/model").status_code == 200
