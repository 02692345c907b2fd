"""How long a page takes with many customers: start, an agent's page, the campaign, a scenario.

python -m benchmarks.page [--customers 2100000] [--looks 300]

Times are of whole requests over HTTP on this machine, the page in a process of its own. Beside them
stands the processor time of the page, which a busy machine does not change.
"""

import argparse
import http.client
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.page.world import OFFERS, PORTFOLIO, publish
from serving.page.users import put_user

PORT = 18091
SECONDS = 120.0


class Browser:
    """One connection that is kept, with its cookie."""

    def __init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        self.cookie = ""

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body."""
        headers = {"cookie": self.cookie} if self.cookie else {}
        body = urlencode(form) if form is not None else None
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
            headers["hx-request"] = "true"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        if given := answer.getheader("set-cookie"):
            self.cookie = given.partition(";")[0]
        return answer.status, answer.read().decode()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2_100_000)
    parser.add_argument("--looks", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        begun = time.perf_counter()
        month = publish(root / "published", given.customers)
        size = sum(path.stat().st_size for path in month.iterdir()) / 1e6
        print(f"made up in {time.perf_counter() - begun:.1f} s, {size:,.0f} MB")
        password = secrets.token_urlsafe(12)
        put_user(root / "page" / "users.json", "ada", password, ("admin",))
        measure(root, password, given.customers, given.looks)


def measure(root: Path, password: str, customers: int, looks: int) -> None:
    """Start the page, and ask it."""
    environment = os.environ | {
        "PAGE_PUBLISHED_DIR": str(root / "published"),
        "PAGE_STATE_DIR": str(root / "page"),
        "PAGE_PORT": str(PORT),
    }
    begun = time.perf_counter()
    page = subprocess.Popen(
        [sys.executable, "-m", "serving.page"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        browser = started(begun)
        browser.ask("POST", "/login", {"name": "ada", "password": password, "next": "/"})
        draw = random.Random(7)
        ids = [f"T{draw.randrange(customers):08d}" for _ in range(looks)]
        used = Processor(page.pid)
        looks_at = [timed(browser, f"/{PORTFOLIO}/customers/{each}") for each in ids]
        tell("agent's page", looks_at, used)
        _, text = browser.ask("GET", f"/{PORTFOLIO}/campaign")
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        assert found, text[:500]
        token = {"csrf": found[1]}
        used = Processor(page.pid)
        every = [timed(browser, f"/{PORTFOLIO}/campaign") for _ in range(10)]
        tell("campaign, whole page", every, used)
        plans = []
        used = Processor(page.pid)
        for place in range(40):
            form = token | {"budget_eur": str(100_000 * (place + 1)), "control_share": "5"}
            if place % 2:
                form |= {"move_critical": OFFERS[0].name, "move_low": "none"}
            for offer in OFFERS:
                form |= {f"use_{offer.name}": "yes", f"cost_{offer.name}": str(2 + place // 2)}
            plans.append(timed(browser, f"/{PORTFOLIO}/campaign/plan", form))
        tell("scenario", plans, used)
    finally:
        page.terminate()
        page.wait()


def started(begun: float) -> Browser:
    """A browser, once the page answers."""
    while time.perf_counter() - begun < SECONDS:
        browser = Browser()
        try:
            status, _ = browser.ask("GET", "/health")
        except OSError:
            time.sleep(0.02)
            continue
        assert status == 200
        print(f"start to first answer: {time.perf_counter() - begun:.2f} s")
        return browser
    raise SystemExit("the page does not answer")


def timed(browser: Browser, path: str, form: dict[str, str] | None = None) -> float:
    """Milliseconds of a request that must go well."""
    begun = time.perf_counter()
    status, text = browser.ask("GET" if form is None else "POST", path, form)
    took = (time.perf_counter() - begun) * 1000
    assert status == 200, (path, status, text[-300:])
    return took


class Processor:
    """Processor time of a process and those it started, from now on."""

    def __init__(self, pid: int):
        self.pid, self.begun = pid, 0.0
        self.begun = self.seconds()

    def seconds(self) -> float:
        """Since the beginning, in seconds."""
        total = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(folder.name) == self.pid or int(fields[1]) == self.pid:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK") - self.begun


def tell(what: str, times: list[float], used: Processor) -> None:
    """Median, 95th percentile and longest, and processor time for each."""
    each = used.seconds() / len(times) * 1000
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    middle = ordered[len(ordered) // 2]
    print(
        f"{what}: p50 {middle:.0f} ms, p95 {p95:.0f} ms, longest {ordered[-1]:.0f} ms, "
        f"processor {each:.0f} ms each "
        f"({len(ordered)} requests)"
    )


if __name__ == "__main__":
    main()
