"""Every setting of the service, read from the environment (prefix `SERVING_`) once, at the edge."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.errors import ServiceSettingsError

PREFIX = "SERVING_"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Positive = Meta(gt=0)


def _about(sentence: str) -> Meta:
    return Meta(description=sentence)


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings with a sentence each; unknown `SERVING_` variables are refused
    by `load_settings`.
    """

    published_dir: Annotated[
        Path, _about("Folder with the published bundles, one folder per portfolio.")
    ] = Path("data/published")
    state_dir: Annotated[
        Path,
        _about(
            "Folder that the service writes: API keys, prediction log, pushed features, counters."
        ),
    ] = Path("data/serving")
    store: Annotated[
        str,
        _about(
            "Store that several hosts share, as CHURN_STORE of the platform: what is live comes "
            "from it into published_dir, closed segments of the log go to it; empty for none."
        ),
    ] = ""
    store_endpoint: Annotated[
        str, _about("Host and port of an S3-compatible store; empty for that of AWS.")
    ] = ""
    store_region: Annotated[str, _about("Region of an s3:// store.")] = "us-east-1"
    store_ssl: Annotated[bool, _about("Whether the endpoint speaks HTTPS.")] = True
    store_key_id: Annotated[
        str, _about("Access key of the store; empty to look for credentials as AWS's own tools do.")
    ] = ""
    store_secret_key: Annotated[str, _about("Secret of the access key.")] = ""
    store_session_token: Annotated[str, _about("Session token of a temporary access key.")] = ""
    store_url_style: Annotated[
        Literal["", "path", "vhost"],
        _about(
            "Whether the bucket is in the `path` of an address or before its host (`vhost`); "
            "empty: path with an endpoint, vhost without."
        ),
    ] = ""
    default_portfolio: Annotated[
        str, _about("Portfolio served at the root; empty for the first by name of those published.")
    ] = ""
    host: Annotated[
        str,
        _about(
            "IP address to listen on, or localhost; other than loopback needs at least one API key."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535), _about("Port to listen on.")] = 8080
    workers: Annotated[int, Meta(ge=1), _about("Worker processes.")] = 1
    drain_seconds: Annotated[
        int, Meta(ge=1), _about("How long a worker may finish its requests when it is stopped.")
    ] = 10
    watchdog_seconds: Annotated[
        int,
        Meta(ge=1),
        _about("How long a worker's event loop may be blocked before it is replaced."),
    ] = 30
    poll_seconds: Annotated[
        float, Positive, _about("How often each worker looks for a new live.json and new keys.")
    ] = 1.0
    body_bytes_max: Annotated[int, Positive, _about("Largest request body in bytes.")] = 1 << 20
    batch_max: Annotated[int, Positive, _about("Most customers in one batch.")] = 500
    request_seconds: Annotated[
        float, Positive, _about("How long a request may take to arrive.")
    ] = 10.0
    requests_per_second: Annotated[
        float,
        Positive,
        _about(
            "Customers a second for a key without its own rate; bursts of a second are allowed."
        ),
    ] = 1000.0
    push_ttl_seconds: Annotated[
        float, Positive, _about("How long a pushed feature counts unless the push says.")
    ] = 86400.0
    push_ttl_seconds_max: Annotated[
        float, Positive, _about("Longest life that a push may ask for.")
    ] = 604800.0
    share_pushes: Annotated[
        bool,
        _about(
            "Whether each push is also put into outbox/ of the state folder, from where "
            "`churn stream` publishes it to all hosts."
        ),
    ] = False
    traffic_key: Annotated[
        str,
        _about(
            "Key of the hash that sends a customer to a version; the same in every worker and host."
        ),
    ] = "churn-platform"
    cors_origins: Annotated[
        tuple[str, ...],
        _about("Web origins that may call from a browser, separated by commas; empty for none."),
    ] = ()
    log_level: Annotated[
        str,
        _about(
            "Lowest level of the service's own log lines: debug, info, warning, error or critical."
        ),
    ] = "INFO"
    access_log: Annotated[bool, _about("Whether each request is logged, without its body.")] = False
    log_segment_bytes: Annotated[
        int, Positive, _about("Size at which a segment of the prediction log is closed.")
    ] = 32 << 20
    log_segment_seconds: Annotated[float, Positive, _about("Age at which it is closed.")] = 60.0
    log_fsync_seconds: Annotated[
        float,
        Meta(ge=0),
        _about("How often the prediction log is synced to disk; 0 leaves it to the system."),
    ] = 0.0

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK

    @property
    def heartbeats_dir(self) -> Path:
        """Where workers count, so that one that hangs is noticed."""
        return self.state_dir / "heartbeats"

    @property
    def keys_file(self) -> Path:
        """The API keys, hashed."""
        return self.state_dir / "keys.json"

    @property
    def log_dir(self) -> Path:
        """The prediction log, a folder per portfolio."""
        return self.state_dir / "log"

    @property
    def metrics_dir(self) -> Path:
        """The counters of the worker processes, for Prometheus."""
        return self.state_dir / "metrics"

    @property
    def experiments_dir(self) -> Path:
        """What the versions of experiments have answered, a folder per portfolio."""
        return self.state_dir / "experiments"


def load_settings(
    environment: Mapping[str, str] | None = None, **overrides: object
) -> ServiceSettings:
    """Settings from the environment, with `overrides` on top; ServiceSettingsError names what is
    wrong.
    """
    # A variable that is empty, or blank, means the default: as a path it would be the current
    # folder.
    given = os.environ if environment is None else environment
    fields = {field.name: field.type for field in msgspec.structs.fields(ServiceSettings)}
    known = [PREFIX + name.upper() for name in fields]

    unknown = []
    read = {}
    for variable, text in given.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX):
            continue
        if name not in fields:
            unknown.append(PREFIX + name.upper())
        elif text.strip():
            read[name] = (text, fields[name])

    if unknown:
        raise ServiceSettingsError(
            f"unknown setting {', '.join(sorted(unknown))}; known are {', '.join(known)}"
        )

    values = {name: _read(name, text, wanted) for name, (text, wanted) in read.items()}
    return ServiceSettings(**values | overrides)  # type: ignore[arg-type]


def _read(name: str, text: str, wanted: object) -> object:
    try:
        return converted(READERS[name](text) if name in READERS else text, wanted)
    except (msgspec.ValidationError, ValueError) as error:
        raise ServiceSettingsError(f"{PREFIX}{name.upper()}={text!r}: {error}") from error


def converted(value: object, wanted: object) -> object:
    """The value of a variable in the type of its setting; ValueError says what is wrong."""
    return msgspec.convert(value, wanted, strict=False, dec_hook=_made)


def _made(kind: type, value: object) -> object:
    if kind is Path and ADDRESS.match(str(value)):
        # As a path it would be a folder that is not there, with nothing in it, without a word.
        raise ValueError(
            "an address is not supported; give a folder on a disk of this machine, as a plain path"
        )
    return kind(value)


def _origins(text: str) -> tuple[str, ...]:
    parts = map(str.strip, text.split(","))
    return tuple(filter(None, parts))


def _address(text: str) -> str:
    return "127.0.0.1" if text.lower() == "localhost" else str(ipaddress.ip_address(text))


def _level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"not one of {', '.join(LOG_LEVELS)}")
    return text.upper()


READERS: dict[str, Callable[[str], object]] = {
    "cors_origins": _origins,
    "host": _address,
    "log_level": _level,
}
