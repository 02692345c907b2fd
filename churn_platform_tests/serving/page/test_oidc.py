"""Nothing but a provider's own fresh token for this page counts."""

import time

import msgspec
import pytest
from joserfc.jwk import ECKey, OctKey

from churn_platform_tests.serving.page.conftest import browser
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.oidc_provider import CLIENT, SECRET, OidcProvider, sign_in
from serving.page.gate import COOKIE

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


def test_groups_may_stand_on_the_page_of_the_user(own, provider: OidcProvider):
    """Where the token has none; that of another person does not count."""
    del provider.claims["groups"]
    provider.told = {"sub": "u-7", "groups": "call-center, staff"}
    with browser(own) as client:
        assert sign_in(client).status_code == 200
        provider.told["sub"] = "u-8"
        assert sign_in(client).status_code == 403


def test_another_provider_s_description_is_refused(own, provider: OidcProvider):
    """It must call itself what the setting does."""
    other = provider.address.replace("127.0.0.1", "localhost")
    with browser(msgspec.structs.replace(own, oidc_issuer=other)) as client:
        assert client.get("/oidc/start", follow_redirects=False).status_code == 503
