"""A small snapshot portfolio for tests of the graph: its spec, and files as an operator delivers
them.
"""

from datetime import date

import numpy as np
import yaml

from churn_platform.training.training_data import Labelled
from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.tiny import SPEC

SNAPSHOT = {key: SPEC[key] for key in ("economics",)} | {
    "name": "acme",
    "title": "Acme <b>&amp;</b> søn | one snapshot",
    "kind": "snapshot",
    "id_column": "id",
    "features": [
        feature | {"protected": feature["name"] == "plan"} for feature in SPEC["features"]
    ],
    "protected_attributes": ["plan"],
    "slices": ["usage", "is_late"],
    "label": {"column": "left", "positive": ["yes"], "negative": ["no"]},
    "split": {"policy": "stratified"},
    "gates": {
        "min_auc": 0.6,
        "min_recall": 0.5,
        "max_calibration_error": 0.2,
        "max_fairness_gap": 1,
        "max_latency_ms": 1000,
        "min_group_outcomes": 10,
    },
    "candidates": ["logistic_regression"],
}


def write_spec(graph: Graph) -> None:
    """The spec that reads the snapshots."""
    graph.settings.portfolios_dir.mkdir(parents=True)
    (graph.settings.portfolios_dir / "acme.yaml").write_text(yaml.safe_dump(SNAPSHOT))


def land_snapshot(graph: Graph, month: date, snapshot: Labelled) -> None:
    """Customers as an operator delivers them, one of their plans a level that the spec does not
    know.
    """
    folder = graph.settings.landing_dir / "acme" / "customers"
    folder.mkdir(parents=True, exist_ok=True)
    plans = SPEC["features"][3]["levels"]
    lines = ["id,left,usage,tickets,is_late,plan"]
    for name, churned, row in zip(
        snapshot.customer_ids, snapshot.churned, snapshot.features, strict=True
    ):
        usage = "" if np.isnan(row[0]) else f"{row[0]:.3f}"
        plan = "" if np.isnan(row[3]) else plans[int(row[3])]
        label = "yes" if churned else "no"
        values = (name, label, usage, f"{row[1]:.0f}", str(bool(row[2])), plan or "unheard of")
        lines.append(",".join(values))
    (folder / f"{month:%Y-%m}.csv").write_text("\n".join(lines))
