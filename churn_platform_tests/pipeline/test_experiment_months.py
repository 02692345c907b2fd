"""An experiment over some months of a small operator, through the real graph: its assets give rows,
and the same rows after kills and with the log's segments in another order.

Run it with `make experiment-check`.
"""

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from churn_platform.audit.audit_log import AuditLog
from churn_platform.experiments import moves
from churn_platform.experiments.ladder import Progress
from churn_platform.experiments.state import read_state
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.months import as_of, label, month_range, months_between, shift
from churn_platform.promotion.publication import Publisher
from churn_platform.published.assignment import assigned_arm
from churn_platform.published.experiment import TREATED, LiveExperiment
from churn_platform.settings import load_settings
from churn_platform.simulator import SimulationConfig, plans_from, simulate
from churn_platform.training.model_registry import champion_version, versions
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.experiments.conftest import spec_of
from churn_platform_tests.pipeline.killable import (
    Installation,
    change_spec,
    inside,
    preload,
    run_stage,
)
from churn_platform_tests.support.predictions import prediction
from serving.storage.log_writer import PredictionLog

PORTFOLIO = "telecomit"
FIRST, TRAINED, LAST = date(2025, 1, 1), date(2025, 5, 1), date(2025, 8, 1)
CUSTOMERS, CALLS, SEED = 3_000, 5, 3
HOSTS = ("w1", "w2", "w3")
GATES = {"min_auc": 0.6, "min_recall": 0.2}
STEPS = [
    {"name": "shadow", "weight": 0.0, "least_hours": 0},
    {"name": "slice", "weight": 0.3, "least_hours": 0},
]
TABLES = (
    "experiment_scores",
    "experiment_draw",
    "experiment_outcome",
    "experiment_lists",
    "experiment_safety",
    "contact_list",
)
# Of each stage what an experiment has to do with; the rest would cost most of the time.
ASSETS = {
    "scores": ("monthly_scores", "experiment_scores", "contact_list", "contact_decisions"),
    "serving": ("serving_log", "experiment_safety"),
    "monitoring": ("experiment_outcome", "experiment_lists"),
}
Rows = dict[str, list[tuple[Any, ...]]]


def job(stage: str, first: date, last: date, **overrides: object) -> None:
    """A stage over some months."""
    run_stage(PORTFOLIO, stage, first, last, only=ASSETS.get(stage, ()), **overrides)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Two versions of two algorithms, of which the first is champion, and the second is at its
    slice since the first of June.
    """
    preload()
    change_spec(monkeypatch, tmp_path, PORTFOLIO, gates=GATES)
    folder = tmp_path / "experiments"
    made = Installation(tmp_path, extra={"CHURN_EXPERIMENTS_DIR": str(folder)})
    live_until(made, TRAINED, first=FIRST)
    made.complete(partial(job, "features", FIRST, TRAINED))
    for algorithm in ("logistic_regression", "lightgbm"):
        made.complete(partial(job, "training", TRAINED, TRAINED, candidates=algorithm))

    folder.mkdir()
    made.complete(partial(begin, folder))
    made.complete(partial(job, "scores", TRAINED, TRAINED))
    return made


def live_until(installation: Installation, month: date, *, first: date) -> None:
    """Land the months from `first` on, in which the operator works off the lists it was given."""
    settings = installation.settings
    config = SimulationConfig(
        customers=CUSTOMERS,
        months=months_between(FIRST, month) + 1,
        seed=SEED,
        calls_per_customer=CALLS,
    )
    contacts = settings.landing_dir / PORTFOLIO / "campaign_contacts"
    lists = settings.exports_dir / PORTFOLIO / "contact_list"
    simulate(
        config,
        settings.landing_dir,
        settings.truth_dir,
        plans=plans_from(lists, contacts, write_from=first),
        write_from=first,
    )


def begin(folder: Path) -> None:
    """Start the experiment on the first of June, and take it to its slice at once."""
    settings = load_settings()
    (portfolio,) = (one for one in all_portfolios() if one.name == PORTFOLIO)
    client = Tracking.of(settings).client()
    numbers = {int(version.version) for version in versions(client, PORTFOLIO)}
    (challenger,) = numbers - {champion_version(client, PORTFOLIO)}
    spec = spec_of(
        portfolio=PORTFOLIO,
        versions={"challenger": challenger},
        steps=STEPS,
        lists=True,
        smallest_effect=0.02,
    )
    path = folder / f"{spec.name}.yaml"
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")))

    hours = count(1)
    june = datetime.combine(as_of(TRAINED), datetime.min.time(), UTC)
    audit = AuditLog(settings.audit_path, "ada", lambda: june + timedelta(hours=next(hours)))
    publisher = Publisher.of(settings, portfolio, client=client, audit=audit)
    moves.start(publisher, spec, reason="boosting looked better")
    moves.advance(publisher, spec, Progress(), reason="at once")


def all_portfolios() -> list:
    """Those that the platform knows."""
    from churn_platform.portfolios.loader import load_portfolios

    return list(load_portfolios(load_settings().portfolios_dir).values())


def answer(installation: Installation, month: date) -> None:
    """What the service answers every customer in a month, on three hosts."""
    records = AuditLog(installation.settings.audit_path, "", datetime.now).records()
    state = read_state(records, "boosting")
    assert state is not None
    generator = np.random.default_rng(month.month)
    begin_us = int(datetime.combine(month, datetime.min.time(), UTC).timestamp() * 1e6)
    folder = installation.settings.serving_log_dir / PORTFOLIO
    logs = [PredictionLog(folder, worker=f"{host}-{label(month)}") for host in HOSTS]
    for number in range(CUSTOMERS):
        customer = f"T{number:08}"
        score = float(generator.uniform(0, 0.2))
        told = answered(state.live, customer, score)
        at_us = begin_us + 86_400_000_000 + number * 1_000_000
        record = prediction(
            portfolio=PORTFOLIO,
            request_id=f"{label(month)}-{number}",
            customer_id=customer,
            at_us=at_us,
            **told,
        )
        logs[number % len(logs)].append(record)
    for log in logs:
        log.close()


def answered(live: LiveExperiment, customer: str, score: float) -> dict[str, Any]:
    """The version that answers a customer, in the arm of the hash."""
    arm = assigned_arm(live, customer)
    version = live.challenger.version if arm == TREATED else live.control.version
    return {
        "model_version": version,
        "experiment": live.start_id,
        "experiment_arm": arm,
        "churn_probability": score,
        "tier": "low",
    }


def found(installation: Installation) -> Rows:
    """Every row of the experiment's tables, in an order that does not depend on how they came."""
    path = installation.folder / "rows.json"

    def read() -> None:
        rows = {}
        with closing(connect(Lake.of(load_settings()), read_only=True)) as connection:
            for table in TABLES:
                query = f"from {PORTFOLIO}.{table} order by all"
                rows[table] = connection.execute(query).fetchall()
        path.write_text(json.dumps(rows, default=str))

    installation.complete(read)
    rows: Rows = json.loads(path.read_text())
    return rows


def kill_inside(installation: Installation, stage: str, asset: str) -> None:
    """Kill a stage of the last month as soon as an asset of the experiment is at work."""
    after = installation.kill(partial(job, stage, LAST, LAST), inside(f"{PORTFOLIO}__{asset}"), 0.0)
    assert after is not None, f"{stage} ended before it was killed"


def segments_of(installation: Installation) -> list[Path]:
    """The closed segments of the log."""
    folder = installation.settings.serving_log_dir / PORTFOLIO
    return sorted(folder.glob("*.seg"))


@pytest.mark.slow
def test_an_experiment_gives_the_same_rows_again(installation: Installation) -> None:
    """Undisturbed, and after a kill inside each asset, with segments that come later first."""
    for month in month_range(as_of(TRAINED), shift(LAST, -1)):
        live_until(installation, month, first=month)
        answer(installation, month)
        for stage in ("features", *ASSETS):
            installation.complete(partial(job, stage, month, month))

    live_until(installation, LAST, first=LAST)
    installation.complete(partial(job, "features", LAST, LAST))
    answer(installation, LAST)
    installation.keep("before")
    undisturbed = analysed(installation)
    check(installation)
    installation.bring_back("before")
    again = analysed_after_kills(installation)
    for table in TABLES:
        assert again[table] == undisturbed[table], table


def analysed(installation: Installation) -> Rows:
    """The last month, without a disturbance; and the first one again after it, which changes no
    row.
    """
    for stage in ASSETS:
        installation.complete(partial(job, stage, LAST, LAST))
    rows = found(installation)
    tell(rows)
    first = as_of(TRAINED)
    installation.complete(partial(job, "monitoring", first, first))
    assert found(installation) == rows
    return rows


def analysed_after_kills(installation: Installation) -> Rows:
    """The last month, with a kill inside each asset, and with the first segment of the log coming
    after the others.
    """
    kill_inside(installation, "scores", "experiment_scores")
    installation.complete(partial(job, "scores", LAST, LAST))
    first, *others = segments_of(installation)
    assert others
    late = installation.folder / first.name
    first.rename(late)
    kill_inside(installation, "serving", "experiment_safety")
    installation.complete(partial(job, "serving", LAST, LAST))
    late.rename(first)
    installation.complete(partial(job, "serving", LAST, LAST))
    for asset in ASSETS["monitoring"]:
        kill_inside(installation, "monitoring", asset)
    installation.complete(partial(job, "monitoring", LAST, LAST))
    return found(installation)


def tell(rows: Rows) -> None:
    """What the experiment came to, for who reads the drill's output."""
    for table, its_own in rows.items():
        print(f"{table}: {len(its_own):,} rows")
    for table in ("experiment_outcome", "experiment_lists", "experiment_safety"):
        for row in rows[table]:
            print(table, *row, sep=" | ")


def check(installation: Installation) -> None:
    """The rows say what took place: a row a month, everyone in the arm of the hash, and nobody
    drawn to one list contacted by the other.
    """
    checked = installation.folder / "checked.json"

    def read() -> None:
        with closing(connect(Lake.of(load_settings()), read_only=True)) as connection:
            outcomes, lists, strays, wrongly = (
                connection.execute(query).fetchall() for query in QUERIES
            )
        checked.write_text(json.dumps([outcomes, lists, strays, wrongly], default=str))

    installation.complete(read)
    outcomes, lists, strays, wrongly = json.loads(checked.read_text())
    months = [str(month) for month in month_range(as_of(TRAINED), LAST)]
    assert [month for month, *_ in outcomes] == months
    assert all(customers > CUSTOMERS / 2 and churners >= 20 for _, customers, churners in outcomes)
    assert [month for month, *_ in lists] == months
    assert all(drawn and contacted for _, drawn, contacted in lists)
    assert strays == [[month, 0.0] for month in months]
    assert wrongly == [[0]]


QUERIES = (
    f"select month, customers, churners from {PORTFOLIO}.experiment_outcome order by month",
    f"""
    select month, drawn, contacted_control + contacted_challenger
    from {PORTFOLIO}.experiment_lists order by month
    """,
    f"""
    select month, at_least from {PORTFOLIO}.experiment_safety
    where watched = 'stray_customers' order by month
    """,
    f"""
    select count(*)
    from {PORTFOLIO}.contact_list as listed
    join {PORTFOLIO}.experiment_draw as draw using (month, customer_id)
    where listed.role = 'contact'
        and ((drawn_to = 'control' and not on_control)
            or (drawn_to = 'challenger' and not on_challenger))
    """,
)
