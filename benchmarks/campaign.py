"""What contact lists earn in the simulated world, where each customer's true response is known.

    python benchmarks/campaign.py --folder data/bench/campaign --picture docs/images/campaign.png

An operator runs on the real graph: months of history, one training, then months of campaigns whose
contacts change what customers do. Each month's policies are judged by the truth of the next month,
customer by customer: expected profit = (P(leaves) - P(leaves if contacted)) x value - cost. So no
figure holds the luck of a draw.

A folder that holds an operator already is not simulated again.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from dagster import DagsterInstance
from lightgbm import LGBMRegressor
from sklearn.metrics import roc_auc_score

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.export import PARQUET_FILE, export_contact_list
from churn_platform.campaign.uplift import UpliftForest, fit_uplift, predict_uplift
from churn_platform.campaign.uplift_table import challenge_month, read_drawn, read_features
from churn_platform.definitions import build_defs
from churn_platform.graph.runs import run_job
from churn_platform.markdown import table as markdown_table
from churn_platform.monitoring.sampling import labelled_sample
from churn_platform.months import label, month_range, shift
from churn_platform.portfolios.economics import Campaign, Economics
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import Champion, replace_scores, score_month
from churn_platform.settings import Settings, load_settings
from churn_platform.simulator import SimulationConfig, plans_from, simulate
from churn_platform.simulator.campaign import ContactPlan, read_plan
from churn_platform.sql import read_parquet
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.training_data import Labelled
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, table_exists, write

FIRST = date(2025, 1, 1)
MESSAGE = Economics(contact_cost_eur=8, acquisition_cost_eur=180, acceptance_rate=0.36)
CALL = Economics(contact_cost_eur=35, acquisition_cost_eur=180, acceptance_rate=0.4)
OFFERS = {"a message of 8 EUR": MESSAGE, "a call of 35 EUR": CALL}
JUDGED_MONTHS = 3
SHARES = np.linspace(0, 0.05, 101)  # budgets, as the share of customers that may be contacted
TABLE_SHARE = 0.01


@dataclass(frozen=True)
class Operator:
    """An operator in a folder of its own."""

    settings: Settings
    portfolio: Portfolio
    trained: date

    def truth(self, month: date) -> Path:
        """The truth about the month after `month`."""
        return self.settings.truth_dir / self.portfolio.name / f"{label(shift(month, 1))}.parquet"

    @property
    def lake(self) -> Lake:
        """The warehouse."""
        return Lake.of(self.settings)

    def run(self, job: str, first: date, last: date) -> None:
        """Run a job of the graph."""
        defs = build_defs(**self.settings.model_dump(exclude_unset=True))
        with DagsterInstance.ephemeral() as instance:
            run_job(
                defs,
                instance,
                job,
                first,
                last,
                log=self.settings.root / "log",
                show=lambda line: None,
            )

    def plan(self, month: date) -> ContactPlan | None:
        """Whom the operator contacts in `month`: the list of the month before, once there is a
        model.
        """
        before = shift(month, -1)
        if before < self.trained:
            return None
        self.take_in(before)
        return read_plan(self.list_contacts(before) / PARQUET_FILE)

    def take_in(self, month: date) -> None:
        """Make features and matured labels up to the month, where they are missing."""
        with closing(connect(self.lake)) as connection:
            table = f"{self.portfolio.name}.customer_features"
            known = (
                table_exists(connection, table)
                and connection.execute(f"select max(month) from {table}").fetchone()
            )
        newest = known[0] if known else None
        if newest is None or newest < month:
            self.run(
                f"{self.portfolio.name}_features", shift(newest, 1) if newest else FIRST, month
            )

    def labelled(self, months: Sequence[date]) -> list[Labelled]:
        """Everybody of each month whose label has matured."""
        with closing(connect(self.lake, read_only=True)) as connection:
            snapshot = current_snapshot(connection)
            return [
                labelled_sample(connection, self.portfolio, it, rows=100_000, snapshot=snapshot)
                for it in months
            ]

    def fit(self, months: Sequence[Labelled]) -> ChurnModel:
        """A model of all months but the last, which validates, without the tuning of a real one."""
        *train, validation = months
        features, churned, ids = (
            np.concatenate([getattr(part, name) for part in train])
            for name in ("features", "churned", "customer_ids")
        )
        rows = Labelled(features, churned, ids)
        return fit_model("lightgbm", self.portfolio.features, rows, validation, seed=7, threads=1)

    @cached_property
    def champion(self) -> Champion:
        """A model of the months before the campaigns."""
        months = self.labelled(month_range(shift(FIRST, 2), shift(self.trained, -1)))
        model, validation = self.fit(months), months[-1]
        probability = model.churn_probability(validation.features)
        print(
            "AUC on the last month before the campaigns "
            f"{roc_auc_score(validation.churned, probability):.3f}",
            flush=True,
        )
        return Champion(1, model, [("high", 1.0), ("low", 0.0)])

    def list_contacts(self, month: date) -> Path:
        """Score the month and make its list; returns the folder that is handed over."""
        with closing(connect(self.lake)) as connection:
            scores = score_month(
                connection,
                self.portfolio,
                lambda: self.champion,
                month,
                batch_rows=50_000,
                threads=2,
            )
            write(
                connection,
                self.lake,
                partial(replace_scores, connection, self.portfolio, month, scores),
            )
            write(
                connection,
                self.lake,
                partial(replace_contact_list, connection, self.portfolio, month),
            )
            return export_contact_list(connection, self.portfolio, month, self.settings.exports_dir)


def operate(
    folder: Path, *, customers: int, history: int, campaigns: int, control_share: float
) -> Operator:
    """Simulate the operator with its campaigns; what the folder holds already is not made again."""
    settings = load_settings(
        data_dir=folder, portfolios_dir=folder / "portfolios", phone_hash_key="0123456789abcdef" * 4
    )
    portfolio = load_portfolios(folder / "portfolios")["telecomit"].model_copy(
        update={"economics": MESSAGE, "campaign": Campaign(control_share=control_share)}
    )
    operator = Operator(settings, portfolio, shift(FIRST, history - 1))
    months = history + campaigns
    config = SimulationConfig(
        customers=customers, first_month=FIRST, months=months, seed=11, calls_per_customer=10
    )
    truth = settings.truth_dir / portfolio.name
    made = plans_from(settings.exports_dir / portfolio.name / "contact_list")
    missing = [
        month for month in config.month_starts() if not (truth / f"{label(month)}.parquet").exists()
    ]
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


@dataclass(frozen=True)
class Base:
    """Customers of a month who may be contacted, as the platform sees them and as they are."""

    customer_id: np.ndarray
    features: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    effect: np.ndarray


def read_base(operator: Operator, month: date) -> Base:
    """Everybody scored in the month but the opted-out and those in the cool-down, with the truth of
    the next month.
    """
    name, raw, truth = operator.portfolio.name, operator.portfolio.raw_schema, operator.truth(month)
    since = shift(month, 1 - operator.portfolio.campaign.cooldown_months)
    with closing(connect(operator.lake, read_only=True)) as connection:
        found = connection.execute(
            "select customer_id, scores.churn_probability as predicted, "
            "truth.churn_probability as true, "
            "truth.churn_probability - churn_probability_if_contacted as effect, "
            f"{encoded_columns(operator.portfolio.features)} from {name}.monthly_scores as scores "
            f"join {name}.customer_features using (customer_id, month) "
            f"join {read_parquet(truth)} as truth using (customer_id) "
            "where month = $month and customer_id not in (select customer_id "
            f"from {raw}.contact_preferences "
            "where month = $month and is_opted_out) and customer_id not in (select customer_id "
            "from "
            f"{raw}.campaign_contacts where month between $since and $month) order by customer_id",
            {"month": month, "since": since},
        ).to_arrow_table()
    columns = [
        found[each].to_numpy(zero_copy_only=False)
        for each in ("customer_id", "predicted", "true", "effect")
    ]
    return Base(columns[0], matrix(found, operator.portfolio.feature_names), *columns[1:])


@dataclass(frozen=True)
class Informed:
    """True risk and true effect as far as features tell them: fitted to the truth itself, which no
    operator has.
    """

    risk: LGBMRegressor
    effect: LGBMRegressor


def fit_informed(operator: Operator) -> Informed:
    """Fitted to the months before the campaigns."""
    features, truths = [], []
    query = (
        "select customer_id, churn_probability, "
        "churn_probability - churn_probability_if_contacted from {} "
        "where list_contains(?, customer_id) order by customer_id"
    )
    with closing(connect(operator.lake, read_only=True)) as connection:
        for month in month_range(shift(FIRST, 2), shift(operator.trained, -1)):
            snapshot = current_snapshot(connection)
            sample = labelled_sample(
                connection, operator.portfolio, month, rows=15_000, snapshot=snapshot
            )
            found = connection.execute(
                query.format(read_parquet(operator.truth(month))), [list(sample.customer_ids)]
            ).fetchall()
            assert [row[0] for row in found] == list(sample.customer_ids)
            features.append(sample.features)
            truths.append(np.array([row[1:] for row in found]))
    x, (risk, effect) = np.concatenate(features), np.concatenate(truths).T
    settings = {
        "n_estimators": 250,
        "learning_rate": 0.06,
        "min_child_samples": 50,
        "n_jobs": 1,
        "random_state": 7,
    }
    make = partial(LGBMRegressor, verbose=-1, **settings)
    return Informed(make(objective="cross_entropy").fit(x, risk), make().fit(x, effect))


def fit_forest(operator: Operator, month: date) -> UpliftForest:
    """Uplift by the draws that matured by the month; prints whether the platform would use it where
    a budget binds.
    """
    campaign = operator.portfolio.campaign.model_copy(update={"budget_eur": 1000.0})
    limited = operator.portfolio.model_copy(update={"campaign": campaign})
    with closing(connect(operator.lake, read_only=True)) as connection:
        found, _ = challenge_month(connection, limited, month, threads=1)
        print(found.reason, flush=True)
        drawn = read_drawn(connection, operator.portfolio, month)
        features, known = read_features(connection, operator.portfolio, drawn)
    return fit_uplift(drawn.take(known), features[known], threads=1)


Earned = dict[str, np.ndarray]


def earnings(
    bases: Sequence[Base], economics: Economics, informed: Informed, forest: UpliftForest
) -> Earned:
    """True profit in EUR, summed over the months, of each policy at each budget of SHARES."""
    kept = economics.acceptance_rate * economics.acquisition_cost_eur
    total: Earned = {}
    for base in bases:
        truly = base.effect * economics.acquisition_cost_eur - economics.contact_cost_eur
        as_assumed = base.true * kept - economics.contact_cost_eur
        known = informed.risk.predict(base.features) * kept - economics.contact_cost_eur
        known_effect = (
            informed.effect.predict(base.features) * economics.acquisition_cost_eur
            - economics.contact_cost_eur
        )
        uplift = predict_uplift(forest, base.features, base.predicted)
        within = base.predicted * kept > economics.contact_cost_eur
        by_uplift = np.where(
            within, uplift * economics.acquisition_cost_eur - economics.contact_cost_eur, -np.inf
        )
        own = base.predicted * kept - economics.contact_cost_eur
        rankings = {
            "our list": own,
            "list by uplift": by_uplift,
            "oracle: the risk, as far as features tell": known,
            "oracle: the effect, as far as features tell": known_effect,
            "oracle: the true risk": as_assumed,
            "oracle: the true effect": truly,
        }
        found = {name: _earned(truly, score, score > 0) for name, score in rankings.items()}
        found["churn ranking, budget spent"] = _earned(truly, own, np.ones(len(own), dtype=bool))
        found["random"] = truly.mean() * np.floor(SHARES * len(truly))
        for name, value in found.items():
            total[name] = total.get(name, 0) + value
    return total


def show_learning(
    operator: Operator, judged: Sequence[date], bases: Sequence[Base], economics: Economics
) -> None:
    """Models fitted during the campaigns, on labels as they are and on those that no campaign had a
    hand in.
    """
    months = operator.labelled(month_range(operator.trained, shift(judged[0], -1)))
    fitted = {"as they are": months, "left out": [month.untouched for month in months]}
    kept = economics.acceptance_rate * economics.acquisition_cost_eur
    rows = []
    for name, labelled in fitted.items():
        model = operator.fit(labelled)
        listed, expected, true, profit = 0, 0.0, 0.0, 0.0
        for base in bases:
            probability = model.churn_probability(base.features)
            chosen = probability * kept > economics.contact_cost_eur
            listed += int(chosen.sum())
            expected += probability[chosen].sum()
            true += base.true[chosen].sum()
            gain = base.effect[chosen] * economics.acquisition_cost_eur
            profit += (gain - economics.contact_cost_eur).sum()

        rows.append([name, f"{listed:,}", f"{true / expected:.2f}", f"{profit:,.0f}"])

    head = [
        "labels of the contacted",
        "contacts",
        "true over expected churners among them",
        "true profit, EUR",
    ]
    print("\nFitted on months with campaigns, judged by the truth: the message, no budget\n")
    print(markdown_table(head, rows))


def show_judging(operator: Operator, month: date) -> None:
    """The champion on a month whose labels a campaign had a hand in, by these labels and by the
    truth.
    """
    (rows,) = operator.labelled([month])
    with closing(connect(operator.lake, read_only=True)) as connection:
        query = (
            f"select churn_probability from {read_parquet(operator.truth(month))} "
            "where list_contains(?, customer_id) order by customer_id"
        )
        true = connection.execute(query, [list(rows.customer_ids)]).fetchnumpy()[
            "churn_probability"
        ]
    probability = operator.champion.model.churn_probability(rows.features)
    named = probability >= np.quantile(probability, 0.9)
    both, twice = np.repeat([1, 0], len(true)), np.tile(probability, 2)
    auc_true = roc_auc_score(both, twice, sample_weight=np.concatenate([true, 1 - true]))
    auc = roc_auc_score(rows.churned, probability)
    recall, recall_true = (part[named].sum() / part.sum() for part in (rows.churned, true))
    print(
        f"\n{label(month)} by its labels: AUC {auc:.3f}, "
        f"recall {recall:.3f} of a tenth of the customers; "
        f"by the truth {auc_true:.3f}, {recall_true:.3f}"
    )


def _earned(profit: np.ndarray, score: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Profit of the best by score at each budget, of those wanted at most."""
    order = np.argsort(-score, kind="stable")
    gains = np.concatenate([[0], np.cumsum(np.where(wanted[order], profit[order], 0))])
    return gains[np.floor(SHARES * len(score)).astype(int)]


def show(title: str, earned: Earned, bases: Sequence[Base], economics: Economics) -> None:
    """Profit of each policy at the budget of the table, and as a share of each oracle's."""
    place = int(np.argmin(np.abs(SHARES - TABLE_SHARE)))
    everybody = 0.0
    for base in bases:
        gain = base.effect * economics.acquisition_cost_eur
        everybody += float((gain - economics.contact_cost_eur).sum())

    at = {"nobody": 0.0, "everybody": everybody}
    for name, values in earned.items():
        at[name] = float(values[place])

    oracles = [name for name in at if name.startswith("oracle")]
    head = ["policy", "EUR", *(f"of {name.split(': ')[1]}" for name in oracles)]
    rows = []
    for name, value in at.items():
        shares = [f"{value / at[oracle]:.0%}" if value > 0 else "-" for oracle in oracles]
        rows.append([name, f"{value:,.0f}", *shares])

    print(f"\n{title}, at most {TABLE_SHARE:.1%} of the customers contacted\n")
    print(markdown_table(head, rows))


def draw(path: Path, titled: dict[str, Earned]) -> None:
    """Profit by budget, one panel for each offer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=90, layout="constrained")
    for axes, (title, earned) in zip(figure.subplots(1, len(titled)), titled.items(), strict=True):
        for name, values in earned.items():
            style = "--" if name.startswith("oracle") else ":" if name == "random" else "-"
            axes.plot(100 * SHARES, values / 1000, style, label=name)
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set(
            title=title,
            xlabel="budget: customers contacted at most, %",
            ylabel="true profit, 1,000 EUR",
        )
        axes.set_ylim(bottom=-0.3 * max(values.max() for values in earned.values()) / 1000)
        axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small")
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Operate, judge, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("data/bench/campaign"))
    parser.add_argument("--customers", type=int, default=40_000)
    parser.add_argument("--history", type=int, default=10, help="Months before the first campaign.")
    parser.add_argument("--campaigns", type=int, default=9, help="Months with a campaign.")
    parser.add_argument("--control-share", type=float, default=0.25)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    operator = operate(
        arguments.folder,
        customers=arguments.customers,
        history=arguments.history,
        campaigns=arguments.campaigns,
        control_share=arguments.control_share,
    )
    newest = shift(FIRST, arguments.history + arguments.campaigns - 2)
    judged = month_range(shift(newest, 1 - JUDGED_MONTHS), newest)
    bases = [read_base(operator, month) for month in judged]
    informed, forest = fit_informed(operator), fit_forest(operator, judged[0])
    titled = {}
    for title, economics in OFFERS.items():
        titled[title] = earnings(bases, economics, informed, forest)
        show(title, titled[title], bases, economics)
    show_learning(operator, judged, bases, MESSAGE)
    for month in judged:
        show_judging(operator, month)
    if arguments.picture:
        draw(arguments.picture, titled)


if __name__ == "__main__":
    main()
