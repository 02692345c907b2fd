"""`python -m serving`: runs the service. `python -m serving keys ...`: makes, lists and revokes API
keys.
"""

import argparse
import logging
import logging.config
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from serving.errors import ServiceSettingsError
from serving.logs import log_config
from serving.security.api_keys import SCOPES, add_key, closed_file, read_keys, revoke_key
from serving.security.ownership import connections_allowed, port_claimed, state_claimed
from serving.settings import ServiceSettings, load_settings

if TYPE_CHECKING:
    from serving.storage.replica import Replica


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 1 and one line on standard error where it cannot."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        if parsed.command == "keys":
            _keys(parsed, settings)
        else:
            with (
                state_claimed(settings.state_dir),
                port_claimed(settings.host, settings.port),
            ):
                serve(settings)
    except ServiceSettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

    return 0


def serve(settings: ServiceSettings) -> None:
    """Run the workers until a signal; each finishes its requests first. State folder and port must
    be claimed.
    """
    connections = connections_allowed(settings.workers)
    os.umask(0o077)  # what workers write tells of customers
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(
        settings.metrics_dir
    )  # read when prometheus_client is imported
    # Only here, before any worker counts: prometheus_client would add up files of earlier starts.
    _forget_counters(settings.metrics_dir)
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces

    from serving.app import check_exposure
    from serving.security.key_ring import KeyRing
    from serving.watchdog import watch_workers

    logging.config.dictConfig(log_config(settings.log_level))
    ring = KeyRing(settings.keys_file)
    # Once before the workers, so that the error is one line and not one traceback for each of them.
    check_exposure(settings, ring)
    ring.close()

    replica = _followed_store(settings) if settings.store else None

    watch_workers(settings.heartbeats_dir, looks=settings.watchdog_seconds)
    Granian(
        "serving.app:create_worker",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        # where it may be HTTP/2, granian waits for ever for a silent client to say which
        http=HTTPModes.http1,
        # The service has no websocket; an upgrade request is then an ordinary error.
        websockets=False,
        backpressure=connections,
        log_dictconfig=log_config(settings.log_level),
        respawn_failed_workers=True,
        # A worker that was killed is replaced at once: the others bear its load until then.
        respawn_interval=0.1,
        workers_kill_timeout=settings.drain_seconds,
    ).serve()
    if replica is not None:
        # The workers have closed their segments as they ended.
        replica.look()


def _followed_store(settings: ServiceSettings) -> "Replica":
    # 15 MB that a service on a single host does without.
    from serving.storage.replica import keep_in_step, replica_of

    replica = replica_of(settings)
    # Once before the workers, so that the first request finds what is live.
    replica.look()
    keep_in_step(replica, seconds=settings.poll_seconds)
    return replica


def _forget_counters(folder: Path) -> None:
    from serving.storage.shared_counters import remove_counters

    try:
        remove_counters(folder)
    except OSError as error:
        raise ServiceSettingsError(
            f"{folder}: counters of the last start cannot be removed: {error}; correct its rights"
        ) from error


def _keys(parsed: argparse.Namespace, settings: ServiceSettings) -> None:
    path = settings.keys_file
    if parsed.action == "add":
        secret = add_key(
            path,
            name=parsed.name,
            scopes=parsed.scope,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            requests_per_second=parsed.rate,
            portfolios=parsed.portfolio,
        )
        print(f"{secret}\n(shown once; send it in the header X-API-Key)")
    elif parsed.action == "revoke":
        left = revoke_key(path, name=parsed.name)
        print(f"{parsed.name} is revoked; workers refuse it within {settings.poll_seconds:g} s")
        if not left:
            print(
                "no key is left, so every request is refused until you make one; "
                "to open the service, stop it and remove "
                f"{path} and {closed_file(path)}"
            )
    else:
        for key in read_keys(path):
            rate = key.requests_per_second or settings.requests_per_second
            portfolios = ",".join(key.portfolios) or "all portfolios"
            print(f"{key.name}\t{','.join(key.scopes)}\t{rate:g}/s\t{portfolios}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the service (the default)")
    keys = commands.add_parser("keys", help="API keys").add_subparsers(dest="action", required=True)
    add = keys.add_parser("add", help="make a key and print it once")
    add.add_argument("--name", required=True, help="who uses it")
    add.add_argument(
        "--scope",
        required=True,
        action="append",
        choices=SCOPES,
        help="what it may do; repeatable",
    )
    add.add_argument(
        "--portfolio",
        action="append",
        default=[],
        help="one that it is for; repeatable; default all",
    )
    add.add_argument(
        "--rate",
        type=float,
        help="customers per second; default SERVING_REQUESTS_PER_SECOND",
    )
    keys.add_parser("list", help="names, scopes, rates and portfolios")
    revoke = keys.add_parser("revoke", help="take a key away")
    revoke.add_argument("--name", required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
