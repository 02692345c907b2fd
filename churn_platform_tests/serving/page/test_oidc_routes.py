"""People sign in at a real provider, and nothing but its own fresh token for this page counts."""

import time
import urllib.request
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey
from litestar.testing import TestClient

from churn_platform_tests.serving.page.conftest import browser, field
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.oidc_provider import CLIENT, SECRET, OidcProvider, running
from serving.page.gate import COOKIE


@pytest.fixture
def provider():
    """A provider that signs ann of the call center in."""
    with running() as provider:
        yield provider


@pytest.fixture
def own(settings, provider, tmp_path):
    """A page that knows the provider; its secret is in a file."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return msgspec.structs.replace(
        settings,
        oidc_issuer=provider.address,
        oidc_client_id=CLIENT,
        oidc_client_secret_file=str(tmp_path / "secret"),
        group_roles=("call-center=agent",),
    )


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets the test follow, as the browser would."""

    def redirect_request(self, *_):
        return None


def at_provider(address: str) -> str:
    """What the provider sends the browser back to, as a path of the page."""
    try:
        urllib.request.build_opener(NoRedirect).open(address)
    except urllib.error.HTTPError as answer:
        back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def start(client: TestClient, target: str = "/tiny/customers") -> str:
    """Begin; the address at the provider."""
    answer = client.get(f"/oidc/start?next={target}", follow_redirects=False)
    assert answer.status_code == 303
    return answer.headers["location"]


def sign_in(client: TestClient):
    """The whole way; the answer of the page to who comes back."""
    return client.get(at_provider(start(client)))


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


WRONG = {
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another-page"},
    "another page's too": {"aud": [CLIENT, "another-page"]},
    "another issuer": {"iss": "https://evil.example"},
    "long expired": {"exp": int(time.time()) - 3600},
    "of the future": {"nbf": int(time.time()) + 3600, "iat": int(time.time()) + 3600},
}


@invariant("Service", "A sign-in counts only with a fresh token that the provider made for it.")
@pytest.mark.parametrize("name", WRONG)
def test_a_token_with_a_wrong_claim_is_refused(own, provider: OidcProvider, name):
    """Whatever is wrong, no session begins."""
    provider.wrong = WRONG[name]
    with browser(own) as client:
        answer = sign_in(client)
        assert answer.status_code == 403 and "refused" in answer.text
        assert COOKIE not in client.cookies


def test_a_token_of_another_signature_is_refused(own, provider: OidcProvider):
    """A key of the same name that is not the provider's, one that it does not know, and a shared
    secret.
    """
    for key, algorithm in (
        (ECKey.generate_key("P-256", {"kid": "one"}), "ES256"),
        (ECKey.generate_key("P-256", {"kid": "two"}), "ES256"),
        (OctKey.import_key(SECRET * 2, {"kid": "one"}), "HS256"),
    ):
        provider.key, provider.algorithm = key, algorithm
        with browser(own) as client:
            assert sign_in(client).status_code == 403
            assert COOKIE not in client.cookies


def test_a_new_key_of_the_provider_is_asked_for(own, provider: OidcProvider):
    """Keys are kept until a token names one that is not among them."""
    with browser(own) as client:
        assert sign_in(client).status_code == 200
        assert sign_in(client).status_code == 200
        assert provider.keys_asked == 1
        provider.published_key = provider.key = ECKey.generate_key("P-256", {"kid": "two"})
        assert sign_in(client).status_code == 200


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


def test_groups_may_stand_on_the_page_of_the_user(own, provider: OidcProvider):
    """Where the token has none; that of another person does not count."""
    del provider.claims["groups"]
    provider.told = {"sub": "u-7", "groups": "call-center, staff"}
    with browser(own) as client:
        assert sign_in(client).status_code == 200
        provider.told["sub"] = "u-8"
        assert sign_in(client).status_code == 403


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


def test_another_provider_s_description_is_refused(own, provider: OidcProvider):
    """It must call itself what the setting does."""
    other = provider.address.replace("127.0.0.1", "localhost")
    with browser(msgspec.structs.replace(own, oidc_issuer=other)) as client:
        assert client.get("/oidc/start", follow_redirects=False).status_code == 503


def test_without_a_provider_there_is_no_way_to_one(settings):
    """Both addresses say so."""
    with browser(settings) as client:
        assert client.get("/oidc/start").status_code == 404
        assert client.get("/oidc/callback?code=x&state=y").status_code == 404
        assert "/oidc/start" not in client.get("/login").text
