"""Visits every page in Chromium. Runs in the environment that has Playwright and axe.

Its one argument is JSON: address, portfolio, password, customers, chromium, pictures.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
]
BAD = ("serious", "critical")
PHONE = 360
WIDE = {"width": 1280, "height": 900}


class Visit:
    """What was told, and what was found wrong on the way."""

    def __init__(self, told: dict, browser: Browser):
        self.told, self.browser = told, browser
        self.faults: list[str] = []
        self.address = told["address"]
        self.host = urlsplit(self.address).netloc

    @contextmanager
    def context(self, role: str | None, **options) -> Iterator[Page]:
        """A browser of its own, signed in; requests to other hosts and errors of the console are
        faults.
        """
        context = self.browser.new_context(**{"viewport": WIDE, **options})
        page = context.new_page()
        page.on("request", lambda request: self.check_host(request.url))
        page.on("console", lambda message: self.check_console(message))
        if role:
            self.sign_in(page, role)
        yield page
        context.close()

    def check_host(self, url: str) -> None:
        """No page asks another host."""
        if urlsplit(url).netloc not in ("", self.host):
            self.faults.append(f"asked another host: {url}")

    def check_console(self, message) -> None:
        """Violations of the policy are errors of the console; so is a 404 that is asked for."""
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")

    def sign_in(self, page: Page, role: str) -> None:
        """By the form."""
        page.goto(f"{self.address}/login")
        page.fill("#name", role)
        page.fill("#password", self.told["password"])
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/login" not in url, timeout=10_000)

    def pages(self) -> dict[str, str]:
        """Each page by name."""
        root = f"/{self.told['portfolio']}"
        customers = self.told["customers"]
        return {
            "search": f"{root}/customers",
            "customer": f"{root}/customers/{customers['contact']}",
            "control": f"{root}/customers/{customers['control']}",
            "low_risk": f"{root}/customers/{customers['low']}",
            "no_data": f"{root}/customers/nobody",
            "campaign": f"{root}/campaign",
            "model": f"{root}/model",
            "access": "/access",
            "card": f"{root}/card/{customers['contact']}",
            "not_found": "/nowhere/at/all",
        }

    def look(self, page: Page, name: str, scheme: str) -> None:
        """axe on a page as it stands."""
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in BAD:
                where = [node["html"][:120] for node in violation["nodes"][:2]]
                self.faults.append(f"{name}, {scheme}: {violation['id']} {where}")

    def every_page(self) -> None:
        """Light, dark and on a phone."""
        for scheme in ("light", "dark"):
            with self.context(None, color_scheme=scheme) as page:
                page.goto(f"{self.address}/login")
                self.look(page, "login", scheme)
                self.picture(page, "login", scheme)
            with self.context("admin", color_scheme=scheme) as page:
                for name, path in self.pages().items():
                    page.goto(self.address + path)
                    page.wait_for_load_state("networkidle")
                    self.look(page, name, scheme)
                    self.picture(page, name, scheme)
        with self.context("admin", viewport={"width": PHONE, "height": 740}) as page:
            for name, path in self.pages().items():
                page.goto(self.address + path)
                width = page.evaluate("document.documentElement.scrollWidth")
                if width > PHONE:
                    self.faults.append(f"{name} is {width} pixels wide on a phone")

    def provider(self) -> None:
        """Who is signed in by a provider sees a customer's card inside an allowed CRM, and nothing
        inside another one; beside that a stranger is told to sign in.
        """
        customers = self.told["customers"]
        card = f"/card/{customers['contact']}"
        for scheme in ("light", "dark"):
            context = self.browser.new_context(viewport=WIDE, color_scheme=scheme)
            page = context.new_page()
            page.goto(customers["known_crm"])
            if "Sign in" not in self.framed(page, card):
                self.faults.append("a stranger is not told to sign in inside the frame")
            page.goto(f"{self.told['shared']}/login")
            self.look(page, "login by a provider", scheme)
            page.click('a[href^="/oidc/start"]')
            page.wait_for_url("**/customers")
            page.goto(customers["known_crm"])
            if "You may offer" not in self.framed(page, card):
                self.faults.append("the card inside the CRM does not say what may be offered")
            self.look(page, "card inside a CRM", scheme)
            page.goto(customers["unknown_crm"])
            page.wait_for_load_state("networkidle")
            if any(card in frame.url for frame in page.frames):
                self.faults.append("the card is shown inside a CRM that may not embed it")
            context.close()

    def framed(self, page: Page, card: str) -> str:
        """What the frame with the card says."""
        page.wait_for_load_state("networkidle")
        frame = next(frame for frame in page.frames if card in frame.url)
        return frame.inner_text("body")

    def picture(self, page: Page, name: str, scheme: str) -> None:
        """For the documents, if they were asked for; no customer but simulated ones is on them."""
        shown = ("login", "search", "customer", "campaign", "model")
        if self.told["pictures"] and name in shown and (scheme == "light" or name == "customer"):
            folder = Path(self.told["pictures"])
            folder.mkdir(parents=True, exist_ok=True)
            dark = "_dark" if scheme == "dark" else ""
            page.screenshot(path=folder / f"page_{name}{dark}.png")

    def loop(self) -> None:
        """By keyboard alone an agent finds a customer and records "accepted"; the next agent sees
        it within a second, and what they may offer is gone.
        """
        customer_id = self.told["customers"]["contact"]
        with self.context(None) as page:
            page.goto(f"{self.address}/login")
            self.keys(page, "agent", "Tab", self.told["password"], "Enter")
            page.wait_for_url("**/customers")
            self.keys(page, customer_id, "Enter")
            page.wait_for_url(f"**/customers/{customer_id}")
            if "You may offer" not in page.inner_text("main"):
                self.faults.append("a customer of the list has no offer")
            self.reach(page, 'input[name="answer"]')
            self.keys(page, "Space")
            self.reach(page, "#reason")
            self.keys(page, "a better price elsewhere", "Enter")
            page.wait_for_url("**recorded=1")
            if "Recorded." not in page.inner_text("main"):
                self.faults.append("nothing says that the outcome was recorded")
        recorded = time.monotonic()
        with self.context("admin") as page:
            page.goto(f"{self.address}/{self.told['portfolio']}/customers/{customer_id}")
            text = page.inner_text("main")
            if "accepted the offer" not in text or "You may offer" in text:
                self.faults.append("the next agent does not see what was recorded")
            print(
                f"seen by the next agent {time.monotonic() - recorded:.1f} s later, "
                "with their sign-in"
            )

    def control(self) -> None:
        """A customer of the control group has no offer on the page."""
        with self.context("agent") as page:
            customer_id = self.told["customers"]["control"]
            page.goto(f"{self.address}/{self.told['portfolio']}/customers/{customer_id}")
            if "You may offer" in page.inner_text("main"):
                self.faults.append("a customer of the control group is offered something")

    def what_if(self) -> None:
        """A lever is tried through the service, in place."""
        with self.context("agent") as page:
            customer_id = self.told["customers"]["low"]
            page.goto(f"{self.address}/{self.told['portfolio']}/customers/{customer_id}")
            select = page.locator('section[aria-labelledby="what-if"] select').first
            options = select.locator("option").count()
            chosen = select.evaluate("place => place.selectedIndex")
            select.select_option(index=(chosen + 1) % options)
            page.click('section[aria-labelledby="what-if"] button')
            page.wait_for_selector("#tried table", timeout=10_000)

    def planner(self) -> None:
        """A scenario is computed in place, and the chart is drawn again."""
        with self.context("campaign") as page:
            page.goto(f"{self.address}/{self.told['portfolio']}/campaign")
            page.wait_for_selector(".plot svg")
            before = page.inner_text("#plan")
            page.fill("#budget_eur", "70")
            page.click('section[aria-labelledby="planner"] button')
            page.wait_for_function(
                "before => document.querySelector('#plan').innerText !== before",
                arg=before,
                timeout=10_000,
            )
            page.wait_for_selector("#plan .plot svg", timeout=10_000)
            page.select_option("#decision", "control")
            page.wait_for_function(
                "() => document.querySelector('#rows').innerText.includes('control group')",
                timeout=10_000,
            )

    def reach(self, page: Page, selector: str) -> None:
        """Press Tab until the focus is there."""
        for _ in range(60):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
            page.keyboard.press("Tab")
        raise RuntimeError(f"the keyboard does not reach {selector}")

    def keys(self, page: Page, *typed: str) -> None:
        """Press keys by name, or type a text."""
        for each in typed:
            if each in ("Tab", "Enter", "Space"):
                page.keyboard.press(each)
            else:
                page.keyboard.type(each)


def main() -> int:
    """Every step, though one before it failed; 1 if anything was wrong."""
    told = json.loads(sys.argv[1])
    with sync_playwright() as playwright:
        options = {"executable_path": told["chromium"]} if told["chromium"] else {}
        browser = playwright.chromium.launch(args=ARGUMENTS, **options)
        visit = Visit(told, browser)
        steps = [visit.every_page, visit.what_if, visit.planner, visit.control, visit.provider]
        for step in (*steps, visit.loop):
            try:
                step()
                print(f"{step.__name__}: done")
            except Exception as error:
                visit.faults.append(f"{step.__name__}: {error}")
        browser.close()
    for fault in dict.fromkeys(visit.faults):
        print(f"fault: {fault}")
    return 1 if visit.faults else 0


if __name__ == "__main__":
    sys.exit(main())
