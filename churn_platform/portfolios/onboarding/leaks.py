"""How well each column alone tells who churned: what tells it too well was written down afterwards."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.portfolios.onboarding.inspection import Profile

SAMPLE_ROWS = 200_000
FOLDS = 5
MAX_BINS = 64
MIN_PER_BIN = 20
MIN_PER_CLASS = 10


def column_aucs(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[Profile], identity: Profile, churned: str
) -> dict[str, float]:
    """AUC of each column alone, by normalised header; empty where a class has fewer than 10 customers.

    The highest of three counts: by level, or by quantile bin of a number, each scored by its churn rate in the other
    folds, with missing as a level of its own; by missing or not; and by the order of a number. `churned` is SQL: true,
    false, or null for customers without a label, who are left aside. At most about 200,000 customers are drawn, by a
    hash of their id.
    """
    _draw(connection, reader, columns, identity, churned)
    drawn = connection.execute("select churned, fold from drawn").to_arrow_table()
    labels = drawn["churned"].to_numpy().astype(np.int64)
    folds = drawn["fold"].to_numpy().astype(np.int64)
    if not _enough(labels):
        return {}
    return {
        profile.name: _auc(_column(connection, position), labels, folds) for position, profile in enumerate(columns)
    }


def _draw(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[Profile], identity: Profile, churned: str
) -> None:
    values = ", ".join(
        f"{profile.sql('number' if profile.kind in ('integer', 'number') else 'string')} as column_{position}"
        for position, profile in enumerate(columns)
    )
    share = min(1.0, SAMPLE_ROWS / max(1, identity.rows))
    drawn = f"hash({identity.sql('string')})"
    connection.execute(
        f"create or replace temp table drawn as select ({churned}) as churned, ({drawn} // 1000000) % {FOLDS} as fold"
        f"{', ' if values else ''}{values} from {reader} where ({churned}) is not null and {drawn} % 1000000 < "
        f"{share * 1_000_000}"
    )


def _column(connection: duckdb.DuckDBPyConnection, position: int) -> pa.Array:
    column = connection.execute(f"select column_{position} from drawn").to_arrow_table().column(0)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _auc(values: pa.Array, churned: np.ndarray, folds: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    known = values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.zeros(len(values), dtype=np.int64)  # 0 is missing
    aucs = [0.5 + abs(known[churned == 1].mean() - known[churned == 0].mean()) / 2]
    if pa.types.is_floating(values.type):
        numbers = values.drop_null().to_numpy()
        codes[known] = 1 + _bins(numbers)
        if _enough(churned[known]):
            by_order = roc_auc_score(churned[known], numbers)
            aucs.append(max(by_order, 1 - by_order))
    else:
        codes[known] = 1 + values.dictionary_encode().indices.drop_null().to_numpy()
    aucs.append(roc_auc_score(churned, _rates_of_other_folds(codes, churned, folds)))
    return float(max(aucs))


def _enough(churned: np.ndarray) -> bool:
    return min(churned.sum(), len(churned) - churned.sum()) >= MIN_PER_CLASS


def _bins(numbers: np.ndarray) -> np.ndarray:
    """The quantile bin of each number, of bins with at least 20 rows."""
    bins = min(MAX_BINS, max(1, len(numbers) // MIN_PER_BIN))
    edges = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]) if bins > 1 else []
    return np.searchsorted(edges, numbers, side="left")


def _rates_of_other_folds(codes: np.ndarray, churned: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Each row's churn rate of its level in the other folds, drawn towards the base rate by one customer."""
    cells = codes * FOLDS + folds
    size = (codes.max() + 1) * FOLDS
    customers = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    leavers = np.bincount(cells, weights=churned, minlength=size).reshape(-1, FOLDS)
    others = customers.sum(axis=1, keepdims=True) - customers
    rates = (leavers.sum(axis=1, keepdims=True) - leavers + churned.mean()) / (others + 1)
    return rates.ravel()[cells]
