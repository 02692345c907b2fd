"""People sign in at a real provider, and nothing but its own fresh token for this page counts."""

from urllib.parse import parse_qs, urlsplit

import msgspec

from churn_platform_tests.serving.page.conftest import browser, field
from churn_platform_tests.support.oidc_provider import OidcProvider, at_provider, sign_in, start
from serving.page.gate import COOKIE


def test_who_signs_in_has_the_roles_of_their_groups(own):
    """Ann is an agent: she goes where she wanted to, and sees no model."""
    with browser(own) as client:
        assert "/oidc/start?next=/tiny/customers" in client.get("/tiny/customers").text
        answer = sign_in(client)
        assert (answer.status_code, field_of_refresh(answer.text)) == (200, "/tiny/customers")
        assert "ann" in client.get("/tiny/customers").text
        assert client.get("/tiny/model").status_code == 403


def field_of_refresh(text: str) -> str:
    """Where the page goes on to."""
    return text.partition('content="0;url=')[2].partition('"')[0]


def test_the_provider_is_asked_with_pkce_state_and_nonce(own):
    """A code that leaks on the way is worth nothing without the verifier, which stays here."""
    with browser(own) as client:
        asked = parse_qs(urlsplit(start(client)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"] and asked["scope"] == ["openid profile"]
    assert all(len(asked[name][0]) > 40 for name in ("state", "nonce", "code_challenge"))


def test_state_belongs_to_one_sign_in_of_one_browser(own):
    """Another state, another browser, and the same one twice: begin again."""
    with browser(own) as client:
        back = at_provider(start(client))
        assert client.get("/oidc/callback?code=x&state=guessed").status_code == 400
        kept = dict(client.cookies)
        client.cookies.clear()
        assert client.get(back).status_code == 400
        client.cookies.update(kept)
        back = at_provider(start(client))
        assert client.get(back).status_code == 200
        assert client.get(back).status_code == 400


def test_who_the_provider_does_not_sign_in_is_told_so(own, provider: OidcProvider):
    """And who has no group with a role here."""
    with browser(own) as client:
        provider.refuses = "access_denied"
        assert sign_in(client).status_code == 403
        provider.refuses = ""
        provider.claims["groups"] = ["visitors"]
        answer = sign_in(client)
        assert answer.status_code == 403 and "none of your groups" in answer.text


def test_signing_out_ends_the_session_at_the_provider_too(own, provider: OidcProvider):
    """The browser goes there with the token that the session began with; here it opens nothing."""
    with browser(own) as client:
        sign_in(client)
        token = client.cookies[COOKIE]
        csrf = field(client.get("/tiny/customers").text, "csrf")
        answer = client.post("/logout", data={"csrf": csrf})
        address = urlsplit(field_of_refresh(answer.text).replace("&amp;", "&"))
        asked = parse_qs(address.query)
        assert address.path == "/logout" and asked["id_token_hint"][0].count(".") == 2
        assert asked["post_logout_redirect_uri"] == ["http://127.0.0.1:8090/login"]
        client.cookies.set(COOKIE, token)
        assert client.get("/tiny/customers", follow_redirects=False).status_code == 303


def test_a_silent_provider_is_told_plainly(own):
    """The page goes on, and local users can sign in."""
    gone = msgspec.structs.replace(own, oidc_issuer="http://127.0.0.1:9")
    with browser(gone, "agent") as client:
        assert client.get("/tiny/customers").status_code == 200
        answer = client.get("/oidc/start", follow_redirects=False)
        assert answer.status_code == 503 and "does not answer" in answer.text


def test_without_a_provider_there_is_no_way_to_one(settings):
    """Both addresses say so."""
    with browser(settings) as client:
        assert client.get("/oidc/start").status_code == 404
        assert client.get("/oidc/callback?code=x&state=y").status_code == 404
        assert "/oidc/start" not in client.get("/login").text
