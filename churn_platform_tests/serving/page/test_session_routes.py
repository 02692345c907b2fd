"""Sessions: whose they are, how they begin and end."""

from churn_platform_tests.serving.page.conftest import browser, field, sign_in
from serving.page.gate import COOKIE


def test_a_planted_session_is_not_taken_over(settings):
    """Session fixation: the token that a browser had before is worth nothing after the sign-in."""
    with browser(settings) as client:
        client.cookies.set(COOKIE, "planted")
        assert sign_in(client, "agent") == 303
        fresh = [cookie.value for cookie in client.cookies.jar if cookie.value != "planted"]
        assert len(fresh) == 1
        client.cookies.clear()
        client.cookies.set(COOKIE, "planted")
        assert client.get("/tiny/customers", follow_redirects=False).status_code == 303


def test_a_session_ends_on_the_server(settings):
    """After signing out its token opens nothing."""
    with browser(settings, "agent") as client:
        token = client.cookies[COOKIE]
        csrf = field(client.get("/tiny/customers").text, "csrf")
        client.post("/logout", data={"csrf": csrf})
        client.cookies.set(COOKIE, token)
        assert client.get("/tiny/customers", follow_redirects=False).status_code == 303


def test_a_name_is_locked_after_failures(settings):
    """Five wrong passwords, and then the right one does not help either; others may go on."""
    with browser(settings) as client:
        tried = [sign_in(client, "agent", f"wrong {place}") for place in range(5)]
        assert tried == [401] * 5
        assert sign_in(client, "agent") == 429
        assert sign_in(client, "model") == 303


def test_a_sign_in_leads_to_this_page_only(settings):
    """An address of another site as the next one is ignored."""
    with browser(settings) as client:
        for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
            form = {"name": "agent", "password": "correct horse battery", "next": target}
            answer = client.post("/login", data=form, follow_redirects=False)
            assert answer.headers["location"] == "/"
