"""Signs people in by OpenID Connect: the code flow with PKCE, and an ID token that is checked.

Authlib speaks the protocol; here stands what this page asks of it. A token counts only if it was
signed by a key of the provider with an asymmetric algorithm, is for this page, of this provider, of
this sign-in (nonce), and of now.
"""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from serving.errors import NotReady, ServingError
from serving.page.settings import PageSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Asymmetric alone: with a shared secret the page could make its own tokens, and so could whoever
reads its settings.
"""
SECONDS = 5.0
METADATA_SECONDS = 600.0
LEEWAY_SECONDS = 60  # clocks of two hosts

logger = logging.getLogger(__name__)


class SignInRefused(ServingError):
    """The provider did not sign the person in, or its token fails a check."""


class Person(msgspec.Struct, frozen=True):
    """Who signed in. id_token: kept for the sign-out at the provider."""

    name: str
    groups: tuple[str, ...]
    id_token: str


class Provider:
    """The provider of the settings. Its description and keys are asked for when they are needed,
    and kept for a while; threads may share it.
    """

    def __init__(self, settings: PageSettings):
        self._settings = settings
        self._mutex = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked_at = float("-inf")

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in. The verifier stays here; its hash goes along."""
        endpoint = self._described()["authorization_endpoint"]
        with self._session() as session:
            url, _ = session.create_authorization_url(
                endpoint,
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return url

    def person(self, code: str, *, nonce: str, verifier: str) -> Person:
        """Who the provider says has signed in, for a code that it gave to the browser.

        SignInRefused if it takes the code not, or its token fails a check; NotReady if it does not
        answer.
        """
        described = self._described()
        try:
            with self._session() as session:
                token = session.fetch_token(
                    described["token_endpoint"],
                    code=code,
                    grant_type="authorization_code",
                    code_verifier=verifier,
                    timeout=SECONDS,
                )
                claims = self._checked(token, nonce)
                claims = self._with_groups(session, claims)
        except requests.RequestException as error:
            raise self._silent(error) from error
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            raise SignInRefused(f"{type(error).__name__}: {error}") from error

        name = claims.get(self._settings.oidc_name_claim) or claims["sub"]
        groups = _texts(claims.get(self._settings.oidc_groups_claim))

        return Person(str(name), groups, token["id_token"])

    def sign_out_address(self, id_token: str) -> str | None:
        """Where the browser goes to sign out; None if the provider has no such place, or does not
        answer.
        """
        try:
            endpoint = self._described().get("end_session_endpoint")
        except NotReady:
            return None
        if not endpoint:
            return None

        query = urlencode(
            {
                "id_token_hint": id_token,
                "client_id": self._settings.oidc_client_id,
                "post_logout_redirect_uri": f"{self._settings.address}/login",
            }
        )
        # Some providers have a query in the address itself.
        separator = "&" if "?" in endpoint else "?"
        return f"{endpoint}{separator}{query}"

    def _checked(self, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token."""
        settings = self._settings
        described = self._described()
        offered = described.get("id_token_signing_alg_values_supported", ["RS256"])
        # Not what the token itself names, which may be "none", or a method by a shared secret.
        algorithms = []
        for name in offered:
            if name in ALGORITHMS:
                algorithms.append(name)

        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        try:
            read = jwt.decode(
                token["id_token"],
                self._key_set(),
                registry=registry,
            )
        except InvalidKeyIdError:
            # A provider changes its keys now and then.
            read = jwt.decode(
                token["id_token"],
                self._key_set(again=True),
                registry=registry,
            )
        options = {
            "iss": {"essential": True, "value": described["issuer"]},
            "aud": {"essential": True, "value": settings.oidc_client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        known = {
            "nonce": nonce,
            "client_id": settings.oidc_client_id,
            "access_token": token["access_token"],
        }
        claims = CodeIDToken(
            read.claims,
            read.header,
            options,
            known,
        )
        claims.validate(leeway=LEEWAY_SECONDS)
        return dict(claims)

    def _with_groups(self, session: OAuth2Session, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims, with those of the user's page where the token has no groups."""
        endpoint = self._described().get("userinfo_endpoint")
        if self._settings.oidc_groups_claim in claims or not endpoint:
            return claims

        answer = session.get(endpoint, timeout=SECONDS)
        answer.raise_for_status()
        told = answer.json()
        # OpenID Connect Core 5.3.2: the answer may be about another person, and must not count.
        if told.get("sub") != claims["sub"]:
            raise SignInRefused("the provider told of another person")

        # What is signed wins.
        return told | claims

    def _session(self) -> OAuth2Session:
        settings = self._settings
        return OAuth2Session(
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_secret or None,
            scope=" ".join(settings.oidc_scopes),
            redirect_uri=f"{settings.address}/oidc/callback",
            # Not "plain", which shows the verifier to all who see the browser's address.
            code_challenge_method="S256",
        )

    def _described(self) -> dict[str, Any]:
        """The provider's description of itself; NotReady if there is none, or it is another's."""
        issuer = self._settings.oidc_issuer.rstrip("/")
        with self._mutex:
            if time.monotonic() - self._asked_at < METADATA_SECONDS:
                return self._metadata

            try:
                found = _json(f"{issuer}/.well-known/openid-configuration")
            except (requests.RequestException, ValueError) as error:
                raise self._silent(error) from error

            # OpenID Connect Discovery 4.3: else one provider could speak for another.
            named = found.get("issuer")
            if str(named).rstrip("/") != issuer:
                raise NotReady(f"PAGE_OIDC_ISSUER={issuer} calls itself {named!r}")

            self._metadata = found
            self._keys = None
            self._asked_at = time.monotonic()
            return found

    def _key_set(self, *, again: bool = False) -> KeySet:
        described = self._described()
        with self._mutex:
            if self._keys is None or again:
                self._keys = KeySet.import_key_set(_json(described["jwks_uri"]))
            return self._keys

    def _silent(self, error: Exception) -> NotReady:
        logger.warning("sign-in provider %s: %s", self._settings.oidc_issuer, error)
        return NotReady("the sign-in provider does not answer now; try again")


def _json(url: str) -> Any:
    answer = requests.get(url, timeout=SECONDS)
    answer.raise_for_status()
    return answer.json()


def _texts(value: object) -> tuple[str, ...]:
    """Groups as a list, or as a text with commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Iterable):
        return ()

    return tuple(str(each).strip() for each in value)
