"""A person's decision on a version that waits: carried out by the platform's own command, which
writes the audit record. The page itself opens neither lake nor MLflow.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

from serving.page.context import Page

SECONDS = 300


def kind_of(portfolio: str) -> str:
    """The kind of a request to decide on a version."""
    return f"version {portfolio}"


def decide(
    page: Page, portfolio: str, version: int, decision: str, reason: str, user: str
) -> threading.Thread:
    """Start `churn approve` or `churn refuse`; the page shows what became of it."""
    request_id = page.store.note_request(
        user=user,
        kind=kind_of(portfolio),
        subject=f"{decision} version {version}",
        reason=reason,
        now=time.time(),
    )
    told = f"{reason} (by {user} on the page)"
    command = [
        *_platform(page.settings.platform_command),
        decision,
        portfolio,
        "--version",
        str(version),
        f"--reason={told}",
    ]
    # Beside the answer: MLflow alone takes seconds to start.
    thread = threading.Thread(target=_run, args=(page, request_id, command), daemon=True)
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
