"""What contact lists earn in the simulated world, where each customer's true response is known.

    python benchmarks/campaign.py --folder data/bench/campaign --picture docs/images/campaign.png

An operator runs on the real graph: months of history, one training, then months of campaigns whose contacts change what
customers do. Each month's policies are judged by the truth of the next month, customer by customer: expected profit =
(P(leaves) - P(leaves if contacted)) x value - cost. So no figure holds the luck of a draw.

A folder that holds an operator already is not simulated again.
"""

import argparse
import os
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from dagster import DagsterInstance

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.export import PARQUET_FILE, export_contact_list
from churn_platform.definitions import build_defs
from churn_platform.months import label, shift
from churn_platform.portfolios.economics import Campaign, Economics
from churn_platform.portfolios.registry import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.runs import run_job
from churn_platform.scoring.champion import load_champion
from churn_platform.scoring.score import replace_scores, score_month
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.simulator.campaign import Plan, read_plan
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import write

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
        first = FIRST if before == self.trained else before
        self.run(f"{self.portfolio.name}_features", first, before)
        if before == self.trained:
            self.run(f"{self.portfolio.name}_training", before, before)
        return read_plan(self.list_contacts(before) / PARQUET_FILE)

    def list_contacts(self, month: date) -> Path:
        """Score the month and make its list; returns the folder that is handed over."""
        tracking = Tracking(tracking_uri=self.settings.mlflow_uri, artifact_location=self.settings.mlflow_artifacts)
        champion = load_champion(tracking.client(), self.portfolio)
        with closing(connect(self.lake)) as connection:
            scores = score_month(connection, self.portfolio, champion, month, batch_rows=100_000)
            write(connection, self.lake, partial(replace_scores, connection, self.portfolio, month, scores))
            write(connection, self.lake, partial(replace_contact_list, connection, self.portfolio, month))
            return export_contact_list(connection, self.portfolio, month, self.settings.exports_dir)


def operate(folder: Path, *, customers: int, history: int, campaigns: int, control_share: float) -> Operator:
    """Simulate the operator with its campaigns, unless the folder holds it already."""
    settings = load_settings(
        data_dir=folder, portfolios_dir=folder / "portfolios", tuning_trials=0, phone_hash_key="0123456789abcdef" * 4
    )
    campaign = Campaign(control_share=control_share, cooldown_months=3)
    portfolio = load_portfolios(folder / "portfolios")["telecomit"].model_copy(
        update={"economics": MESSAGE, "campaign": campaign}
    )
    operator = Operator(settings, portfolio, shift(FIRST, history - 1))
    months = history + campaigns
    config = SimulationConfig(customers=customers, first_month=FIRST, months=months, seed=11, calls_per_customer=10)
    if not (settings.truth_dir / portfolio.name / f"{label(config.month_starts()[-1])}.parquet").exists():
        simulate(config, settings.landing_dir, settings.truth_dir / portfolio.name, print, plans=operator.plan)
        operator.run(f"{portfolio.name}_features", config.month_starts()[-1], config.month_starts()[-1])
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
    os.environ["DAGSTER_HOME"] = str(arguments.folder.resolve())
    operate(
        arguments.folder,
        customers=arguments.customers,
        history=arguments.history,
        campaigns=arguments.campaigns,
        control_share=arguments.control_share,
    )


if __name__ == "__main__":
    main()
