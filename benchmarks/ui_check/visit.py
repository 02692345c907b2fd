"""What a visitor does in the UI: pages, clicks, and what must be seen there."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page

RUN_SECONDS = 1_800
LIT = ("model_performance", "feature_drift", "prediction_drift", "monthly_scores", "champion")
RUNS = """query($job: String) { runsOrError(filter: {pipelineName: $job}, limit: 20) {
  ... on Runs { results { runId status tags { key value } } } } }"""
CHECKS = """query($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) {
  ... on AssetNode {
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    status evaluation { severity success description } } } } } } } }"""
METADATA = """query($path: [String!]!) { assetOrError(assetKey: {path: $path}) { ... on Asset {
  assetMaterializations(limit: 20) {
    metadataEntries { label ... on PathMetadataEntry { path } } } } } }"""
FAILED = {"FAILURE", "CANCELED"}


class Visit:
    """A page of the UI of an installation."""

    def __init__(self, page: Page, address: str, pictures: Path):
        self.page, self.address, self.pictures = page, address, pictures

    def go(self, path: str) -> None:
        """Open a page of the UI."""
        self.page.goto(self.address + path)

    def picture(self, name: str) -> None:
        """Keep what is to be seen."""
        self.page.screenshot(path=str(self.pictures / f"{name}.png"))

    def ask(self, query: str, **variables: object) -> dict:
        """What the UI itself asks the webserver, for what no page shows at once."""
        body = json.dumps({"query": query, "variables": variables})
        answer = self.page.request.post(
            f"{self.address}/graphql", data=body, headers={"content-type": "application/json"}
        )
        return answer.json()["data"]

    def runs(self, job: str | None = None) -> list[dict]:
        """The newest runs, of a job or of all, the newest first."""
        return self.ask(RUNS, job=job)["runsOrError"]["results"]

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait until something is so; AssertionError with its name if it does not become so."""
        begun = time.monotonic()
        while time.monotonic() - begun < RUN_SECONDS:
            if reached():
                return
            self.page.wait_for_timeout(3_000)
        raise AssertionError(f"{what}: not within {RUN_SECONDS} s")

    def _ended(self, run_id: str) -> bool:
        (status,) = [run["status"] for run in self.runs() if run["runId"] == run_id]
        assert status not in FAILED, f"run {run_id} ended as {status}"
        return status == "SUCCESS"

    def home(self) -> None:
        """The timeline of the home page has the runs of the demo."""
        self.go("/")
        for job in ("telecomit_features", "telecomit_training", "telecomit_scores"):
            self.page.get_by_text(job).first.wait_for()
        assert self.page.get_by_text("No runs", exact=True).count() == 0
        self.picture("1_home")

    def graph(self) -> None:
        """The groups are in the order of the story; the expanded graph is kept as a picture."""
        self.go("/asset-groups")
        self.page.get_by_text("1_telecomit_raw").first.wait_for()
        self.page.wait_for_timeout(3_000)
        self.picture("2_groups")

    def execute_again(self) -> None:
        """A run of the demo is executed again from its page, and succeeds."""
        (run, *_) = [run for run in self.runs("housekeeping") if run["status"] == "SUCCESS"]
        self.go(f"/runs/{run['runId']}")
        self.page.get_by_role("button", name="Re-execute all").click()
        self.page.wait_for_url(lambda url: "/runs/" in url and run["runId"] not in url)
        again = self.page.url.rsplit("/", 1)[1].split("?")[0]
        self.until(lambda: self._ended(again), "the run that was executed again")
        self.page.get_by_text("Success").first.wait_for()
        self.picture("3_executed_again")

    def backfill(self, first: str, last: str) -> None:
        """Monitoring is run again over some months, and nothing upstream is said to be missing."""
        self.go("/locations/churn_platform/asset-groups/7_telecomit_monitoring")
        self._open_materialize()
        dialog = self._dialog()
        # Of what is missing upstream Dagster warns before it asks for months.
        self.page.wait_for_timeout(2_000)
        assert "upstream" not in dialog.inner_text(), dialog.inner_text()
        # At first the dialog offers the last 90 days alone, and refuses older months.
        dialog.get_by_text("Show all partitions").click()
        dialog.get_by_role("button", name="Custom").click()
        field = dialog.get_by_role("textbox").first
        field.fill(f"[{first}...{last}]")
        field.press("Enter")
        self.page.wait_for_timeout(3_000)
        self.picture("4_backfill")
        said = dialog.inner_text().lower()
        assert "3 partitions" in said, said
        assert "upstream" not in said, said
        known = {run["runId"] for run in self.runs()}
        self._launch(dialog)
        self._wait_for_new_run(known, "the backfill of monitoring")

    def latest(self) -> None:
        """The newest month of the scores is made by `Latest`."""
        self.go("/assets/telecomit/monthly_scores")
        self._open_materialize()
        dialog = self._dialog()
        dialog.get_by_role("button", name="Latest", exact=True).click()
        self.page.wait_for_timeout(2_000)
        self.picture("6_latest")
        known = {run["runId"] for run in self.runs()}
        self._launch(dialog)
        self._wait_for_new_run(known, "the scores of the latest month")

    def _open_materialize(self) -> None:
        self.page.get_by_role("button", name="Materialize").first.click()

    def _dialog(self) -> Locator:
        dialog = self.page.locator("[role=dialog]").last
        dialog.wait_for()
        return dialog

    def _launch(self, dialog: Locator) -> None:
        dialog.get_by_role("button", name="Launch").last.click()

    def _wait_for_new_run(self, known: set[str], what: str) -> None:
        """Wait for every run that was not `known`; one at least."""

        def ended() -> bool:
            new = [run for run in self.runs() if run["runId"] not in known]
            failed = [run["runId"] for run in new if run["status"] in FAILED]
            assert not failed, f"{what}: {failed} failed"
            return bool(new) and all(run["status"] == "SUCCESS" for run in new)

        self.until(ended, what)

    def monitored(self, month: str) -> bool:
        """Whether automation has watched a month that landed."""
        asked = [
            run
            for run in self.runs("telecomit_monitoring")
            if month in {tag["value"] for tag in run["tags"]}
            and "churn/automation" in {tag["key"] for tag in run["tags"]}
        ]
        assert not any(run["status"] in FAILED for run in asked), f"monitoring of {month} failed"
        return any(run["status"] == "SUCCESS" for run in asked)

    def lights(self) -> dict[str, str]:
        """Each check that is yellow or red, with its words."""
        found = {}
        for asset in LIT:
            node = self.ask(CHECKS, path=["telecomit", asset])["assetNodeOrError"]
            for check in node["assetChecksOrError"]["checks"]:
                evaluation = (check["executionForLatestMaterialization"] or {}).get("evaluation")
                if evaluation and not evaluation["success"]:
                    said = f"{evaluation['severity']}: {evaluation['description']}"
                    found[f"{asset}/{check['name']}"] = said
        return found

    def light(self) -> str:
        """A month with a competitor is seen as a yellow or red light on an asset's checks."""
        found = self.lights()
        assert found, "every light is green in the month of a competitor"
        asset, check = next(iter(found)).split("/")
        self.go(f"/assets/telecomit/{asset}?view=checks")
        self.page.get_by_text(check).first.wait_for()
        self.page.wait_for_timeout(2_000)
        self.picture("5_light")
        return "; ".join(f"{name} {said}" for name, said in found.items())

    def markdown(self, asset: str, label: str, must: str, picture: str) -> None:
        """A text in the metadata of an asset's newest materialization opens and has something."""
        self.go(f"/assets/telecomit/{asset}?view=events")
        row = self.page.get_by_role("row").filter(has_text=label)
        row.get_by_text("Show markdown", exact=False).first.click()
        dialog = self._dialog()
        dialog.get_by_text(must).first.wait_for()
        self.page.wait_for_timeout(1_000)
        self.picture(picture)

    def evidently(self) -> None:
        """The page of Evidently that the drift's metadata names opens, with its title."""
        made = self.ask(METADATA, path=["telecomit", "feature_drift"])["assetOrError"]
        paths = [
            entry["path"]
            for event in made["assetMaterializations"]
            for entry in event["metadataEntries"]
            if entry.get("path", "").endswith(".html")
        ]
        self.page.goto(Path(paths[0]).as_uri())
        self.page.get_by_text("Drift of features").first.wait_for()
        self.page.wait_for_timeout(3_000)
        self.picture("9_evidently")
