"""Two versions of a portfolio side by side: what they reach on the same customers, and what they
are made of.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from churn_platform.metrics.comparison import Difference, auc_difference
from churn_platform.metrics.metrics import Metrics, measure
from churn_platform.metrics.metrics_table import SHOWN
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.plain_numbers import number
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.versions import Version, load_version

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Compared(Version):
    """A registered version with the parameters of its run."""

    parameters: dict[str, str]


@dataclass(frozen=True)
class SideBySide:
    """Two versions on the same customers, the hold-out of the version `judged_on`.

    `difference` is the AUC of the first minus that of the second.
    """

    first: Compared
    second: Compared
    metrics: tuple[Metrics, Metrics]
    difference: Difference
    judged_on: int
    customers: int

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON takes it."""
        return {
            "versions": [self.first.number, self.second.number],
            "judged_on": self.judged_on,
            "customers": self.customers,
            "metrics": [metrics.as_dict() for metrics in self.metrics],
            "auc_difference": asdict(self.difference),
            "made_of": {
                name: list(pair) for name, pair in made_of(self.first, self.second).items()
            },
        }


def read_version(client: "MlflowClient", portfolio: Portfolio, number: int) -> Compared:
    """A registered version with the parameters of its run; TrainingError if there is none."""
    version = load_version(client, portfolio, number)
    parameters = dict(client.get_run(version.record.mlflow_run_id).data.params)
    return Compared(**vars(version), parameters=parameters)


def compare(
    connection: duckdb.DuckDBPyConnection,
    versions: tuple[Compared, Compared],
    judged_on: Version,
    portfolio: Portfolio,
    *,
    replicates: int,
) -> SideBySide:
    """Two versions, each at its own threshold, on the hold-out of a third, or of one of the two.

    The customers are those that this version was judged on, and both see them with the features of
    their own, also if the catalogue has changed since. TrainingError if its snapshot lacks one.
    """
    first, second = versions
    # Each model sees the same customers with its own features; another catalogue would be unfair to
    # one.
    first_rows = judged_on.holdout_as_seen_by(connection, first)
    second_rows = judged_on.holdout_as_seen_by(connection, second)
    first_scores = first.model.churn_probability(first_rows.features)
    second_scores = second.model.churn_probability(second_rows.features)
    churned = first_rows.churned
    first_metrics = measure(
        churned,
        first_scores,
        threshold=first.record.threshold,
        economics=portfolio.economics,
    )
    second_metrics = measure(
        churned,
        second_scores,
        threshold=second.record.threshold,
        economics=portfolio.economics,
    )
    difference = auc_difference(
        churned,
        first_scores,
        second_scores,
        replicates=replicates,
        seed=portfolio.split.seed,
    )
    metrics = first_metrics, second_metrics
    return SideBySide(first, second, metrics, difference, judged_on.number, len(churned))


def made_of(first: Compared, second: Compared) -> dict[str, tuple[str, str]]:
    """What the versions were made of: always algorithm, windows, snapshot and code; of the rest
    what differs.
    """
    shown = {}
    values_of_second = _record_values(second.record)
    for name, value in _record_values(first.record).items():
        shown[name] = value, values_of_second[name]

    first_features = {feature.name for feature in first.model.features}
    second_features = {feature.name for feature in second.model.features}
    if first_features != second_features:
        only_first = _listed(first_features - second_features)
        only_second = _listed(second_features - first_features)
        shown["features of its own"] = only_first, only_second

    for name in sorted(first.parameters.keys() | second.parameters.keys()):
        of_first = first.parameters.get(name, "-")
        of_second = second.parameters.get(name, "-")
        if of_first != of_second:
            shown[f"parameter {name}"] = of_first, of_second

    return shown


def _record_values(record: ModelRecord) -> dict[str, str]:
    months = record.training_months
    return {
        "algorithm": record.algorithm,
        "month": record.month,
        "training months": f"{months[0]} to {months[-1]}",
        "hold-out month": record.holdout_month,
        "lake snapshot": str(record.snapshot),
        "code version": record.code_version,
        "threshold": f"{record.threshold:.4f}",
    }


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "-"


def metric_rows(compared: SideBySide) -> list[tuple[str, str, str]]:
    """Name and value of each metric, as text."""
    values = [metrics.as_dict() for metrics in compared.metrics]
    rows = []
    for name, shown in SHOWN.items():
        rows.append((shown, number(values[0][name]), number(values[1][name])))

    return rows
