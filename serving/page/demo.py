"""Service and page together, for somebody who has just run `make demo`."""

import contextlib
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

from serving.errors import ServiceSettingsError
from serving.page.bundle import Bundles
from serving.page.customers import CONTACT
from serving.page.roles import ADMIN
from serving.page.settings import PageSettings
from serving.page.users import put_user

NAME = "demo"
SECONDS = 60.0


def run_demo(settings: PageSettings) -> None:
    """Run both until a signal; prints where the page is and how to sign in."""
    from serving.page.__main__ import serve

    if not settings.is_loopback:
        raise ServiceSettingsError("the demo user is for this machine alone; unset PAGE_HOST")
    if not list(settings.published_dir.glob("*/page/[0-9]*")):
        raise ServiceSettingsError(
            f"nothing is published for the page in {settings.published_dir}; run `make demo` first"
        )
    # A new password each time, shown once: no installation has a known one.
    password = secrets.token_urlsafe(12)
    address = f"http://{settings.host}:{settings.port}"
    told = announcement(address, password, example_customer(settings))

    def prepare() -> None:
        put_user(settings.users_file, NAME, password, (ADMIN,))
        threading.Thread(target=_announce, args=(address, told), daemon=True).start()

    with _service(settings):
        # Not before: a second `make ui` must neither change the password of the one that runs, nor
        # tell its own.
        serve(settings, prepare=prepare)


def announcement(address: str, password: str, customer_id: str | None) -> str:
    """Where the page is, how to sign in, and whom to look for first."""
    lines = [f"Page: {address}   user: {NAME}   password: {password}   (Ctrl-C ends it)"]
    if customer_id:
        lines.append(f"Sign in and find customer {customer_id}, who is on the month's list.")
    return "\n" + "\n".join(lines) + "\n"


def example_customer(settings: PageSettings) -> str | None:
    """The first customer on the list of the first portfolio; None without a list."""
    bundles = Bundles(settings.published_dir)
    for portfolio in bundles.portfolios:
        query = "select customer_id from customers where decision = ? order by list_rank limit 1"
        if row := bundles.month(portfolio).row(query, [CONTACT]):
            return row["customer_id"]
    return None


@contextlib.contextmanager
def _service(settings: PageSettings) -> Iterator[None]:
    """The scoring service, unless one answers there already."""
    address = urlsplit(settings.service_url)
    with socket.socket() as tried:
        if tried.connect_ex((address.hostname or "127.0.0.1", address.port or 80)) == 0:
            yield
            return
    process = subprocess.Popen([sys.executable, "-m", "serving"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _announce(address: str, told: str) -> None:
    """Say it as soon as the page answers."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}/health", timeout=5),
        ):
            print(told, flush=True)
            return
        time.sleep(0.2)
