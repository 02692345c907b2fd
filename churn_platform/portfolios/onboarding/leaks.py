"""How well each column alone tells who churned: what tells it too well was written down afterwards."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.portfolios.onboarding.inspection import Profile

SAMPLE_ROWS = 200_000
FOLDS = 5
BINS = 64
MIN_PER_CLASS = 10


def column_aucs(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[Profile], identity: Profile, churned: str
) -> dict[str, float]:
    """AUC of each column alone, by normalised header; empty where a class has fewer than 10 customers.

    Each level, or each of 64 quantile bins of a number, is scored by its churn rate in the other folds; a missing value
    is a level of its own, and missing or not is scored by itself too. `churned` is SQL: true, false, or null for
    customers without a label, who are left aside. At most 200,000 customers are drawn, by a hash of their id.
    """
    _draw(connection, reader, columns, identity, churned)
    drawn = connection.execute("select churned, fold from drawn").to_arrow_table()
    labels = drawn["churned"].to_numpy().astype(np.int64)
    folds = drawn["fold"].to_numpy().astype(np.int64)
    if min(labels.sum(), len(labels) - labels.sum()) < MIN_PER_CLASS:
        return {}
    return {
        profile.name: _auc(_codes(_column(connection, position)), labels, folds)
        for position, profile in enumerate(columns)
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


def _codes(values: pa.Array) -> np.ndarray:
    """Values as integers from 1, numbers by quantile bin; 0 is missing."""
    known = values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.zeros(len(values), dtype=np.int64)
    if pa.types.is_floating(values.type):
        numbers = values.drop_null().to_numpy()
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1])) if len(numbers) else numbers
        codes[known] = 1 + np.searchsorted(edges, numbers, side="left")
    else:
        codes[known] = 1 + values.dictionary_encode().indices.drop_null().to_numpy()
    return codes


def _auc(codes: np.ndarray, churned: np.ndarray, folds: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    missing = codes == 0
    by_absence = 0.5 + abs(missing[churned == 1].mean() - missing[churned == 0].mean()) / 2
    return float(max(by_absence, roc_auc_score(churned, _rates_of_other_folds(codes, churned, folds))))


def _rates_of_other_folds(codes: np.ndarray, churned: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Each row's churn rate of its level in the other folds, drawn towards the base rate by one customer."""
    cells = codes * FOLDS + folds
    size = (codes.max() + 1) * FOLDS
    customers = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    leavers = np.bincount(cells, weights=churned, minlength=size).reshape(-1, FOLDS)
    others = customers.sum(axis=1, keepdims=True) - customers
    rates = (leavers.sum(axis=1, keepdims=True) - leavers + churned.mean()) / (others + 1)
    return rates.ravel()[cells]
