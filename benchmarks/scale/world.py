"""The operator that is measured, and the parts of the graph that are run on it."""

import sys
from datetime import date
from functools import partial
from pathlib import Path
from unittest import mock

from dagster import AssetKey, AssetSelection, DagsterInstance, Definitions, define_asset_job

from churn_platform.definitions import build_defs
from churn_platform.graph.groups import group_of
from churn_platform.graph.runs import run_job
from churn_platform.months import shift
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, simulate

NEWEST = date(2025, 6, 1)
BEFORE = shift(NEWEST, -1)
FIRST = shift(NEWEST, -5)  # sums over six months, trends over three
TRAINING_ROWS_MAX = 2_500_000  # the one month that trains fits in memory up to here
SEED = 7

MONTH = ("ingest", "features", "scoring", "contact list", "publication", "monitoring")
HISTORY = ("simulation", "history", "training", "scores before")


def settings_of(folder: Path) -> Settings:
    """The platform's settings for an operator kept in `folder`: all else as it ships, but no
    tuning.
    """
    return load_settings(
        data_dir=folder,
        first_month=FIRST,
        portfolios_dir=folder / "portfolios",
        training_rows_max=TRAINING_ROWS_MAX,
        tuning_trials=0,
    )


def portfolio() -> Portfolio:
    """TelecomIT with one candidate, XGBoost, fitted on one month, and gates that hardly bar it.

    The model of one early month misses some of those that ship, and speed is what is measured.
    """
    shipped = load_portfolios(Path("portfolios"))["telecomit"]
    split = shipped.split.model_copy(update={"training_months": 1})
    gates = shipped.gates.model_copy(
        update={"min_auc": 0.5, "min_recall": 0.0, "max_fairness_gap": 1.0}
    )
    return shipped.model_copy(update={"candidates": ("xgboost",), "split": split, "gates": gates})


class World:
    """An operator of some size in a folder, and the graph over it."""

    def __init__(self, folder: Path, customers: int):
        self.folder, self.customers = folder, customers
        jobs = [
            define_asset_job(job_of(stage), selection)
            for stage, (selection, _, _) in runs().items()
        ]
        with mock.patch(
            "churn_platform.definitions.load_portfolios", lambda _: {"telecomit": portfolio()}
        ):
            defs = build_defs(**settings_of(folder).model_dump())
        self.defs = Definitions.merge(defs, Definitions(jobs=jobs))

    def run(self, stage: str) -> None:
        """Carry out a stage of the history or of the newest month."""
        if stage == "simulation":
            self._simulate()
            return
        _, first, last = runs()[stage]
        job, log = job_of(stage), self.folder / "logs" / f"{stage}.log"
        with DagsterInstance.ephemeral() as instance:
            run_job(
                self.defs,
                instance,
                job,
                first,
                last,
                log=log,
                show=partial(print, file=sys.stderr, flush=True),
            )

    def _simulate(self) -> None:
        months = (NEWEST.year - FIRST.year) * 12 + NEWEST.month - FIRST.month + 1
        settings = settings_of(self.folder)
        config = SimulationConfig(
            customers=self.customers, months=months, first_month=FIRST, seed=SEED
        )
        simulate(config, settings.landing_dir, settings.truth_dir)


def job_of(stage: str) -> str:
    """The name of the job that runs a stage."""
    return f"scale_{stage.replace(' ', '_')}"


def runs() -> dict[str, tuple[AssetSelection, date, date]]:
    """Which assets a stage materializes, for which months."""
    raw, features = groups("raw"), groups("staging", "features")
    return {
        "history": (raw | features, FIRST, BEFORE),
        "training": (groups("training"), BEFORE, BEFORE),
        "scores before": (assets("monthly_scores"), BEFORE, BEFORE),
        "ingest": (raw, NEWEST, NEWEST),
        "features": (features, NEWEST, NEWEST),
        "scoring": (assets("monthly_scores"), NEWEST, NEWEST),
        "contact list": (assets("contact_list", "campaign_economics"), NEWEST, NEWEST),
        "publication": (assets("published_features"), NEWEST, NEWEST),
        "monitoring": (groups("monitoring"), NEWEST, NEWEST),
    }


def groups(*names: str) -> AssetSelection:
    """Assets of the portfolio's groups, with their checks."""
    return AssetSelection.groups(*(group_of("telecomit", name) for name in names))


def assets(*names: str) -> AssetSelection:
    """Assets of the portfolio by name."""
    return AssetSelection.assets(*(AssetKey(["telecomit", name]) for name in names))
