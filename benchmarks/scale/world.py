"""The operator that is measured, and the parts of the graph that are run on it."""

from datetime import date
from functools import partial
from pathlib import Path
from unittest import mock

from dagster import AssetKey, AssetSelection, DagsterInstance, Definitions, define_asset_job

from churn_platform.definitions import build_defs
from churn_platform.months import shift
from churn_platform.portfolios.registry import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.runs import run_job
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, simulate

NEWEST = date(2025, 6, 1)
BEFORE = shift(NEWEST, -1)
FIRST = shift(NEWEST, -5)  # sums over six months, trends over three
TRAINING_ROWS_MAX = 2_500_000  # the one month that trains fits in memory up to here
SEED = 7

MONTH = ("ingest", "features", "scoring", "contact list", "publication", "monitoring")
HISTORY = ("simulation", "history", "training", "scores before")
NOT_MEASURED = ("simulation", "history", "scores before")


def settings_of(folder: Path) -> Settings:
    """The platform's settings for an operator kept in `folder`: all else as it ships, but no tuning."""
    return load_settings(
        data_dir=folder,
        first_month=FIRST,
        portfolios_dir=folder / "portfolios",
        training_rows_max=TRAINING_ROWS_MAX,
        tuning_trials=0,
    )


def portfolio() -> Portfolio:
    """TelecomIT with one candidate, XGBoost, fitted on one month."""
    shipped = load_portfolios(Path("portfolios"))["telecomit"]
    split = shipped.split.model_copy(update={"training_months": 1})
    return shipped.model_copy(update={"candidates": ("xgboost",), "split": split})


def run_stage(stage: str, folder: Path, customers: int) -> None:
    """Carry out a stage of the history or of the newest month."""
    if stage == "simulation":
        months = (NEWEST.year - FIRST.year) * 12 + NEWEST.month - FIRST.month + 1
        settings = settings_of(folder)
        config = SimulationConfig(customers=customers, months=months, first_month=FIRST, seed=SEED)
        simulate(config, settings.landing_dir, settings.truth_dir)
        return
    selection, first, last = runs()[stage]
    with mock.patch("churn_platform.definitions.load_portfolios", lambda _: {"telecomit": portfolio()}):
        defs = build_defs(**settings_of(folder).model_dump())
    job = f"scale_{stage.replace(' ', '_')}"
    defs = Definitions.merge(defs, Definitions(jobs=[define_asset_job(job, selection)]))
    with DagsterInstance.ephemeral() as instance:
        run_job(defs, instance, job, first, last, log=folder / "logs" / f"{job}.log", show=partial(print, flush=True))


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
    return AssetSelection.groups(*(f"telecomit_{name}" for name in names))


def assets(*names: str) -> AssetSelection:
    """Assets of the portfolio by name."""
    return AssetSelection.assets(*(AssetKey(["telecomit", name]) for name in names))
