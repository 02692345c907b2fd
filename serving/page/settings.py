"""Every setting of the page, read from the environment (prefix `PAGE_`) once, at the edge."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from serving.errors import ServiceSettingsError
from serving.settings import LOOPBACK, converted

PREFIX = "PAGE_"
SEPARATED = (
    *("frame_ancestors", "proxy_addresses", "group_roles", "platform_command", "oidc_scopes"),
)

Positive = Meta(gt=0)


def _about(sentence: str) -> Meta:
    return Meta(description=sentence)


class PageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings with a sentence each; unknown `PAGE_` variables are refused by `load_settings`."""

    published_dir: Annotated[
        Path, _about("Folder with the published bundles, one folder per portfolio.")
    ] = Path("data/published")
    state_dir: Annotated[
        Path, _about("Folder that the page writes: users, sessions, outcomes, access log.")
    ] = Path("data/page")
    host: Annotated[
        str, _about("IP address to listen on; other than loopback belongs behind a proxy with TLS.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535), _about("Port to listen on.")] = 8090
    service_url: Annotated[str, _about("Address of the scoring service, for what-ifs.")] = (
        "http://127.0.0.1:8080"
    )
    service_key: Annotated[
        str, _about("Secret key for the scoring service, with the scopes score and features.")
    ] = ""
    phone_key_file: Annotated[
        Path, _about("File with the key of the phone-number hash, to search by number.")
    ] = Path("data/secrets/phone_hash.key")
    time_zone: Annotated[str, _about("Time zone in which the page tells times.")] = "UTC"
    language: Annotated[str, _about("Name of the catalogue of texts.")] = "en"
    secure_cookie: Annotated[
        bool, _about("Whether the session cookie is sent over TLS only; true behind a proxy.")
    ] = False
    session_idle_seconds: Annotated[
        float, Positive, _about("Idle time after which a session ends.")
    ] = 1800.0
    session_seconds: Annotated[float, Positive, _about("Longest life of a session.")] = 43200.0
    failures_max: Annotated[
        int, Positive, _about("Failed sign-ins of a name after which it is locked.")
    ] = 5
    lock_seconds: Annotated[float, Positive, _about("How long a name stays locked.")] = 900.0
    outcome_segment_seconds: Annotated[
        float, Positive, _about("Age at which a segment of recorded outcomes is closed.")
    ] = 30.0
    platform_command: Annotated[
        tuple[str, ...],
        _about("Command of the platform that carries out decisions on versions, by commas."),
    ] = ("churn",)
    proxy_header: Annotated[
        str, _about("Header in which a trusted proxy names the user; empty for none.")
    ] = ""
    proxy_groups_header: Annotated[
        str, _about("Header in which it names the user's groups, separated by commas.")
    ] = "x-forwarded-groups"
    proxy_addresses: Annotated[
        tuple[str, ...], _about("Addresses of the proxies that are trusted.")
    ] = ()
    group_roles: Annotated[
        tuple[str, ...],
        _about("Roles of groups, as group=role, separated by commas."),
    ] = ()
    public_url: Annotated[
        str, _about("Address by which browsers reach the page; empty: by host and port.")
    ] = ""
    oidc_issuer: Annotated[
        str, _about("Address of the OpenID Connect provider that signs people in; empty for none.")
    ] = ""
    oidc_label: Annotated[str, _about("What the provider is called on the form.")] = "your account"
    oidc_client_id: Annotated[str, _about("Name of this page at the provider.")] = ""
    oidc_client_secret: Annotated[
        str, _about("Secret of this page at the provider; empty for a public client.")
    ] = ""
    oidc_client_secret_file: Annotated[
        str, _about("File with that secret, in place of it; empty for none.")
    ] = ""
    oidc_scopes: Annotated[tuple[str, ...], _about("Scopes that are asked for.")] = (
        "openid",
        "profile",
    )
    oidc_name_claim: Annotated[
        str, _about("Claim that names the user; without it the subject does.")
    ] = "preferred_username"
    oidc_groups_claim: Annotated[str, _about("Claim with the user's groups.")] = "groups"
    frame_ancestors: Annotated[
        tuple[str, ...], _about("Origins that may embed the card of a customer; empty for none.")
    ] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in LOOPBACK

    @property
    def address(self) -> str:
        """By which browsers reach the page."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def oidc_secret(self) -> str:
        """The secret at the provider; OSError if its file cannot be read."""
        if self.oidc_client_secret_file:
            return Path(self.oidc_client_secret_file).read_text().strip()
        return self.oidc_client_secret

    @property
    def users_file(self) -> Path:
        """Local users, passwords hashed."""
        return self.state_dir / "users.json"

    @property
    def outcomes_dir(self) -> Path:
        """The log of recorded outcomes, a folder per portfolio."""
        return self.state_dir / "outcomes"

    @property
    def access_dir(self) -> Path:
        """Who looked at whom, a file per month."""
        return self.state_dir / "access"

    @property
    def database(self) -> Path:
        """Sessions, failures and recent outcomes."""
        return self.state_dir / "page.sqlite"


def load_settings(
    environment: Mapping[str, str] | None = None, **overrides: object
) -> PageSettings:
    """Settings from the environment, with `overrides` on top; ServiceSettingsError names what is
    wrong. A variable that is empty means the default.
    """
    given = os.environ if environment is None else environment
    fields = {field.name: field.type for field in msgspec.structs.fields(PageSettings)}
    values: dict[str, object] = {}
    for variable, text in given.items():
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in fields:
            known = ", ".join(PREFIX + field.upper() for field in fields)
            raise ServiceSettingsError(f"unknown setting {variable}; known are {known}")
        values[name] = _read(variable, name, text, fields[name])
    settings = PageSettings(**values | overrides)  # type: ignore[arg-type]
    _check_sign_in(settings)
    try:
        ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ServiceSettingsError(
            f"{PREFIX}TIME_ZONE={settings.time_zone!r}: no time zone; write as Europe/Rome"
        ) from error
    return settings


def _check_sign_in(settings: PageSettings) -> None:
    """ServiceSettingsError if people could not sign in as the settings say."""
    if not settings.oidc_issuer:
        return
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme != "https" and issuer.hostname not in LOOPBACK:
        raise ServiceSettingsError(
            f"{PREFIX}OIDC_ISSUER={settings.oidc_issuer!r}: give an address that begins with "
            "https://; in clear anyone on the way could sign in"
        )
    if not settings.oidc_client_id or not settings.group_roles:
        raise ServiceSettingsError(
            f"{PREFIX}OIDC_ISSUER needs {PREFIX}OIDC_CLIENT_ID, and {PREFIX}GROUP_ROLES to give "
            "groups their roles, such as call-center=agent"
        )
    if settings.proxy_header:
        raise ServiceSettingsError(
            f"{PREFIX}OIDC_ISSUER and {PREFIX}PROXY_HEADER are two ways to sign in; unset one"
        )
    secret = settings.oidc_client_secret_file
    if secret and not os.access(secret, os.R_OK):
        raise ServiceSettingsError(
            f"{PREFIX}OIDC_CLIENT_SECRET_FILE={secret!r} cannot be read; correct the path or the "
            "rights"
        )


def _read(variable: str, name: str, text: str, wanted: object) -> object:
    value: object = text
    if name in SEPARATED:
        value = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return converted(value, wanted)
    except (msgspec.ValidationError, ValueError) as error:
        raise ServiceSettingsError(f"{variable}={text!r}: {error}") from error
