"""How well each column alone tells who churned: what tells it too well was
written down afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.onboarding.inspection import Profile

SAMPLE_ROWS = 200_000
FOLDS = 5
MAX_BINS = 64
MIN_PER_BIN = 20
MIN_PER_CLASS = 10
BY_CHANCE = 1e-6
SELDOM = (
    0.02  # a share so low that a group without any churner needs some hundred customers to prove
)
UNLIKELY = 1e-3
MAX_SEEN_LEVELS = 200


@dataclass(frozen=True)
class LeakEvidence:
    """What speaks for a column's having been written down after the fact.

    auc: of the column alone. only: in words, what occurs only among those who left, or those who
    stayed; None if nothing does.
    """

    auc: float = 0.5
    only: str | None = None


def column_evidence(
    connection: duckdb.DuckDBPyConnection,
    reader: str,
    columns: Sequence[Profile],
    identity: Profile,
    churned: str,
) -> dict[str, LeakEvidence]:
    """The evidence against each column, by normalised header; empty if a class has fewer than 10
    customers.

    The AUC is the highest of three counts: by level, or by quantile bin of a number, each scored by
    its churn rate in the other folds, with missing as a level of its own; by missing or not; and by
    the order of a number. `churned` is SQL: true, false, or null for customers without a label, who
    are left aside. At most about 200,000 customers are drawn, by a hash of their id.
    """
    _draw(connection, reader, identity, churned)
    drawn_rows = _is_drawn(identity, churned)
    drawn = connection.execute("select churned, fold from drawn order by place").to_arrow_table()
    labels = drawn["churned"].to_numpy().astype(np.int64)
    folds = drawn["fold"].to_numpy().astype(np.int64)
    if not _enough(labels):
        return {}
    evidence: dict[str, LeakEvidence] = {}
    for profile in columns:
        values = _column(connection, reader, profile, drawn_rows)
        only = only_of_one_class(values, labels)
        evidence[profile.name] = LeakEvidence(_auc(values, labels, folds), only)
    return evidence


def only_of_one_class(values: pa.Array, churned: np.ndarray) -> str | None:
    """What occurs among churners alone, or stayers alone, too often for chance; None for nothing.

    A column that is constant, mostly missing or zero, for all who stayed is filled in when somebody
    leaves. So is a level that only churners have. The other way round a group without any churner
    may be loyal customers, and must be far larger.
    """
    found = pa.array(values).dictionary_encode()
    codes = found.indices.fill_null(-1).to_numpy().astype(np.int64) + 1  # 0 is missing
    texts = ["missing", *(str(text) for text in found.dictionary.to_pylist())]
    by_level = np.zeros((len(texts), 2), dtype=np.int64)
    np.add.at(by_level, (codes, churned), 1)
    rate = float(churned.mean())
    stayers, churners = by_level[:, 0], by_level[:, 1]
    if np.count_nonzero(stayers) == 1:
        constant = int(stayers.argmax())
        others = int(churners.sum() - churners[constant])
        if rate**others < BY_CHANCE:
            always = f"it is {_said(texts[constant])} for all who stayed"
            return f"{always}, and not for {others:,} who left"
    if np.count_nonzero(churners) == 1:
        constant = int(churners.argmax())
        others = int(stayers.sum() - stayers[constant])
        if (1 - max(rate, SELDOM)) ** others < BY_CHANCE and (1 - SELDOM) ** others < UNLIKELY:
            always = f"it is {_said(texts[constant])} for all who left"
            return f"{always}, and not for {others:,} who stayed"
    if len(texts) > MAX_SEEN_LEVELS:
        return None
    telling = (stayers == 0) & (rate**churners < BY_CHANCE)
    if pa.types.is_floating(found.dictionary.type):
        telling[1:] = False  # the highest numbers may truly drive everybody away
    suspicious = np.flatnonzero(telling)
    if not len(suspicious):
        return None
    level = int(suspicious[churners[suspicious].argmax()])
    return f"all {churners[level]:,} customers with {_said(texts[level])} left"


def _said(text: str) -> str:
    return text if text == "missing" else repr(text[:40])


def _draw(
    connection: duckdb.DuckDBPyConnection, reader: str, identity: Profile, churned: str
) -> None:
    drawn = f"hash({identity.sql('string')})"
    connection.execute(
        f"create or replace temp table drawn as select ({churned}) as churned, "
        f"({drawn} // 1000000) % {FOLDS} as fold"
        f", row_number() over () as place from {reader} where {_is_drawn(identity, churned)}"
    )


def _is_drawn(identity: Profile, churned: str) -> str:
    # A leak shows in any sample; the first look at a file must not take minutes.
    share = min(1.0, SAMPLE_ROWS / max(1, identity.rows))
    return (
        f"({churned}) is not null and hash({identity.sql('string')}) % 1000000 < "
        f"{share * 1_000_000}"
    )


def _column(
    connection: duckdb.DuckDBPyConnection, reader: str, profile: Profile, drawn: str
) -> pa.Array:
    """The values of one column: a statement over all of them would take gigabytes where there are
    hundreds.
    """
    is_number = profile.kind in ("integer", "number", "days")
    value = profile.number_sql() if is_number else profile.sql("string")
    column = (
        connection.execute(f"select {value} as value from {reader} where {drawn}")
        .to_arrow_table()
        .column(0)
    )
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _auc(values: pa.Array, churned: np.ndarray, folds: np.ndarray) -> float:
    known = values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.zeros(len(values), dtype=np.int64)  # 0 is missing
    # A field that is filled only for those who left is a leak by its gaps alone.
    aucs = [0.5 + abs(known[churned == 1].mean() - known[churned == 0].mean()) / 2]
    if pa.types.is_floating(values.type):
        numbers = values.drop_null().to_numpy()
        # By bin: a column can tell who churned without any order, for example by one special value.
        codes[known] = 1 + _bins(numbers)
        if _enough(churned[known]):
            by_order = auc(churned[known], numbers)
            aucs.append(max(by_order, 1 - by_order))
    else:
        codes[known] = 1 + values.dictionary_encode().indices.drop_null().to_numpy()
    aucs.append(auc(churned, _rates_of_other_folds(codes, churned, folds)))
    return float(max(aucs))


def auc(churned: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve by ranks; scikit-learn's checks its input for longer than it
    computes.
    """
    from scipy.stats import rankdata

    positives = int(churned.sum())
    pairs = positives * (len(churned) - positives)
    return float((rankdata(scores)[churned == 1].sum() - positives * (positives + 1) / 2) / pairs)


def _enough(churned: np.ndarray) -> bool:
    return min(churned.sum(), len(churned) - churned.sum()) >= MIN_PER_CLASS


def _bins(numbers: np.ndarray) -> np.ndarray:
    """The quantile bin of each number, of bins with at least 20 rows."""
    bins = min(MAX_BINS, max(1, len(numbers) // MIN_PER_BIN))
    edges = np.quantile(numbers, np.linspace(0, 1, bins + 1)[1:-1]) if bins > 1 else []
    return np.searchsorted(edges, numbers, side="left")


def _rates_of_other_folds(codes: np.ndarray, churned: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Each row's churn rate of its level in the other folds, drawn towards the base rate by one
    customer.
    """
    cells = codes * FOLDS + folds
    size = (codes.max() + 1) * FOLDS
    customers = np.bincount(cells, minlength=size).reshape(-1, FOLDS)
    leavers = np.bincount(cells, weights=churned, minlength=size).reshape(-1, FOLDS)
    others = customers.sum(axis=1, keepdims=True) - customers
    # From the other folds: a level of one customer would otherwise predict that customer.
    rates = (leavers.sum(axis=1, keepdims=True) - leavers + churned.mean()) / (others + 1)
    return rates.ravel()[cells]
