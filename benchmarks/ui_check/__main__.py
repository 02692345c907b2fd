"""`make ui-check`: makes a small demo, serves it, clicks through it, and keeps a picture of each
step under `data/ui_check/pictures`.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.ui_check.installation import Installation
from benchmarks.ui_check.visit import Visit
from churn_platform.months import last_complete_month, shift

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Nothing asks a network, and no profile of a person is touched.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
SCREEN = {"width": 1920, "height": 1080}
PATIENCE_MS = 120_000


def arguments() -> argparse.Namespace:
    """What the check was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("data/ui_check"))
    parser.add_argument("--customers", type=int, default=3_000)
    parser.add_argument("--months", type=int, default=18)
    parser.add_argument("--port", type=int, default=3_111)
    return parser.parse_args()


def main() -> int:
    """Run the check; 1 if steps fail, each of which is named and leaves a picture."""
    asked = arguments()
    latest = last_complete_month(datetime.now(UTC).date())
    before = shift(latest, -1)
    pictures = asked.folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    installation = Installation(asked.folder, port=asked.port)
    timed(
        "demo",
        lambda: installation.demo(customers=asked.customers, months=asked.months, until=before),
    )
    with installation.served(), sync_playwright() as playwright:
        system = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=system, args=QUIET)
        page = browser.new_page(viewport=SCREEN)
        page.set_default_timeout(PATIENCE_MS)
        visit = Visit(page, installation.address, pictures)

        def land() -> None:
            installation.land_competitor(
                customers=asked.customers, months=asked.months + 1, month=latest
            )
            visit.until(lambda: visit.monitored(latest.isoformat()), "monitoring of the new month")

        steps: dict[str, Callable[[], object]] = {
            "home page": visit.home,
            "groups": visit.graph,
            "execute a run again": visit.execute_again,
            "backfill monitoring": lambda: visit.backfill(
                shift(before, -2).isoformat(), before.isoformat()
            ),
            "land a month with a competitor": land,
            "light": visit.light,
            "materialize Latest": visit.latest,
            "model card": lambda: visit.markdown("model_card", "card", "AUC", "7_card"),
            "list preview": lambda: visit.markdown("contact_list", "preview", "offer", "8_list"),
            "Evidently": visit.evidently,
        }
        failed = []
        for name, step in steps.items():
            # One step's fault does not hide another's.
            try:
                timed(name, step)
            except Exception as error:
                failed.append(name)
                visit.picture(f"failed {name}")
                print(f"step {name!r} failed: {error}", flush=True)
        browser.close()
    print(f"pictures are in {pictures}; failed steps: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def timed(name: str, step: Callable[[], object]) -> None:
    """Carry out a step, and print its seconds and what it saw."""
    begun = time.monotonic()
    seen = step()
    print(f"{name:<34}{time.monotonic() - begun:6.0f} s  {seen or ''}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
