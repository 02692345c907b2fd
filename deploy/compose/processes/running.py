"""Starts services in their order, waits for their health, and stops them all."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.compose.processes.compose_file import HealthCheck, Service, starting_order
from deploy.compose.processes.images import PUBLISHED_ON, NoStandInError, Started, started
from deploy.compose.processes.places import Places

STOP_SECONDS = 20.0
STEP_SECONDS = 0.5


class StackError(Exception):
    """A service that did not start, or did not become healthy."""


@dataclass
class Stack:
    """The services of a file as processes."""

    services: Mapping[str, Service]
    places: Places
    published_on: str = PUBLISHED_ON
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stop_signals: dict[str, int] = field(default_factory=dict)
    healthy: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    """Why a service was not started, by its name."""
    say: Callable[[str], None] = lambda line: None
    """Told what is reached, for it takes minutes."""

    def log(self, name: str) -> Path:
        """What a service writes."""
        return self.places.state / "logs" / f"{name}.log"

    def start(self) -> None:
        """Start each service once what it waits for holds."""
        for name in starting_order(self.services):
            service = self.services[name]
            for other, condition in service.waits_for.items():
                self.wait(other, condition)
            self._start(service)
        for name, service in self.services.items():
            if name in self.running and service.health:
                self.wait(name, "healthy")

    def wait(self, name: str, condition: str) -> None:
        """Return once a service is `started`, `healthy`, or `completed_successfully`."""
        if name in self.left_out:
            raise StackError(self.left_out[name])
        process = self.running[name]
        if condition == "completed_successfully":
            if process.wait() != 0:
                raise self._failed(name, f"ended with {process.returncode}")
        elif condition == "healthy" and name not in self.healthy:
            health = self.services[name].health
            assert health, f"{name} has no health check"
            self._wait_for_health(name, health)
            self.healthy.add(name)
            self.say(f"{name} is healthy")

    def run(self, name: str, command: list[str] | None = None) -> int:
        """The exit code of a service's command, or of another in its place, run to its end."""
        service = self.services[name]
        self.places.prepare(service)
        made = started(service, self.places)
        if command:
            prefix = made.command[: len(made.command) - len(service.command)]
            made.command[:] = [*prefix, *(self.places.put(word, service) for word in command)]
        return subprocess.run(made.command, env=made.environment, cwd=made.folder).returncode

    def ended(self) -> dict[str, int]:
        """Exit codes of services that should run on, and do not."""
        found = {}
        for name, process in self.running.items():
            code = process.poll()
            if code is not None and not self._ends_by_itself(name):
                found[name] = code
        return found

    def stop(self) -> None:
        """End every process that was started, the last one first, with what it started."""
        for name, process in reversed(list(self.running.items())):
            if process.poll() is None:
                os.killpg(process.pid, self.stop_signals[name])
        given_up_at = time.monotonic() + STOP_SECONDS
        for process in reversed(list(self.running.values())):
            try:
                process.wait(max(0.1, given_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _ends_by_itself(self, name: str) -> bool:
        waited_for = [one.waits_for.get(name) for one in self.services.values()]
        return "completed_successfully" in waited_for

    def _start(self, service: Service) -> None:
        self.places.prepare(service)
        try:
            made = started(service, self.places, self.published_on)
        except NoStandInError as error:
            self.left_out[service.name] = str(error)
            return
        self.stop_signals[service.name] = made.stop_signal
        self.running[service.name] = self._process(service.name, made)

    def _process(self, name: str, made: Started) -> subprocess.Popen[bytes]:
        self.log(name).parent.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("wb") as log:
            return subprocess.Popen(
                made.command,
                env=made.environment,
                cwd=made.folder,
                user=made.user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Stopped one by one, not by the terminal's Ctrl-C.
                start_new_session=True,
            )

    def _wait_for_health(self, name: str, health: HealthCheck) -> None:
        service = self.services[name]
        made = started(service, self.places, self.published_on)
        command = [self.places.put(word, service) for word in health.command]
        for _ in range(health.retries):
            self._pause(name, health.interval_seconds)
            if _succeeds(command, made, health.timeout_seconds):
                return
        raise self._failed(name, f"is not healthy after {health.retries} checks")

    def _pause(self, name: str, seconds: float) -> None:
        """Wait, and notice at once if the process ends meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.running[name].poll() is not None:
                raise self._failed(name, f"ended with {self.running[name].returncode}")
            time.sleep(STEP_SECONDS)

    def _failed(self, name: str, what: str) -> StackError:
        lines = self.log(name).read_text(errors="replace").splitlines()[-15:]
        return StackError("\n".join([f"{name} {what}; {self.log(name)} ends so:", *lines]))


@contextmanager
def up(stack: Stack) -> Iterator[Stack]:
    """The stack, healthy within, stopped after."""
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def _succeeds(command: list[str], made: Started, seconds: float) -> bool:
    try:
        done = subprocess.run(
            command,
            env=made.environment,
            cwd=made.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
