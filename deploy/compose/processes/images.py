"""What stands in for the images of others: the program, what its image adds to a command, and the
option by which it listens on one address.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.compose.processes.compose_file import Service
from deploy.compose.processes.places import SECRETS, Places
from deploy.compose.processes.postgres import Postgres

PUBLISHED_ON = "127.0.0.1"
OURS = ("churn-platform", "churn-serving")


@dataclass(frozen=True)
class Started:
    """What starts one service here."""

    command: list[str]
    environment: dict[str, str]
    folder: Path
    user: str | None = None
    stop_signal: int = signal.SIGTERM


class NoStandInError(Exception):
    """A program that an image holds is not on this machine."""


def started(service: Service, places: Places, published_on: str = PUBLISHED_ON) -> Started:
    """The command of a service; NoStandInError where nothing stands in for its image."""
    adapt = IMAGES.get(service.image)
    if service.image in OURS:
        adapt = _ours
    if adapt is None:
        raise NoStandInError(f"{service.name}: nothing here stands in for {service.image}")
    made = adapt(service, places, published_on)
    if not shutil.which(made.command[0], path=made.environment["PATH"]):
        raise NoStandInError(f"{service.name}: the program {made.command[0]} is not installed")
    return made


def search_path() -> str:
    """The value of PATH with the programs of this environment's wheels first."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def environment(service: Service, places: Places) -> dict[str, str]:
    """A service's variables, and those that every process needs."""
    home = places.root(service) / "home"
    home.mkdir(parents=True, exist_ok=True)
    # What the base of an image sets, or Docker itself; the secrets are not at /run here.
    base = {
        "PATH": search_path(),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONUNBUFFERED": "1",
        "SECRETS": str(places.paths(service)[SECRETS]),
    }
    return base | places.environment(service)


def _started(service: Service, places: Places, command: list[str], **more: str) -> Started:
    return Started(
        command=[places.put(word, service) for word in command],
        environment=environment(service, places) | more,
        folder=places.root(service) / "app",
    )


def _ours(service: Service, places: Places, _: str) -> Started:
    words = [*(service.entrypoint or []), *service.command]
    # A container needs a first process that reaps; here the machine has one.
    if words[:2] == ["tini", "--"]:
        words = words[2:]
    return _started(service, places, words)


def _postgres(service: Service, places: Places, _: str) -> Started:
    server = Postgres(
        data=places.paths(service)["/var/lib/postgresql/data"],
        scripts=places.paths(service)["/docker-entrypoint-initdb.d"],
        address=places.address(service),
        user=service.environment["POSTGRES_USER"],
        password=places.environment(service)["POSTGRES_PASSWORD_FILE"],
    )
    server.prepare()
    made = _started(service, places, [])
    # pg_isready would look for a socket file.
    variables = made.environment | {"PATH": server.path, "PGHOST": server.address}
    # As the image says: at SIGTERM the server waits until its clients go.
    return Started(server.command, variables, server.data, server.account, signal.SIGINT)


def _seaweedfs(service: Service, places: Places, _: str) -> Started:
    here = places.address(service)
    listens = [f"-ip={here}", f"-ip.bind={here}"]
    command = ["weed", "-logtostderr=true", *service.command, *listens]
    return _started(service, places, command)


def _caddy(service: Service, places: Places, published_on: str) -> Started:
    # Its ports are published, so it listens where they would be.
    kept = str(places.paths(service)["/data"])
    command = ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]
    return _started(service, places, command, BIND=published_on, XDG_DATA_HOME=kept)


def _prometheus(service: Service, places: Places, _: str) -> Started:
    listens = f"--web.listen-address={places.address(service)}:9090"
    return _started(service, places, ["prometheus", *service.command, listens])


def _alertmanager(service: Service, places: Places, _: str) -> Started:
    command = [
        "prometheus-alertmanager",
        "--config.file=/etc/alertmanager/alertmanager.yml",
        f"--storage.path={places.root(service)}/app",
        f"--web.listen-address={places.address(service)}:9093",
        "--cluster.listen-address=",
    ]
    return _started(service, places, command)


IMAGES: dict[str, Callable[[Service, Places, str], Started]] = {
    "postgres": _postgres,
    "seaweedfs": _seaweedfs,
    "caddy": _caddy,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
}
