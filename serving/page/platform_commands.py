"""A person's decision on a version or a list that waits: carried out by the platform's own command,
which writes the audit record. The page itself opens neither lake nor MLflow.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

from serving.page.context import Page

SECONDS = 300


def version_kind(portfolio: str) -> str:
    """The kind of a request to decide on a version."""
    return f"version {portfolio}"


def hand_over_kind(portfolio: str) -> str:
    """The kind of a request to hand over a list."""
    return f"hand-over {portfolio}"


def decide(
    page: Page, portfolio: str, version: int, decision: str, reason: str, user: str
) -> threading.Thread:
    """Start `churn approve` or `churn refuse`; the page shows what became of it."""
    command = [decision, portfolio, "--version", str(version)]
    subject = f"{decision} version {version}"
    return _start(page, version_kind(portfolio), subject, command, reason, user)


def approve_list(
    page: Page, portfolio: str, month: str, reason: str, user: str
) -> threading.Thread:
    """Start `churn approve-list`; the page shows what became of it."""
    command = ["approve-list", portfolio, "--month", month]
    return _start(page, hand_over_kind(portfolio), month, command, reason, user)


def _start(
    page: Page, kind: str, subject: str, command: list[str], reason: str, user: str
) -> threading.Thread:
    request_id = page.store.note_request(
        user=user, kind=kind, subject=subject, reason=reason, now=time.time()
    )
    told = f"--reason={reason} (by {user} on the page)"
    whole = [*_platform(page.settings.platform_command), *command, told]
    # Beside the answer: MLflow alone takes seconds to start.
    thread = threading.Thread(target=_run, args=(page, request_id, whole), daemon=True)
    thread.start()
    return thread


def _platform(command: tuple[str, ...]) -> list[str]:
    """The platform's command; the one beside this Python where a bare name is set."""
    program = Path(command[0])
    beside = Path(sys.executable).with_name(program.name)
    is_bare = program.name == command[0]
    return [str(beside) if is_bare and beside.is_file() else command[0], *command[1:]]


def _run(page: Page, request_id: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        page.store.settle_request(request_id, state="failed", told=str(error)[:500])
        return
    output = (done.stdout if done.returncode == 0 else done.stderr or done.stdout).strip()
    state = "done" if done.returncode == 0 else "failed"
    page.store.settle_request(request_id, state=state, told=output[:500])
