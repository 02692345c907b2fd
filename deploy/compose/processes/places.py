"""Where the containers' names, addresses and paths are on this machine.

Each service has an address of loopback for itself, so that all ports stay as the file names them.
A named volume is a folder. A file that a container mounts is copied with its names and paths put
right, because no process here has a file system of its own.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from deploy.compose.processes.compose_file import Service

SECRETS = "/run/secrets"
WORK = "/app"  # where an image of ours starts its command
EVERYWHERE = ("0.0.0.0", "127.0.0.1")


@dataclass(frozen=True)
class Places:
    """A stack's folder, the folder of its compose file, and the addresses of its services."""

    state: Path
    source: Path
    addresses: Mapping[str, str]

    def root(self, service: Service) -> Path:
        """The folder that stands for a container's file system."""
        return self.state / "services" / service.name

    def paths(self, service: Service) -> dict[str, Path]:
        """Where each path of a container is here; a folder of mounted files is one as well."""
        root = self.root(service)
        found = {path: root / path.lstrip("/") for path in (WORK, SECRETS)}
        for source, target in service.mounts:
            inside = root / target.lstrip("/")
            found[target] = self.state / "volumes" / source
            if source.startswith("."):
                found[target] = inside
            if (self.source / source).is_file():
                found[str(Path(target).parent)] = inside.parent
        return found

    def put(self, text: str, service: Service) -> str:
        """A text of a service with the names and paths of this machine."""
        text = _names_put(text, self.addresses)
        for address in EVERYWHERE:
            text = re.sub(rf"(?<![\d.]){re.escape(address)}(?![\d.])", self.address(service), text)
        return _paths_put(text, self.paths(service))

    def address(self, service: Service) -> str:
        """The one address on which a service listens."""
        return self.addresses[service.name]

    def environment(self, service: Service) -> dict[str, str]:
        """The variables that the file gives a service."""
        made = {name: self.put(value, service) for name, value in service.environment.items()}
        # A variable that is a host holds its bare name.
        for name, value in service.environment.items():
            if name.endswith("_HOST") and value in self.addresses:
                made[name] = self.addresses[value]
        return made

    def prepare(self, service: Service) -> None:
        """Make the folders, volumes, mounted files and secrets of a service."""
        root, paths = self.root(service), self.paths(service)
        (root / WORK.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for source, target in service.mounts:
            if source.startswith("."):
                self._copy(self.source / source, paths[target], service)
            else:
                self._mount(paths[target], root / target.lstrip("/"))
        for name, source in service.secrets.items():
            target = root / SECRETS.lstrip("/") / name
            self._copy(self.state / "compose" / source, target, service)
            target.chmod(0o600)

    def _copy(self, source: Path, target: Path, service: Service) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.write_text(self.put(source.read_text(), service))

    @staticmethod
    def _mount(volume: Path, inside: Path) -> None:
        """A path that a program makes from its own folder must lead to the volume as well."""
        volume.mkdir(parents=True, exist_ok=True)
        inside.parent.mkdir(parents=True, exist_ok=True)
        if not inside.is_symlink():
            inside.symlink_to(volume)


def loopback_addresses(names: Iterable[str], state: Path) -> dict[str, str]:
    """An address per service, in a network of loopback that follows from the stack's folder."""
    chosen = sha256(str(state.resolve()).encode()).digest()
    second, third = 1 + chosen[0] % 254, chosen[1]
    return {name: f"127.{second}.{third}.{last}" for last, name in enumerate(sorted(names), 11)}


def _names_put(text: str, addresses: Mapping[str, str]) -> str:
    """A service's name is a host before a port, and after `host`; else it is a word."""
    longest_first = sorted(addresses, key=len, reverse=True)
    names = "|".join(re.escape(name) for name in longest_first)
    text = re.sub(
        rf"(?<![\w.-])({names})(?=:\d)",
        lambda found: addresses[found[1]],
        text,
    )
    return re.sub(
        rf"\b(host(?:=|: ))({names})(?![\w-])",
        lambda found: found[1] + addresses[found[2]],
        text,
    )


def _paths_put(text: str, paths: Mapping[str, Path]) -> str:
    longest_first = sorted(paths, key=len, reverse=True)
    named = "|".join(re.escape(path) for path in longest_first)
    return re.sub(
        rf"(?<![\w./])({named})(?![\w.-])",
        lambda found: str(paths[found[1]]),
        text,
    )
