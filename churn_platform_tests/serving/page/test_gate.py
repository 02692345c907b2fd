"""The gate before every handler."""

from churn_platform_tests.serving.page.conftest import browser, field


def test_a_form_without_the_token_changes_nothing(settings):
    """CSRF: neither without a token, nor with another one, nor from a page of another site."""
    with browser(settings, "agent") as client:
        page = client.get("/tiny/customers/C-contact").text
        good = {name: field(page, name) for name in ("csrf", "outcome_id")} | {"answer": "accepted"}
        address = "/tiny/customers/C-contact/outcomes"
        for form, headers in (
            ({**good, "csrf": ""}, {}),
            ({**good, "csrf": "x" * 43}, {}),
            (good, {"origin": "https://evil.example"}),
            (good, {"sec-fetch-site": "cross-site"}),
        ):
            assert client.post(address, data=form, headers=headers).status_code == 403
        assert not list(settings.outcomes_dir.glob("*/*-page-*"))
