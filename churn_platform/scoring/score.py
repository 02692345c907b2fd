"""Scores a month of customers in Arrow batches, so that memory stays bounded however many there
are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.months import label
from churn_platform.own_features.feature_months import as_built, require_known
from churn_platform.parallel import in_order
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.portfolios.validation import validate_encoded
from churn_platform.published.tiers import tier_places
from churn_platform.scoring.reason_sentences import lists, top_reasons
from churn_platform.training.model import ChurnModel
from churn_platform.warehouse.lake import stream
from churn_platform.warehouse.tables import replace_rows, table_exists

SCORE_COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "churn_probability": "double",
    "risk_tier": "varchar",
    "decile": "integer",
    "reasons": "varchar[]",
    "model_version": "integer",
}


Batch = tuple[pa.Array, np.ndarray]
"""Customer ids, and their encoded features, (rows, features) float32."""


@dataclass(frozen=True)
class Champion:
    """The model that scores, its version and the tiers that go with it."""

    version: int
    model: ChurnModel
    tiers: list[tuple[str, float]]

    @property
    def bounds(self) -> list[float]:
        """The lower bounds of the tiers."""
        return [bound for _, bound in self.tiers]


def encoded_batches(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, batch_rows: int
) -> Iterator[Batch]:
    """Customer ids and encoded features of a month, ordered by customer, a batch at a time, each
    validated.
    """
    table = f"{portfolio.name}.customer_features"
    if not table_exists(connection, table):
        return

    portfolio = as_built(connection, portfolio, month)
    query = (
        f"select customer_id, {encoded_columns(portfolio.features)} from {table} "
        "where month = ? order by customer_id"
    )
    for batch in stream(connection, query, [month], batch_rows=batch_rows):
        features = matrix(batch, portfolio.feature_names)
        validate_encoded(
            features,
            portfolio.features,
            what=f"{portfolio.name} features of {label(month)}",
        )
        yield batch.column("customer_id"), features


def score_month(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    champion: Callable[[], Champion],
    month: date,
    *,
    batch_rows: int,
    threads: int,
) -> pa.Table:
    """One row per customer of the month, in the columns of SCORE_COLUMNS; DataError if there are
    no features.

    Decile 1 holds the highest probabilities. Customers of the lowest tier get no reasons.
    `champion` is asked for by each batch, so that it may still be on its way while features are
    read.
    """

    built = as_built(connection, portfolio, month)

    def score(batch: Batch) -> pa.Table:
        asked = champion()
        needed = [feature.name for feature in asked.model.features]
        require_known(built, month, needed, f"version {asked.version}")
        return _score_batch(asked, portfolio, batch)

    batches = encoded_batches(connection, portfolio, month, batch_rows=batch_rows)
    scored = list(in_order(score, batches, threads=threads))
    if not scored:
        # The same error as for a broken month, which names the table and the next command.
        validate_encoded(np.empty((0, 0)), (), what=f"{portfolio.name} features of {label(month)}")

    scores = pa.concat_tables(scored)
    deciles = _deciles(scores["churn_probability"].to_numpy())
    months = pa.repeat(pa.scalar(month, pa.date32()), len(scores))
    scores = scores.append_column("decile", pa.array(deciles, pa.int32()))
    return scores.append_column("month", months)


def replace_scores(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, scores: pa.Table
) -> int:
    """Put the scores of a month in place of those before; returns their number. To be called in a
    transaction.
    """
    return replace_rows(
        connection,
        f"{portfolio.name}.monthly_scores",
        SCORE_COLUMNS,
        month,
        scores,
    )


def score_figures(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    tiers: list[tuple[str, float]],
) -> dict[str, float]:
    """The mean score of a month, and the share of its customers in each tier, 0 included."""
    counted = connection.execute(
        "select risk_tier, count(*), sum(churn_probability) "
        f"from {portfolio.name}.monthly_scores where month = ? group by risk_tier",
        [month],
    ).fetchall()
    customers = 0
    score_sum = 0.0
    by_tier = {}
    for tier, count, score in counted:
        by_tier[tier] = count
        customers += count
        score_sum += score

    customers = max(customers, 1)
    figures = {"score_mean": score_sum / customers}
    for tier, _ in tiers:
        figures[f"share_{tier}"] = by_tier.get(tier, 0) / customers

    return figures


def _score_batch(champion: Champion, portfolio: Portfolio, batch: Batch) -> pa.Table:
    ids, features = batch
    features = champion.model.own(features, portfolio.feature_names)
    probability = champion.model.churn_probability(features)
    codes = tier_places(probability, champion.bounds)
    names = pa.array([name for name, _ in champion.tiers])
    return pa.table(
        {
            "customer_id": ids,
            "churn_probability": probability,
            "risk_tier": names.take(pa.array(codes)),
            "reasons": _reasons(champion, features, codes),
            "model_version": pa.array(np.full(len(codes), champion.version, dtype=np.int32)),
        }
    )


def _reasons(champion: Champion, features: np.ndarray, codes: np.ndarray) -> pa.ListArray:
    """Reasons of a batch, for customers above the lowest tier alone."""
    # Contributions cost far more than scores.
    # Exact contributions for all would cost more than the scores. XGBoost's approximate ones cost a
    # tenth, but name 88 % of the top three.
    told = np.flatnonzero(codes < len(champion.tiers) - 1)
    lengths = np.zeros(len(codes), dtype=np.int32)
    if not len(told):
        return lists(pa.array([], pa.string()), lengths)

    model = champion.model
    explained = features[told]
    contributions = model.contributions(explained)
    reasons = top_reasons(explained, contributions, model.features)
    lengths[told] = reasons.value_lengths()
    return lists(reasons.values, lengths)


def _deciles(probability: np.ndarray) -> np.ndarray:
    """Decile of each customer, 1 for the highest probabilities; ties are cut in the order of the
    rows.
    """
    deciles = np.empty(len(probability), dtype=np.int32)
    order = np.argsort(-probability, kind="stable")
    # Cut by rank, so that each decile has a tenth of the customers even with many ties.
    deciles[order] = np.arange(len(order)) * 10 // len(order) + 1
    return deciles
