"""Checks the page in Chromium on what `make demo` published, without changing it.

python -m benchmarks.page_check --browser data/bench/page/bin/python [--pictures docs/pictures]

Service and page run on the published folder with state folders of their own. A copy of the lake
takes over what was recorded, and the next month's list must know it. Chromium is driven from a
virtual environment of its own, which has Playwright and axe.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.page_check.crm import crm
from benchmarks.page_check.next_list import next_list_knows
from churn_platform.published.page_bundle import PAGE_DIR, page_dir
from churn_platform.settings import Settings, load_settings
from churn_platform_tests.support import oidc_provider
from serving.page.roles import ROLES
from serving.page.settings import load_settings as page_settings
from serving.page.users import put_user

SERVICE_PORT, PAGE_PORT, SHARED_PORT = 18080, 18090, 18091
SECONDS = 60.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
VISIT = Path(__file__).with_name("visit.py")


def main() -> None:
    """Run the check; SystemExit says what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", required=True, help="Python that has Playwright")
    parser.add_argument("--portfolio", default="telecomit")
    parser.add_argument("--pictures", help="folder for pictures of each page")
    given = parser.parse_args()
    settings = load_settings()
    months = sorted((settings.published_dir / given.portfolio / PAGE_DIR).glob("[0-9]*"))
    if not months:
        raise SystemExit("nothing is published for the page; run `make demo` first")
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        found = customers_of(page_dir(settings.published_dir / given.portfolio, months[-1].name))
        password = secrets.token_urlsafe(12)
        for role in ROLES:
            put_user(state / "page" / "users.json", role, password, (role,))
        card = f"http://127.0.0.1:{SHARED_PORT}/{given.portfolio}/card/{found['contact']}"
        with oidc_provider.running() as provider, crm(card) as known, crm(card) as unknown:
            shared = shared_page(provider, frame_ancestors=known)
            with running(settings, state, shared):
                visit(given, password, found | {"known_crm": known, "unknown_crm": unknown})
        recorded = state / "page" / "outcomes"
        next_list_knows(settings, given.portfolio, recorded, found["contact"], state)
    print("the page check passed")


def customers_of(folder: Path) -> dict[str, str]:
    """A customer for each thing that is looked at."""
    wanted = {
        "contact": "decision = 'contact'",
        "control": "decision = 'control'",
        "low": "decision = 'not_worth_it' and tier_place = (select max(tier_place) from customers)",
    }
    found = {}
    with closing(duckdb.connect()) as connection:
        connection.execute(f"create view customers as from '{folder}/customers.parquet'")
        for name, condition in wanted.items():
            row = connection.execute(
                f"select customer_id from customers where {condition} order by 1 limit 1"
            ).fetchone()
            if row is None:
                raise SystemExit(f"{folder} has no customer for {name}; run a larger `make demo`")
            found[name] = row[0]
    return found


def shared_page(provider: oidc_provider.OidcProvider, *, frame_ancestors: str) -> dict[str, str]:
    """Settings of a page where a provider signs people in, and whose card a CRM embeds."""
    return {
        "PAGE_PORT": str(SHARED_PORT),
        "PAGE_PUBLIC_URL": f"http://127.0.0.1:{SHARED_PORT}",
        "PAGE_OIDC_ISSUER": provider.address,
        "PAGE_OIDC_CLIENT_ID": oidc_provider.CLIENT,
        "PAGE_OIDC_CLIENT_SECRET": oidc_provider.SECRET,
        "PAGE_GROUP_ROLES": "call-center=agent",
        "PAGE_FRAME_ANCESTORS": frame_ancestors,
    }


@contextlib.contextmanager
def running(settings: Settings, state: Path, shared: dict[str, str]) -> Iterator[None]:
    """Service, page, and a second page with the settings `shared`; each has a state folder of its
    own.
    """
    published = str(settings.published_dir)
    environment = {name: value for name, value in os.environ.items() if "SERVING_" not in name}
    environment |= {
        "SERVING_PUBLISHED_DIR": published,
        "SERVING_STATE_DIR": str(state / "serving"),
        "SERVING_PORT": str(SERVICE_PORT),
        "PAGE_PUBLISHED_DIR": published,
        "PAGE_STATE_DIR": str(state / "page"),
        "PAGE_PORT": str(PAGE_PORT),
        "PAGE_SERVICE_URL": f"http://127.0.0.1:{SERVICE_PORT}",
        "PAGE_PHONE_KEY_FILE": str(settings.root / "secrets" / "phone_hash.key"),
    }
    second = environment | shared | {"PAGE_STATE_DIR": str(state / "shared")}
    for each in (environment, second):
        page_settings(each)  # says what is wrong before anything starts
    begun = time.monotonic()
    processes = [started("serving.page", environment)]
    try:
        await_answer(f"http://127.0.0.1:{PAGE_PORT}/health")
        print(f"the page answers after {time.monotonic() - begun:.1f} s")
        processes += [started("serving", environment), started("serving.page", second)]
        for port in (SERVICE_PORT, SHARED_PORT):
            await_answer(f"http://127.0.0.1:{port}/health")
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def started(module: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """A process of a module."""
    return subprocess.Popen([sys.executable, "-m", module], env=environment)


def await_answer(address: str) -> None:
    """Wait until an address answers."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit(f"{address} does not answer")


def visit(given: argparse.Namespace, password: str, found: dict[str, Any]) -> None:
    """Drive Chromium; what it finds is printed."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), "")
    told = {
        "address": f"http://127.0.0.1:{PAGE_PORT}",
        "shared": f"http://127.0.0.1:{SHARED_PORT}",
        "portfolio": given.portfolio,
        "password": password,
        "customers": found,
        "chromium": chromium,
        "pictures": given.pictures,
    }
    done = subprocess.run([given.browser, str(VISIT), json.dumps(told)], check=False)
    if done.returncode:
        raise SystemExit("the page check failed; see above")


if __name__ == "__main__":
    main()
