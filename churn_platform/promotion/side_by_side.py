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
    # Each model sees the same customers with its own features; another catalogue would be unfair to
    # one.
    seen = [judged_on.holdout_as_seen_by(connection, version) for version in versions]
    churned = seen[0].churned
    scores = [
        version.model.churn_probability(rows.features)
        for version, rows in zip(versions, seen, strict=True)
    ]
    measured = [
        measure(churned, score, threshold=version.record.threshold, economics=portfolio.economics)
        for version, score in zip(versions, scores, strict=True)
    ]
    difference = auc_difference(churned, *scores, replicates=replicates, seed=portfolio.split.seed)
    return SideBySide(
        *versions, (measured[0], measured[1]), difference, judged_on.number, len(churned)
    )


def made_of(first: Compared, second: Compared) -> dict[str, tuple[str, str]]:
    """What the versions were made of: always algorithm, windows, snapshot and code; of the rest
    what differs.
    """
    shown = {
        name: (values(first.record), values(second.record))
        for name, values in {
            "algorithm": lambda record: record.algorithm,
            "month": lambda record: record.month,
            "training months": lambda record: (
                f"{record.training_months[0]} to {record.training_months[-1]}"
            ),
            "hold-out month": lambda record: record.holdout_month,
            "lake snapshot": lambda record: str(record.snapshot),
            "code version": lambda record: record.code_version,
            "threshold": lambda record: f"{record.threshold:.4f}",
        }.items()
    }
    names = [{feature.name for feature in version.model.features} for version in (first, second)]
    if names[0] != names[1]:
        shown["features of its own"] = (_listed(names[0] - names[1]), _listed(names[1] - names[0]))
    for name in sorted(first.parameters.keys() | second.parameters.keys()):
        pair = first.parameters.get(name, "-"), second.parameters.get(name, "-")
        if pair[0] != pair[1]:
            shown[f"parameter {name}"] = pair
    return shown


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "-"


def metric_rows(compared: SideBySide) -> list[tuple[str, str, str]]:
    """Name and value of each metric, as text."""
    values = [metrics.as_dict() for metrics in compared.metrics]
    return [
        (shown, f"{values[0][name]:,.4g}", f"{values[1][name]:,.4g}")
        for name, shown in SHOWN.items()
    ]
