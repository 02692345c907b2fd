"""A small OpenID Connect provider on loopback: it signs anybody in, and its tokens are real."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from litestar.testing import TestClient

CLIENT, SECRET = "churn-page", "provider's secret"


class OidcProvider:
    """What the provider knows, and what a test makes wrong with it.

    claims: of the person. wrong: claims of the token in place of the right ones. key, algorithm:
    what signs; published_key: what the provider says its key is. refuses: an error instead of a
    code.
    """

    def __init__(self) -> None:
        self.published_key = ECKey.generate_key("P-256", {"kid": "one"})
        self.key: ECKey | OctKey = self.published_key
        self.algorithm = "ES256"
        self.claims: dict[str, Any] = {
            "sub": "u-7",
            "preferred_username": "ann",
            "groups": ["call-center"],
        }
        self.told: dict[str, Any] = {}
        self.wrong: dict[str, Any] = {}
        self.refuses = ""
        self.address = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.keys_asked = 0

    def description(self) -> dict[str, Any]:
        """The page that clients begin with."""
        at = self.address
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "jwks_uri": f"{at}/keys",
            "end_session_endpoint": f"{at}/logout",
            "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
        }

    def keys(self) -> dict[str, Any]:
        """The public key."""
        self.keys_asked += 1
        return {"keys": [self.published_key.as_dict(private=False)]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to: with a code, or an error."""
        if self.refuses:
            back = {"error": self.refuses, "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(8)
            self.codes[code] = asked
            back = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Tokens for a code, once; None unless client, code, address and verifier fit."""
        asked = self.codes.pop(form.get("code", ""), None)
        login = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            asked is None
            or authorization != f"Basic {login}"
            or asked.get("code_challenge_method") != "S256"
            or asked.get("code_challenge") != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }
        header = {"alg": self.algorithm, "kid": self.key.kid}
        signed = jwt.encode(
            header, claims | self.claims | self.wrong, self.key, algorithms=[self.algorithm]
        )
        return {"access_token": "a", "token_type": "Bearer", "id_token": signed}


@contextmanager
def running() -> Iterator[OidcProvider]:
    """The provider behind a real HTTP server."""
    provider = OidcProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, urlsplit(self.path).query
            if path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(query).items()}
                self.send_response(302)
                self.send_header("location", provider.authorize(asked))
                self.end_headers()
            elif path == "/.well-known/openid-configuration":
                self._send(provider.description())
            elif path == "/keys":
                self._send(provider.keys())
            else:
                self._send(provider.told)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            made = provider.token(form, self.headers.get("authorization", ""))
            self._send(made or {"error": "invalid_grant"}, 200 if made else 400)

        def _send(self, content: dict[str, Any], status: int = 200) -> None:
            sent = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class NoRedirect(HTTPRedirectHandler):
    """Lets the test follow, as the browser would."""

    def redirect_request(self, *_):
        return None


def at_provider(address: str) -> str:
    """What the provider sends the browser back to, as a path of the page."""
    try:
        build_opener(NoRedirect).open(address)
    except HTTPError as answer:
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
