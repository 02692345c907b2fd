"""The result of a portfolio, as a person at a terminal reads it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from churn_platform.campaign.contact_list import summarise
from churn_platform.campaign.hand_over import hand_over_of
from churn_platform.errors import DataError
from churn_platform.metrics.metrics_table import SHOWN
from churn_platform.months import parse_month, shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.format import ModelManifest, model_dir, read_model_manifest
from churn_platform.published.live_file import read_live
from churn_platform.sql import read_parquet
from churn_platform.warehouse.tables import table_exists

HEADLINES = (
    "auc",
    "recall",
    "precision",
    "lift_top_decile",
    "calibration_error",
    "contacted_share",
)


@dataclass(frozen=True)
class Result:
    """What is live in a portfolio, and who is at risk."""

    manifest: ModelManifest
    scores_month: str
    customers: int
    highest_risk: list[tuple[str, float, list[str]]]
    campaign: dict[str, float] | None
    hand_over: str | None
    true_auc: float | None


def read_result(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    published_dir: Path,
    truth_dir: Path,
    *,
    top: int = 10,
) -> Result:
    """The published champion with the newest published scores; DataError if nothing is
    published.
    """
    root = published_dir / portfolio.name
    live = read_live(root)
    if live is None or not live.models or live.features_month is None:
        raise DataError(
            f"nothing of {portfolio.name} is published yet; run `churn run {portfolio.name}` first"
        )

    manifest = read_model_manifest(model_dir(root, live.models[0].version))
    month = parse_month(live.features_month)
    scores = f"{portfolio.name}.monthly_scores"
    rows = connection.execute(
        f"select customer_id, churn_probability, reasons from {scores} where month = ? "
        "order by churn_probability desc, customer_id limit ?",
        [month, top],
    ).fetchall()
    count = connection.execute(f"select count(*) from {scores} where month = ?", [month]).fetchone()
    holdout, contact_table = parse_month(manifest.holdout_month), f"{portfolio.name}.contact_list"
    has_list = table_exists(connection, contact_table)
    return Result(
        manifest=manifest,
        scores_month=live.features_month,
        customers=count[0] if count else 0,
        highest_risk=rows,
        campaign=summarise(connection, portfolio, month) if has_list else None,
        hand_over=hand_over_of(connection, portfolio, month).words if has_list else None,
        true_auc=true_auc(connection, portfolio, holdout, truth_dir),
    )


def true_auc(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    features_month: date,
    truth_dir: Path,
) -> float | None:
    """AUC that the simulator's true probabilities reach on a feature month's labels; None without a
    simulator.

    No model can be expected to rank better than this.
    """
    from sklearn.metrics import roc_auc_score

    # The simulator writes its truth under the month in which customers leave.
    outcome = shift(features_month, 1 + portfolio.label.gap_months)
    path = truth_dir / portfolio.name / f"{outcome:%Y-%m}.parquet"
    if not path.exists():
        return None

    known = connection.execute(
        "select labels.churned, truth.churn_probability "
        f"from {portfolio.name}.churn_labels as labels "
        f"join {read_parquet(path)} as truth using (customer_id) where labels.features_month = ?",
        [features_month],
    ).fetchnumpy()
    return float(
        roc_auc_score(np.asarray(known["churned"]), np.asarray(known["churn_probability"]))
    )


def as_text(portfolio: Portfolio, result: Result, published_dir: Path) -> str:
    """The result in some thirty lines."""
    manifest = result.manifest
    metrics = manifest.metrics
    lines = [
        f"{portfolio.title}",
        "",
        f"champion        version {manifest.version}, {manifest.algorithm.replace('_', ' ')}, "
        f"trained on {manifest.training_months[0]} to {manifest.training_months[-1]}",
        f"hold-out        {metrics['customers']:,.0f} customers of "
        f"{manifest.holdout_month}, "
        f"{metrics['churn_rate']:.1%} churned",
        "",
    ]
    for name in HEADLINES:
        lines.append(f"  {SHOWN[name]:<46}{metrics[name]:>8.3f}")

    if result.true_auc is not None:
        share = metrics["auc"] / result.true_auc
        lines.append(
            f"  {'AUC-ROC of the true probabilities':<46}{result.true_auc:>8.3f}   (reached: "
            f"{share:.1%})"
        )

    lines += [
        "",
        f"highest risk    of {result.customers:,} customers scored at the end of "
        f"{result.scores_month}",
        "",
    ]
    for customer_id, probability, reasons in result.highest_risk:
        lines.append(f"  {customer_id:<12}{probability:>6.1%}  {'; '.join(reasons)}")

    if listed := result.campaign:
        lines += [
            "",
            f"contact list    {listed['contacts']:,} to contact, "
            f"{listed['control']:,} kept back as control; it costs "
            f"{listed['cost_eur']:,.0f} EUR and should bring {listed['expected_profit_eur']:,.0f} "
            "EUR beyond that",
            f"{'':<16}{result.hand_over}",
        ]

    if portfolio.left_out:
        lines += ["", f"left out        {portfolio.left_out}"]

    lines += ["", f"published       {published_dir / portfolio.name}"]
    return "\n".join(lines)
