"""What a source's refusals mean, by their text: DuckDB has one class for most of them.

The library's own message may quote a statement with a password in it. So the error that is raised
has no cause and no context, and its text is without any credential.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import duckdb
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from churn_platform.errors import SourceError, SourceUnreachableError
from churn_platform.sources.credentials import Credentials

Result = TypeVar("Result")
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
# Not tried again: a wrong password that is repeated locks the user.
REFUSED_SIGNS = (
    "authentication failed",
    "access denied",
    "permission denied",
    "no password supplied",
    "login failed",
    "invalid username",
    "does not exist",
    "unknown database",
    "403",
    "401",
)
UNREACHABLE_SIGNS = (
    "unable to connect",
    "failed to connect",
    "could not connect",
    "connection to server",
    "connection refused",
    "could not resolve",
    "can't connect",
    "timeout",
    "timed out",
    "server closed the connection",
    "lost connection",
    "connection reset",
    "gone away",
    "terminating connection",
    "communication link failure",
    "http error",
)
ADVICE = "check that it is up and that this machine may reach it, then run again"


def reading_error(error: duckdb.Error, credentials: Credentials) -> SourceError:
    """The one clear error for whatever a source answered."""
    # Hidden before it is cut: half a password would not be recognised.
    text = " ".join(str(error).split())
    line = credentials.hidden(text)[:300]
    about = f"source {credentials.source}"
    # First, since "connection to server failed: authentication failed" has signs of both.
    if _has_sign(line, REFUSED_SIGNS):
        return SourceError(
            f"{about} refuses: {line}; check the names under sources.{credentials.source}, the "
            "user's rights and the password"
        )
    if _has_sign(line, UNREACHABLE_SIGNS):
        return SourceUnreachableError(
            f"{about} does not answer: {line}; {ADVICE}; nothing was changed"
        )
    return SourceError(f"{about} cannot be read: {line}; nothing was changed")


def _has_sign(line: str, signs: Sequence[str]) -> bool:
    words = line.lower()
    return any(sign in words for sign in signs)


def told(work: Callable[[], Result], credentials: Credentials) -> Result:
    """What `work` returns; what DuckDB raises becomes a SourceError without the original, whose
    text may hold a credential.
    """
    wrong: SourceError | None = None
    try:
        return work()
    except duckdb.Error as error:
        wrong = reading_error(error, credentials)
    # Outside the handler, so that the new error has no context either: Dagster stores both.
    raise wrong


def with_patience(work: Callable[[], Result], attempts: int) -> Result:
    """Call again with growing waits while the source does not answer."""
    again = Retrying(
        retry=retry_if_exception_type(SourceUnreachableError),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential_jitter(initial=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        reraise=True,
    )
    return again(work)
