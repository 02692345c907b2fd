"""What contact lists earn in the simulated world, where each customer's true response is known.

    python benchmarks/campaign.py --folder data/bench/campaign --picture docs/images/campaign.png

An operator runs on the real graph: months of history, one training, then months of campaigns whose contacts change what
customers do. Each month's policies are judged by the truth of the next month, customer by customer: expected profit =
(P(leaves) - P(leaves if contacted)) x value - cost. So no figure holds the luck of a draw.

A folder that holds an operator already is not simulated again.
"""

import argparse
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from dagster import DagsterInstance
from sklearn.metrics import roc_auc_score

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.export import PARQUET_FILE, export_contact_list
from churn_platform.definitions import build_defs
from churn_platform.monitoring.sampling import labelled_sample
from churn_platform.months import label, month_range, shift
from churn_platform.portfolios.economics import Campaign, Economics
from churn_platform.portfolios.registry import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.runs import run_job
from churn_platform.scoring.score import Champion, replace_scores, score_month
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, plans_from, simulate
from churn_platform.simulator.campaign import Plan, read_plan
from churn_platform.training.data import Labelled
from churn_platform.training.model import fit_model
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, table_exists, write

FIRST = date(2025, 1, 1)
MESSAGE = Economics(contact_cost_eur=8, acquisition_cost_eur=180, acceptance_rate=0.36)


@dataclass(frozen=True)
class Operator:
    """An operator in a folder of its own."""

    settings: Settings
    portfolio: Portfolio
    trained: date

    @property
    def lake(self) -> Lake:
        """The warehouse."""
        return Lake.of(self.settings)

    def run(self, job: str, first: date, last: date) -> None:
        """Run a job of the graph."""
        defs = build_defs(**self.settings.model_dump(exclude_unset=True))
        with DagsterInstance.ephemeral() as instance:
            run_job(defs, instance, job, first, last, log=self.settings.root / "log", show=lambda line: None)

    def plan(self, month: date) -> Plan | None:
        """Whom the operator contacts in `month`: the list of the month before, once there is a model."""
        before = shift(month, -1)
        if before < self.trained:
            return None
        self.take_in(before)
        return read_plan(self.list_contacts(before) / PARQUET_FILE)

    def take_in(self, month: date) -> None:
        """Make features and matured labels up to the month, where they are missing."""
        with closing(connect(self.lake)) as connection:
            table = f"{self.portfolio.name}.customer_features"
            known = table_exists(connection, table) and connection.execute(f"select max(month) from {table}").fetchone()
        newest = known[0] if known else None
        if newest is None or newest < month:
            self.run(f"{self.portfolio.name}_features", shift(newest, 1) if newest else FIRST, month)

    @cached_property
    def champion(self) -> Champion:
        """A model of the months before the campaigns, without the tuning, judging and publishing of a real one."""
        with closing(connect(self.lake, read_only=True)) as connection:
            snapshot = current_snapshot(connection)
            months = month_range(shift(FIRST, 2), shift(self.trained, -1))
            sample = partial(labelled_sample, connection, self.portfolio, rows=100_000, snapshot=snapshot)
            *train, validation = [sample(month) for month in months]
        features, churned, ids = (
            np.concatenate([getattr(part, name) for part in train]) for name in ("features", "churned", "customer_ids")
        )
        model = fit_model(
            "lightgbm", self.portfolio.features, Labelled(features, churned, ids), validation, seed=7, threads=1
        )
        probability = model.churn_probability(validation.features)
        print(
            f"AUC on the last month before the campaigns {roc_auc_score(validation.churned, probability):.3f}",
            flush=True,
        )
        return Champion(1, model, [("high", 1.0), ("low", 0.0)])

    def list_contacts(self, month: date) -> Path:
        """Score the month and make its list; returns the folder that is handed over."""
        with closing(connect(self.lake)) as connection:
            scores = score_month(connection, self.portfolio, self.champion, month, batch_rows=100_000)
            write(connection, self.lake, partial(replace_scores, connection, self.portfolio, month, scores))
            write(connection, self.lake, partial(replace_contact_list, connection, self.portfolio, month))
            return export_contact_list(connection, self.portfolio, month, self.settings.exports_dir)


def operate(folder: Path, *, customers: int, history: int, campaigns: int, control_share: float) -> Operator:
    """Simulate the operator with its campaigns; what the folder holds already is not made again."""
    settings = load_settings(
        data_dir=folder, portfolios_dir=folder / "portfolios", phone_hash_key="0123456789abcdef" * 4
    )
    portfolio = load_portfolios(folder / "portfolios")["telecomit"].model_copy(
        update={"economics": MESSAGE, "campaign": Campaign(control_share=control_share)}
    )
    operator = Operator(settings, portfolio, shift(FIRST, history - 1))
    months = history + campaigns
    config = SimulationConfig(customers=customers, first_month=FIRST, months=months, seed=11, calls_per_customer=10)
    truth = settings.truth_dir / portfolio.name
    made = plans_from(settings.exports_dir / portfolio.name / "contact_list")
    missing = [month for month in config.month_starts() if not (truth / f"{label(month)}.parquet").exists()]
    if missing:
        simulate(
            config,
            settings.landing_dir,
            truth,
            lambda month: print(f"simulated {month}", flush=True),
            plans=lambda month: made(month) or operator.plan(month),
            write_from=missing[0],
        )
    operator.take_in(config.month_starts()[-1])
    return operator


def main() -> None:
    """Operate, judge, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("data/bench/campaign"))
    parser.add_argument("--customers", type=int, default=40_000)
    parser.add_argument("--history", type=int, default=10, help="Months before the first campaign.")
    parser.add_argument("--campaigns", type=int, default=9, help="Months with a campaign.")
    parser.add_argument("--control-share", type=float, default=0.25)
    arguments = parser.parse_args()
    operate(
        arguments.folder,
        customers=arguments.customers,
        history=arguments.history,
        campaigns=arguments.campaigns,
        control_share=arguments.control_share,
    )


if __name__ == "__main__":
    main()
