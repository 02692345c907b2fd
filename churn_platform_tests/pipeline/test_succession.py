"""Train, refuse, train, promote, roll back, reproduce, erase: through the real graph, and by the
commands.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from churn_platform.audit.anchors import mlflow_anchors
from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import champion_at, select
from churn_platform.audit.trail_file import read_records
from churn_platform.audit.verify import verify
from churn_platform.bundles.model_bundle import read_bundle
from churn_platform.cli import app
from churn_platform.cli.app import console
from churn_platform.errors import ChurnError
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.published.format import MODEL_FILE, model_dir
from churn_platform.published.live_file import read_live
from churn_platform.training.model_registry import CHAMPION, aliases
from churn_platform.training.training_data import Labelled
from churn_platform_tests.support.acme import land_snapshot, write_spec
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import customers

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)
NOT_CHANGES_OF_CHAMPION = ("publication", "repair")


def with_useless_usage(snapshot: Labelled, *, shift: int = 1) -> Labelled:
    """The same customers, each with another's usage: of the one that many rows before."""
    features = snapshot.features.copy()
    features[:, 0] = np.roll(features[:, 0], shift)
    return replace(snapshot, features=features)


@dataclass(frozen=True)
class Acme:
    """The graph, and the commands on the same folder."""

    graph: Graph

    def churn(self, *arguments: str) -> str:
        """What a command prints that ends well; an error of the platform is raised as such."""
        with console.capture() as captured:
            outcome = CliRunner().invoke(app, list(arguments))
        if outcome.exception and not isinstance(outcome.exception, SystemExit):
            raise outcome.exception
        assert outcome.exit_code == 0, captured.get() + outcome.output
        return captured.get()

    def train(self, month: date) -> None:
        """A whole training run."""
        self.graph.run("acme_training", month, month)

    @property
    def root(self) -> Path:
        """What serving reads."""
        return self.graph.settings.published_dir / "acme"

    @property
    def champions(self) -> tuple[int, int]:
        """The version under the alias, and the one that is live."""
        live = read_live(self.root)
        return aliases(self.client, "acme")[CHAMPION], live.models[0].version if live else 0

    @property
    def client(self):
        """MLflow."""
        return Tracking.of(self.graph.settings).client()

    def records(self, action: str | None = None) -> list[Record]:
        """The audit trail; of all actions but publications where none is named."""
        found = select(
            read_records(self.graph.settings.audit_path), portfolio="acme", action=action
        )
        return [
            record for record in found if action or record.action not in NOT_CHANGES_OF_CHAMPION
        ]


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    """Snapshots of March, whose usage says nothing, and of April: other customers, whose usage says
    most.
    """
    graph = Graph(tmp_path_factory.mktemp("succession"), tuning_trials=0)
    write_spec(graph)
    (graph.folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    land_snapshot(graph, MARCH, with_useless_usage(customers(2_000, seed=3)))
    april = customers(2_000, seed=4)
    land_snapshot(
        graph, APRIL, replace(april, customer_ids=np.char.replace(april.customer_ids, "C", "D"))
    )
    graph.run("acme_features", MARCH, APRIL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(graph.folder)
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.setattr(console, "_width", 250)
        for name, value in environment(graph).items():
            patch.setenv(name, value)
        yield Acme(graph)


def environment(graph: Graph) -> dict[str, str]:
    """By which a command finds the graph's folder."""
    folders = {
        "CHURN_DATA_DIR": graph.folder,
        "CHURN_PORTFOLIOS_DIR": graph.settings.portfolios_dir,
    }
    return {name: str(folder) for name, folder in folders.items()} | {
        "CHURN_PHONE_HASH_KEY": HASH_KEY
    }


def decisions(acme: Acme) -> list[tuple[str, int | None]]:
    """Action and version of each decision; the reasons are printed for a test that fails."""
    print(*(f"{record.subject}: {record.reason}" for record in acme.records()), sep="\n")
    return [(record.action, record.version) for record in acme.records()]


@invariant(
    "Promotion", "Over a refusal, a promotion and a rollback, trail, registry and live file agree."
)
def test_from_the_first_champion_to_its_reproduction(acme: Acme) -> None:
    """Each step leaves trail, registry and live file in agreement; what was rolled back does not
    return.
    """
    acme.train(MARCH)
    assert decisions(acme) == [("promotion", 1)]
    before = (acme.root / "live.json").read_bytes()

    acme.train(MARCH)
    assert decisions(acme) == [("promotion", 1)], "the same model again is no new fact"

    land_snapshot(acme.graph, MARCH, with_useless_usage(customers(2_000, seed=3), shift=2))
    acme.graph.run("acme_features", MARCH, MARCH)
    acme.train(MARCH)
    assert decisions(acme)[1:] == [("refusal", 2)]
    assert (acme.root / "live.json").read_bytes() == before

    acme.train(APRIL)
    assert decisions(acme)[2:] == [("promotion", 3), ("threshold_change", 3)]
    assert acme.records("promotion")[-1].reason.startswith(
        "promoted: better than the champion (AUC difference +0."
    )
    assert acme.champions == (3, 3)

    acme.graph.run("acme_scores", APRIL, APRIL)
    (model_dir(acme.root, 1) / MODEL_FILE).write_bytes(b"damaged")
    told = acme.churn("rollback", "acme", "--reason", "the April file was wrong")
    assert "version 3 -> version 1, live" in told
    assert "scores          of 2025-04 were made by version 3" in told
    assert acme.champions == (1, 1)
    assert read_bundle(acme.root, 1).version == 1

    acme.train(APRIL)
    assert acme.champions == (1, 1)
    again = acme.records()[-1]
    assert (again.action, again.version) == ("refusal", 3)
    assert "the April file was wrong" in again.reason

    assert "identical, bit by bit" in acme.churn("reproduce", "acme", "--version", "1")
    instants = [record.at for record in (*acme.records("promotion"), *acme.records("rollback"))]
    served = [champion_at(acme.records(), "acme", instant) for instant in instants]
    assert [record and record.version for record in served] == [1, 3, 1]
    anchors = mlflow_anchors(acme.client)
    assert [anchor.sequence for anchor in anchors] == [again.sequence]
    assert verify(acme.graph.settings.audit_path, anchors).findings == []


def test_the_history_is_listed(acme: Acme) -> None:
    """Versions with their decisions, the champion of any instant, the trail and its proof."""
    rows = json.loads(acme.churn("models", "acme", "--json"))
    assert [(row["version"], row["decision"], row["aliases"]) for row in rows] == [
        (3, "withdrawn", "challenger"),
        (2, "refusal", ""),
        (1, "rollback", "champion"),
    ]
    promoted = acme.records("promotion")[-1].at.isoformat()
    assert "version 3 since" in acme.churn("champion", "acme", "--on", promoted)
    assert "none, as far as" in acme.churn("champion", "acme", "--on", "2025-01-01")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert "the April file was wrong" in acme.churn("champion", "acme", "--on", today)
    shown = acme.churn("audit", "show", "--portfolio", "acme", "--action", "rollback")
    assert "the April file was wrong" in shown
    assert "promotion" not in shown


def test_a_refused_version_can_be_tried_in_the_shadow(acme: Acme) -> None:
    """It is exported for that, as it was never published."""
    assert not model_dir(acme.root, 2).exists()
    trial = ("traffic", "acme", "--challenger", "2", "--reason", "what would it have said?")
    assert "version 2   shadow" in acme.churn(*trial, "--shadow")
    assert read_bundle(acme.root, 2).version == 2
    assert "version 2" not in acme.churn(*trial)
    assert acme.champions == (1, 1)


def test_two_versions_stand_side_by_side(acme: Acme) -> None:
    """On the newest hold-out, April's, where the version of March ranks worse."""
    told = json.loads(acme.churn("compare", "acme", "1", "3", "--json"))
    assert told["metrics"][0]["auc"] < told["metrics"][1]["auc"]
    assert told["auc_difference"]["high"] < 0
    assert told["made_of"]["month"] == ["2025-03", "2025-04"]
    assert "on the same 400 customers" in acme.churn("compare", "acme", "1", "3")


def test_cards_and_explanations_are_told(acme: Acme, tmp_path: Path) -> None:
    """The card of a version that was refused, as text and as a page; a customer's score of the live
    month.
    """
    assert "refused: not shown to be better" in acme.churn("card", "acme", "--version", "2")
    acme.churn("card", "acme", "--version", "3", "--output", str(tmp_path / "card.html"))
    assert (
        "the April file was wrong" in (tmp_path / "card.html").read_text()
    )  # made again with the refusal
    told = acme.churn("explain", "acme", "D00007")
    assert "customer D00007, features of 2025-04, model version 1" in told
    assert "features of 2025-03" in acme.churn("explain", "acme", "C00007", "--month", "2025-03")


def test_after_a_rollback_a_month_is_scored_again(acme: Acme) -> None:
    """The published scores are then the champion's."""
    acme.churn("score", "acme", "--month", "2025-04")
    assert acme.graph.query("select distinct model_version from acme.monthly_scores") == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "nobody"], "no portfolio 'nobody'"),
        (["champion", "acme", "--on", "soon"], "'soon' is no date"),
        (["champion", "acme", "--on", "2999-01-01"], "is in the future"),
        (["compare", "acme", "1", "99"], "acme has no version 99; there are 1, 2, 3"),
        (["card", "acme", "--version", "0"], "acme has no version 0; there are 1, 2, 3"),
        (["explain", "acme", "C00007"], "customer 'C00007' has no features of 2025-04 in acme"),
        (["explain", "acme", "D00007", "--month", "april"], "'april' is not a month"),
        (["reproduce", "acme", "--version", "0"], "acme has no version 0; there are 1, 2, 3"),
        (["rollback", "acme", "--reason", "why not"], "acme has no champion before version 1"),
        (
            ["rollback", "acme", "--reason", "why not", "--to", "2"],
            "version 2 of acme was never champion",
        ),
        (
            ["rollback", "acme", "--reason", "why not", "--to", "3"],
            "was withdrawn .the April file was wrong",
        ),
        (["rollback", "acme", "--reason", " ", "--to", "3"], "say why"),
        (["approve", "acme", "--reason", "why not"], "acme promotes without approval"),
        (["audit", "show", "--since", "May"], "'May' is not a day"),
        (["audit", "verify", "--head", "x"], "'x'"),
        (
            ["erase", "acme", "--customer", "nobody", "--reason", "asked", "--yes"],
            "acme has no customer 'nobody'",
        ),
        (
            ["erase", "acme", "--customer", "D00007", "--reason", "D00007 asked", "--yes"],
            "the reason names",
        ),
    ],
)
@invariant("Care", "Nonsense given to a command is answered by name.")
def test_nonsense_is_answered_by_name(acme: Acme, arguments: list[str], message: str) -> None:
    """The platform's own error, which the command prints as one line, and
    nothing is put on record.
    """
    before = acme.records()
    with pytest.raises(ChurnError, match=message) as error:
        acme.churn(*arguments)
    assert "\n" not in str(error.value)
    assert acme.records() == before


def test_an_erased_customer_is_gone_from_every_step(acme: Acme) -> None:
    """Rows, look-up, models' files and landed file lose the customer; the chain holds, a fit with
    it is over.
    """
    told = acme.churn(
        "erase", "acme", "--customer", "D00007", "--reason", "asked by letter", "--yes"
    )
    assert "nothing left" in told
    assert "1 still hold erased customers" in told
    landed = acme.graph.settings.landing_dir / "acme" / "customers" / "2025-04.csv"
    assert "D00007" in landed.read_text()
    acme.churn(
        "erase", "acme", "--customer", "D00007", "--reason", "asked by letter", "--yes", "--landing"
    )
    lines = landed.read_text().splitlines()
    assert len(lines) == 2_000
    assert "D00007" not in landed.read_text()
    assert acme.records()[-1].action == "erasure"
    with pytest.raises(ChurnError, match="which is gone: an erasure of a customer"):
        acme.churn("reproduce", "acme", "--version", "3")
    with pytest.raises(ChurnError, match="'D00007' has no features of 2025-04"):
        acme.churn("explain", "acme", "D00007")


def test_commands_are_processes(acme: Acme) -> None:
    """In a process of its own the trail is intact, its heads compared; an error is one line and
    exit code 1.
    """
    proved = in_process(acme.graph, "audit", "verify")
    assert (proved.returncode, proved.stdout.splitlines()[-1]) == (0, "intact")
    assert "MLflow: 1 compared" in proved.stdout
    refused = in_process(
        acme.graph, "erase", "acme", "--customer", "D1", "--reason", "D1 asked", "--yes"
    )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error the reason names the customer")
    assert len(refused.stderr.splitlines()) == 1


def in_process(graph: Graph, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    command = [sys.executable, "-m", "churn_platform.cli", *arguments]
    given = os.environ | environment(graph) | {"COLUMNS": "200"}
    return subprocess.run(
        command, cwd=graph.folder, env=given, capture_output=True, text=True, check=False
    )
