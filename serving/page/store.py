"""What the page keeps in SQLite: sessions, failed sign-ins, and outcomes for the next agent's eyes.

Of outcomes the log is the record; here they stand so that they are seen at once, and after the
platform has taken the log's segments away.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from churn_platform.published.outcome_log import Outcome
from serving.storage.private_files import private_folder

TABLES = """
create table if not exists sessions (
    token_hash text primary key, user text not null, roles text not null, csrf text not null,
    begun real not null, seen real not null, id_token text not null default ''
);
create table if not exists sign_ins (
    state_hash text primary key, browser_hash text not null, nonce text not null,
    verifier text not null, target text not null, at real not null
);
create table if not exists failures (user text not null, at real not null);
create table if not exists outcomes (
    outcome_id text primary key, portfolio text not null, customer_id text not null,
    content blob not null
);
create index if not exists outcomes_of_customer on outcomes (portfolio, customer_id);
create table if not exists requests (
    request_id text primary key, at real not null, user text not null, kind text not null,
    subject text not null, reason text not null, state text not null, told text not null
);
"""


class Session(msgspec.Struct, frozen=True):
    """Who is signed in, and the token that their forms carry."""

    user: str
    roles: frozenset[str]
    csrf: str


class Store:
    """The page's database; threads may share it."""

    def __init__(self, path: Path):
        private_folder(path.parent)
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        # An erased outcome must not stay in free pages of the file.
        self._connection.execute("pragma secure_delete = on")
        self._connection.executescript(TABLES)
        _add_column(self._connection, "sessions", "id_token text not null default ''")
        # Whoever waited for it went down with the process before.
        self._connection.execute("update requests set state = 'lost' where state = 'waiting'")
        self._mutex = threading.Lock()

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._mutex:
            cursor = self._connection.cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    def begin_session(
        self, user: str, roles: Iterable[str], *, now: float, id_token: str = ""
    ) -> str:
        """A new session's token. It is never one that a browser brought along."""
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        row = (_hashed(token), user, ",".join(sorted(roles)), csrf, now, now, id_token)
        with self._cursor() as cursor:
            cursor.execute("insert into sessions values (?, ?, ?, ?, ?, ?, ?)", row)
        return token

    def begin_sign_in(
        self, browser: str, content: tuple[str, str, str], *, now: float, life: float
    ) -> str:
        """The state of a sign-in that a browser begins at a provider; content: nonce, verifier,
        where to go then.
        """
        state = secrets.token_urlsafe(32)
        with self._cursor() as cursor:
            cursor.execute("delete from sign_ins where at <= ?", (now - life,))
            row = (_hashed(state), _hashed(browser), *content, now)
            cursor.execute("insert into sign_ins values (?, ?, ?, ?, ?, ?)", row)
        return state

    def take_sign_in(
        self, state: str, browser: str, *, now: float, life: float
    ) -> tuple[str, str, str] | None:
        """What was kept of a sign-in, once; None if it is unknown, too old, or of another
        browser.
        """
        with self._cursor() as cursor:
            return cursor.execute(
                "delete from sign_ins where state_hash = ? and browser_hash = ? and at > ? "
                "returning nonce, verifier, target",
                (_hashed(state), _hashed(browser), now - life),
            ).fetchone()

    def session(self, token: str, *, now: float, idle: float, life: float) -> Session | None:
        """The session of a token, which it keeps alive; None if it has ended or never was."""
        key = _hashed(token)
        with self._cursor() as cursor:
            row = cursor.execute(
                "select user, roles, csrf from sessions "
                "where token_hash = ? and seen > ? and begun > ?",
                (key, now - idle, now - life),
            ).fetchone()
            if row is None:
                return None
            cursor.execute("update sessions set seen = ? where token_hash = ?", (now, key))
        return Session(row[0], frozenset(row[1].split(",")), row[2])

    def end_session(self, token: str) -> str:
        """Forget a session; the ID token that it began with, empty without one."""
        with self._cursor() as cursor:
            query = "delete from sessions where token_hash = ? returning id_token"
            row = cursor.execute(query, (_hashed(token),)).fetchone()
        return row[0] if row else ""

    def note_failure(self, user: str, *, now: float) -> None:
        """A failed sign-in."""
        with self._cursor() as cursor:
            cursor.execute("insert into failures values (?, ?)", (user, now))

    def failures(self, user: str, *, since: float) -> int:
        """Failed sign-ins of a name since an instant."""
        with self._cursor() as cursor:
            cursor.execute("delete from failures where at <= ?", (since,))
            query = "select count(*) from failures where user = ?"
            return cursor.execute(query, (user,)).fetchone()[0]

    def forget_failures(self, user: str) -> None:
        """A sign-in that went well begins anew."""
        with self._cursor() as cursor:
            cursor.execute("delete from failures where user = ?", (user,))

    def put_outcome(self, outcome: Outcome) -> None:
        """Show an outcome from now on; one that is shown already stays as it is."""
        row = (
            outcome.outcome_id,
            outcome.portfolio,
            outcome.customer_id,
            msgspec.msgpack.encode(outcome),
        )
        with self._cursor() as cursor:
            cursor.execute("insert or ignore into outcomes values (?, ?, ?, ?)", row)

    def has_outcome(self, outcome_id: str) -> bool:
        """Whether an outcome of that id was recorded."""
        with self._cursor() as cursor:
            query = "select 1 from outcomes where outcome_id = ?"
            return cursor.execute(query, (outcome_id,)).fetchone() is not None

    def outcomes(self, portfolio: str, customer_id: str) -> list[Outcome]:
        """What was recorded of a customer, the oldest first."""
        with self._cursor() as cursor:
            rows = cursor.execute(
                "select content from outcomes where portfolio = ? and customer_id = ?",
                (portfolio, customer_id),
            ).fetchall()
        found = [msgspec.msgpack.decode(content, type=Outcome) for (content,) in rows]
        return sorted(found, key=lambda outcome: outcome.at_us)

    def note_request(self, *, user: str, kind: str, subject: str, reason: str, now: float) -> str:
        """A decision that the platform is to carry out; its id."""
        request_id = secrets.token_hex(8)
        with self._cursor() as cursor:
            cursor.execute(
                "insert into requests values (?, ?, ?, ?, ?, ?, 'waiting', '')",
                (request_id, now, user, kind, subject, reason),
            )
        return request_id

    def settle_request(self, request_id: str, *, state: str, told: str) -> None:
        """What became of it."""
        with self._cursor() as cursor:
            cursor.execute(
                "update requests set state = ?, told = ? where request_id = ?",
                (state, told, request_id),
            )

    def requests(self, kind: str) -> list[dict]:
        """The newest decisions of a kind."""
        names = ("at", "user", "subject", "reason", "state", "told")
        with self._cursor() as cursor:
            rows = cursor.execute(
                f"select {', '.join(names)} from requests where kind = ? order by at desc limit 20",
                (kind,),
            ).fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]


def _add_column(connection: sqlite3.Connection, table: str, column: str) -> None:
    """Bring a database of an earlier version forward."""
    known = [row[1] for row in connection.execute(f"pragma table_info({table})")]
    if column.split()[0] not in known:
        connection.execute(f"alter table {table} add column {column}")


def _hashed(token: str) -> str:
    # Whoever reads the database must not be able to take over a session.
    return hashlib.sha256(token.encode()).hexdigest()
