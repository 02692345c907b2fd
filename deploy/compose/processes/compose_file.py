"""Reads a compose file: its variables, its services, and the order in which they can start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
UNITS = {"s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class HealthCheck:
    """A command that says whether a service is healthy, and how often it is asked."""

    command: list[str]
    interval_seconds: float
    """Between two checks while it starts."""
    timeout_seconds: float
    retries: int


@dataclass(frozen=True)
class Service:
    """One service as the file states it, with names and paths of the containers."""

    name: str
    image: str
    entrypoint: list[str] | None
    command: list[str]
    environment: dict[str, str]
    mounts: list[tuple[str, str]]
    """(a named volume, or a path beside the file; the path in the container)."""
    secrets: dict[str, str]
    """File beside the compose file, by name."""
    health: HealthCheck | None
    waits_for: dict[str, str]
    """What must hold of another service first, by its name: started, healthy, or completed."""
    profiles: list[str] = field(default_factory=list)


def read_services(file: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """Every service of a file, by name; `variables` are those that `.env` would give."""
    text = VARIABLE.sub(lambda found: variables.get(found[1], found[2] or ""), file.read_text())
    content = yaml.safe_load(text)
    files = {name: secret["file"] for name, secret in content["secrets"].items()}
    return {name: _service(name, one, files) for name, one in content["services"].items()}


def starting_order(services: Mapping[str, Service], *, profile: str = "") -> list[str]:
    """Names of the services that `docker compose up` starts, each after what it waits for."""
    chosen = {}
    for name, one in services.items():
        if not one.profiles or profile in one.profiles:
            chosen[name] = set(one.waits_for)
    return list(TopologicalSorter(chosen).static_order())


def _service(name: str, one: dict[str, Any], files: Mapping[str, str]) -> Service:
    environment = {key: str(value) for key, value in one.get("environment", {}).items()}
    mounts = [tuple(mount.split(":")[:2]) for mount in one.get("volumes", [])]
    waits_for = {
        other: said["condition"].removeprefix("service_")
        for other, said in one.get("depends_on", {}).items()
    }
    return Service(
        name=name,
        image=one["image"].rsplit("/", 1)[-1].split(":")[0],
        entrypoint=one.get("entrypoint"),
        command=[str(word) for word in one.get("command", [])],
        environment=environment,
        mounts=mounts,
        secrets={secret: files[secret] for secret in one.get("secrets", [])},
        health=_health_check(one.get("healthcheck", {})),
        waits_for=waits_for,
        profiles=one.get("profiles", []),
    )


def _health_check(said: dict[str, Any]) -> HealthCheck | None:
    if "test" not in said:
        return None
    every = _seconds(said.get("start_interval", said["interval"]))
    # What fails within the period of the start is not counted.
    uncounted = int(_seconds(said.get("start_period", "0s")) / every)
    return HealthCheck(
        command=[str(word) for word in said["test"][1:]],  # the first word is CMD
        interval_seconds=every,
        timeout_seconds=_seconds(said["timeout"]),
        retries=said["retries"] + uncounted,
    )


def _seconds(duration: str) -> float:
    return float(duration[:-1]) * UNITS[duration[-1]]
