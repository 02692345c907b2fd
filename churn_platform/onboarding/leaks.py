"""How well each column alone tells who churned: what tells it too well was
written down afterwards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import compute

from churn_platform.onboarding.inspection import Profile
from churn_platform.onboarding.stack import alike, stacked

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
    for profile, values in _values(connection, reader, columns, drawn_rows):
        only = only_of_one_class(values, labels)
        evidence[profile.name] = LeakEvidence(_auc(values, labels, folds), only)

    return evidence


def only_of_one_class(values: pa.Array, churned: np.ndarray) -> str | None:
    """What occurs among churners alone, or stayers alone, too often for chance; None for nothing.

    A column that is constant, mostly missing or zero, for all who stayed is filled in when somebody
    leaves. So is a level that only churners have. The other way round a group without any churner
    may be loyal customers, and must be far larger.
    """
    found = values.dictionary_encode()
    codes = found.indices.fill_null(-1).to_numpy().astype(np.int64) + 1  # 0 is missing
    levels = 1 + len(found.dictionary)
    by_level = np.bincount(2 * codes + churned, minlength=2 * levels).reshape(levels, 2)
    stayers, churners = by_level[:, 0], by_level[:, 1]
    rate = float(churned.mean())

    constant, others = _constant(stayers, churners)

    if constant is not None and rate**others < BY_CHANCE:
        always = f"it is {_said(found, constant)} for all who stayed"
        return f"{always}, and not for {others:,} who left"

    constant, others = _constant(churners, stayers)
    if constant is not None and _is_no_chance(others, rate):
        always = f"it is {_said(found, constant)} for all who left"
        return f"{always}, and not for {others:,} who stayed"

    if levels > MAX_SEEN_LEVELS:
        return None

    telling = (stayers == 0) & (rate**churners < BY_CHANCE)
    if pa.types.is_floating(found.dictionary.type):
        telling[1:] = False  # the highest numbers may truly drive everybody away

    suspicious = np.flatnonzero(telling)
    if not len(suspicious):
        return None

    level = int(suspicious[churners[suspicious].argmax()])
    return f"all {churners[level]:,} customers with {_said(found, level)} left"


def _constant(one_class: np.ndarray, other_class: np.ndarray) -> tuple[int | None, int]:
    """The only level of a class, None if there are several, and how many of the other class have
    another one.
    """
    if np.count_nonzero(one_class) != 1:
        return None, 0
    level = int(one_class.argmax())
    return level, int(other_class.sum() - other_class[level])


def _is_no_chance(stayers: int, rate: float) -> bool:
    """Whether it is no chance that no churner is like these stayers, however seldom churn is."""
    by_rate = (1 - max(rate, SELDOM)) ** stayers
    if_seldom = (1 - SELDOM) ** stayers
    return by_rate < BY_CHANCE and if_seldom < UNLIKELY


def _said(values: pa.DictionaryArray, code: int) -> str:
    """A level in words; code 0 is for missing."""
    return "missing" if code == 0 else repr(str(values.dictionary[code - 1].as_py())[:40])


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


def _values(
    connection: duckdb.DuckDBPyConnection, reader: str, columns: Sequence[Profile], drawn: str
) -> Iterator[tuple[Profile, pa.Array]]:
    """Each column with its values among the customers drawn, in their order."""
    rows = max((profile.rows for profile in columns), default=0)
    for some in alike(columns, rows, lambda it: (it.sql_type, _value_sql(it))):
        identifiers = [profile.identifier for profile in some]
        values = stacked(reader, identifiers, where=drawn)
        query = f"select {_value_sql(some[0])} as value from {values}"
        table = connection.execute(query).to_arrow_table()
        found = table.column(0).combine_chunks()
        # From a list: of a numpy array, pyarrow would import pandas first.
        first_places = list(range(0, len(found), len(some)))
        of_first = pa.array(first_places, pa.int64())
        for place, profile in enumerate(some):
            yield profile, found.take(compute.add(of_first, place))


def _value_sql(profile: Profile) -> str:
    """SQL for a value of the column from `raw`: the same for all columns that are read alike."""
    stacked_profile = replace(profile, identifier="raw")
    is_number = profile.kind in ("integer", "number", "days")
    return stacked_profile.number_sql() if is_number else stacked_profile.sql("string")


def _auc(values: pa.Array, churned: np.ndarray, folds: np.ndarray) -> float:
    known = values.is_valid().to_numpy(zero_copy_only=False)
    codes = np.zeros(len(values), dtype=np.int64)  # 0 is missing
    # A field that is filled only for those who left is a leak by its gaps alone.
    known_of_leavers = known[churned == 1].mean()
    known_of_stayers = known[churned == 0].mean()
    aucs = [0.5 + abs(known_of_leavers - known_of_stayers) / 2]

    if pa.types.is_floating(values.type):
        numbers = values.drop_null().to_numpy()
        # By bin: a column can tell who churned without any order, for example by one special value.
        codes[known] = 1 + _bins(numbers)
        if _enough(churned[known]):
            by_order = auc(churned[known], numbers)
            aucs.append(max(by_order, 1 - by_order))
    else:
        levels = values.dictionary_encode().indices
        codes[known] = 1 + levels.drop_null().to_numpy()

    rates = _rates_of_other_folds(codes, churned, folds)
    aucs.append(auc(churned, rates))
    return float(max(aucs))


def auc(churned: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve by ranks."""
    # Without a library: scikit-learn's checks its input for longer than it computes, and importing
    # scipy's ranks takes longer than all columns of most files.
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # Equal scores share the mean of their ranks.
    last_ranks = np.cumsum(counts)
    ranks = last_ranks - (counts - 1) / 2
    leavers = int(churned.sum())
    stayers = len(churned) - leavers
    leavers_ranks = ranks[places][churned == 1]
    # The least sum that leavers can have: if they take the first ranks.
    least = leavers * (leavers + 1) / 2
    pairs_in_order = leavers_ranks.sum() - least
    return float(pairs_in_order / (leavers * stayers))


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
    # From the other folds: a level of one customer would otherwise predict that customer.
    other_customers = customers.sum(axis=1, keepdims=True) - customers
    other_leavers = leavers.sum(axis=1, keepdims=True) - leavers
    rates = (other_leavers + churned.mean()) / (other_customers + 1)
    return rates.ravel()[cells]
