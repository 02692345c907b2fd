"""The kill drill: commands are killed in every stage of a run, and what they leave in the end is
what an undisturbed twin leaves. `make kill-check` runs it and prints a table.
"""

import random
import time
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from churn_platform.audit.trail_file import read_records
from churn_platform.months import label, shift
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.pipeline.killable import (
    Installation,
    Moment,
    change_spec,
    committed,
    exists,
    inside,
    made,
    preload,
    recorded,
    run_cli,
    run_stage,
)
from churn_platform_tests.pipeline.state import differences
from churn_platform_tests.support.predictions import prediction
from serving.storage.log_writer import PredictionLog

PORTFOLIO, FIRST, LAST = "telecomit", date(2025, 1, 1), date(2025, 5, 1)
CUSTOMERS, CALLS, WORLD_SEED, AIM_SEED = 2_000, 5, 3, 20
CANDIDATES = ["logistic_regression", "xgboost"]
ANSWERS, ANSWERED_US = 5_000, 1_746_100_000_000_000  # in May 2025
ERASED = "T00000007"
MISSED = "ended before"


job = partial(run_stage, PORTFOLIO)
# The jobs that `churn run` runs one after another, each as its own process, as the daemon runs
# them: what a kill in a later stage costs is then not paid by the earlier ones again.
COMMANDS: dict[str, Callable[[], object]] = {
    **{
        stage: partial(job, stage, LAST, LAST)
        for stage in ("features", "training", "scores", "monitoring", "serving")
    },
    "churn housekeeping": partial(
        run_cli, ["housekeeping"]
    ),  # before the erasure, which leaves it nothing to pack
    "churn erase": partial(
        run_cli,
        [
            "erase",
            PORTFOLIO,
            "--customer",
            ERASED,
            "--reason",
            "asked for by letter",
            "--landing",
            "--yes",
        ],
    ),
}

# Each part has a twin of its own, and can be run again alone (`pytest -k later`): all at once takes
# too long for that.
PARTS = {
    "first": ["features", "training"],
    "later": ["scores", "monitoring", "serving", "churn housekeeping", "churn erase"],
}


class Aim(NamedTuple):
    """A kill: the stage it is to hit, the command, and the moment."""

    stage: str
    command: str
    moment: Moment


AIMS = [
    Aim("ingest", "features", inside("telecomit_raw__customers")),
    Aim("ingest", "features", inside("telecomit_raw__cdr")),
    Aim("dbt", "features", made("telecomit_staging.stg_cdr")),
    Aim("dbt", "features", made("telecomit.customer_months")),
    Aim("dbt", "features", made("telecomit.features_rfm")),
    Aim("training", "training", inside("telecomit__training_set")),
    Aim("training", "training", inside("telecomit__logistic_regression")),
    Aim("training", "training", inside("telecomit__xgboost")),
    Aim("training", "training", inside("telecomit__challenger")),
    Aim("promotion", "training", inside("telecomit__evaluation")),
    Aim("promotion", "training", recorded("promotion")),
    Aim("promotion", "training", inside("telecomit__champion")),
    Aim("publication", "training", inside("telecomit__published_model")),
    Aim("publication", "training", recorded("publication")),
    Aim("scores", "scores", inside("telecomit__monthly_scores")),
    Aim("publication", "scores", inside("telecomit__published_features")),
    Aim("contact list", "scores", inside("telecomit__contact_list")),
    Aim("monitoring", "monitoring", inside("telecomit__feature_drift")),
    Aim("monitoring", "monitoring", inside("telecomit__retraining_decision")),
    Aim("serving log", "serving", inside("telecomit__serving_log")),
    Aim("housekeeping", "churn housekeeping", committed("inline_flush")),
    Aim("housekeeping", "churn housekeeping", committed("merge_adjacent")),
    Aim("erasure", "churn erase", exists("erasure/*.json")),
    Aim("erasure", "churn erase", committed("telecomit: erasure")),
    Aim("erasure", "churn erase", recorded("erasure")),
]


def land(installation: Installation) -> None:
    """Files of a small operator, and what its service answered."""
    config = SimulationConfig(
        customers=CUSTOMERS, months=5, seed=WORLD_SEED, calls_per_customer=CALLS
    )
    settings = installation.settings
    simulate(config, settings.landing_dir, settings.truth_dir)
    log = PredictionLog(settings.serving_log_dir / PORTFOLIO, worker="w1")
    for number in range(ANSWERS):
        fields = {
            "request_id": f"r{number}",
            "customer_id": f"T{number % CUSTOMERS:08}",
            "at_us": ANSWERED_US + number,
        }
        log.append(
            prediction(portfolio=PORTFOLIO, model_version=1, features_month=label(LAST), **fields)
        )
    log.close()


def undisturbed(installation: Installation, commands: Sequence[str]) -> dict[str, float]:
    """Run each command to its end; returns the seconds of every command and step."""
    seconds: dict[str, float] = {}
    for name in commands:
        seconds[name] = installation.complete(COMMANDS[name])
        begun_at, ended_at = (
            installation.steps_of_last_command(kind) for kind in ("STEP_START", "STEP_SUCCESS")
        )
        seconds |= {step: ended_at[step] - begun_at[step] for step in ended_at}
    return seconds


def outcome(installation: Installation) -> str:
    """What the command begun last did, in words."""
    steps = installation.steps_of_last_command("STEP_SUCCESS")
    records = read_records(installation.settings.audit_path)[installation.known_records :]
    added = ", ".join(record.action for record in records) or "none"
    return f"{len(steps)} steps done; audit records added: {added}"


def drill(
    installation: Installation, commands: Sequence[str], seconds: dict[str, float]
) -> list[list[str]]:
    """Kill each command at each of its aims, one after the other, then run it to its end; the rows
    of the table.
    """
    generator = random.Random(AIM_SEED)
    rows: list[list[str]] = []
    for name in commands:
        has_ended = False
        for aim in (aim for aim in AIMS if aim.command == name and not has_ended):
            step, share = aim.moment.step, generator.uniform(0.1, 0.9)
            delay = share * seconds[step] if step else 0.0
            after = installation.kill(COMMANDS[name], aim.moment, delay)
            has_ended = after is None
            _say_of_last(rows, installation)
            when = f"{share:.0%} of {seconds[step]:.1f} s" if step else "at once"
            killed_after = MISSED if after is None else f"{after:.1f} s"
            rows.append([str(len(rows) + 1), aim.stage, aim.moment.where, when, killed_after, ""])
            print(" | ".join(rows[-1]), flush=True)
        if not has_ended:  # a second erasure would be another one, with a record of its own
            installation.complete(COMMANDS[name])
        _say_of_last(rows, installation)
    return rows


def _say_of_last(rows: list[list[str]], installation: Installation) -> None:
    """Fill in what the run after a kill did, which may be one that was killed itself."""
    if rows and not rows[-1][-1]:
        rows[-1][-1] = outcome(installation)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """All but the newest month of a small operator with features, nothing trained; two candidates,
    to spare time.
    """
    preload()
    change_spec(monkeypatch, tmp_path, PORTFOLIO, candidates=CANDIDATES)
    made = Installation(tmp_path)
    land(made)
    made.complete(partial(job, "features", FIRST, shift(LAST, -1)))
    return made


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_kills_in_every_stage_leave_what_an_undisturbed_run_leaves(
    installation: Installation, part: str
) -> None:
    """25 kills in all stages; tables, registry, audit trail and published files equal the twin's in
    the end.
    """
    begun_at = time.monotonic()
    commands = PARTS[part]
    earlier = list(COMMANDS)[: list(COMMANDS).index(commands[0])]
    undisturbed(installation, earlier)
    installation.keep("before")
    seconds = undisturbed(installation, commands)
    twin = installation.found(PORTFOLIO)
    installation.bring_back("before")
    rows = drill(installation, commands, seconds)
    for row in [["", "stage", "aimed at", "killed at", "after", "the next run"], *rows]:
        print("| " + " | ".join(row) + " |")
    print(f"{len(rows)} kills in {(time.monotonic() - begun_at) / 60:.1f} minutes")
    assert differences(installation.found(PORTFOLIO), twin) == []
    assert len(rows) == len([aim for aim in AIMS if aim.command in commands])
    assert [row for row in rows if MISSED in row] == []
