"""To which group each labelled customer belongs: by a feature, or by a landed column that no model
sees.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.errors import DataError
from churn_platform.months import label, parse_month
from churn_platform.portfolios.encoding import decode
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.sql import identifier
from churn_platform.training.training_data import Labelled
from churn_platform.training.versions import Version
from churn_platform.warehouse.tables import table_exists

MISSING = "missing"
YES_NO = {True: "yes", False: "no"}


def read_groups(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    names: Sequence[str],
    customers: Labelled,
    *,
    features_month: date,
    snapshot: int,
) -> dict[str, np.ndarray]:
    """For each named attribute the group of every customer, (rows,) text in the order of
    `customers`.

    Categories and booleans group by level, numbers by quartile of these customers; no value is the
    group 'missing'. A landed column is read for the feature month, as of the lake's snapshot.
    DataError if one of the customers is not in the landed table.
    """
    groups = {}
    landed = []
    for name in names:
        if name in portfolio.feature_names:
            groups[name] = feature_groups(portfolio, name, customers.features)
        else:
            landed.append(name)

    if landed:
        groups |= _landed(
            connection,
            portfolio,
            landed,
            customers.customer_ids,
            features_month,
            snapshot,
        )

    # In the order in which they were asked for.
    return {name: groups[name] for name in names}


def groups_on_holdout(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    version: Version,
    customers: Labelled,
    names: Sequence[str],
) -> dict[str, np.ndarray]:
    """The groups of a version's hold-out customers, as `read_groups` tells them at the version's
    own snapshot.

    A feature that is newer than the version, and no landed column of that time, groups no one and
    is left out.
    """
    snapshot = version.training_set(connection).snapshot
    newer = set(portfolio.feature_names) - set(version.portfolio.feature_names)
    if newer.intersection(names):
        # A feature may be newer than the version while its landed column was there already.
        newer -= _landed_columns(connection, portfolio, snapshot)

    return read_groups(
        connection,
        version.portfolio,
        [name for name in names if name not in newer],
        customers,
        features_month=parse_month(version.record.holdout_month),
        snapshot=snapshot,
    )


def _landed_columns(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, snapshot: int
) -> set[str]:
    table = f"{portfolio.raw_schema}.customers"
    if not table_exists(connection, table):
        return set()

    rows = connection.execute(
        f"describe select * from {table} at (version => {snapshot})"
    ).fetchall()
    return {row[0] for row in rows}


def feature_groups(portfolio: Portfolio, name: str, features: np.ndarray) -> np.ndarray:
    """The group of every customer by a feature, from encoded features in catalogue order."""
    feature = portfolio.feature(name)
    column = portfolio.feature_names.index(name)
    values = features[:, column]
    if feature.type in ("integer", "number"):
        return quartiles(values.astype(float))

    codes, places = np.unique(values, return_inverse=True)  # every NaN is one code
    levels = [_level(code, feature) for code in codes]
    return np.array(levels, dtype=object)[places]


def _level(code: float, feature: Feature) -> str:
    value = decode(code, feature)
    return MISSING if value is None else YES_NO[value] if isinstance(value, bool) else str(value)


def quartiles(values: np.ndarray) -> np.ndarray:
    """The quartile of each value among all, named by its bounds; equal bounds make one group of two
    quartiles.
    """
    groups = np.full(len(values), MISSING, dtype=object)
    known = ~np.isnan(values)
    if not known.any():
        return groups

    # Equal bounds fall together: half the customers may have the same value, zero for example.
    bounds = np.unique(np.quantile(values[known], [0, 0.25, 0.5, 0.75, 1]))
    if len(bounds) == 1:
        groups[known] = _written(bounds[0], 6)
        return groups

    above = np.searchsorted(bounds, values[known], side="left")
    # The smallest value is on the lowest bound itself, and belongs to the first range.
    place = np.clip(above, 1, len(bounds) - 1)
    names = np.array(_ranges(bounds), dtype=object)
    groups[known] = names[place - 1]
    return groups


def _written(number: float, digits: int) -> str:
    # No commas and no exponent: names are ordered by the number in them, and people read them.
    return np.format_float_positional(float(f"{number:.{digits}g}"), trim="-")


def _ranges(bounds: np.ndarray) -> list[str]:
    """The range between each two bounds in words; the first holds its lower bound, too."""
    names: list[str] = []
    for low, high in pairwise(_distinct(bounds)):
        start = "above" if names else "from"
        names.append(f"{start} {low} to {high}")
    return names


def _distinct(numbers: np.ndarray) -> list[str]:
    """Different numbers in words that differ, with no more digits than that takes."""
    words: list[str] = []
    for digits in (6, 9, 12, 17):
        words = [_written(number, digits) for number in numbers]
        if len(set(words)) == len(numbers):
            break
    return words


def _landed(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    names: Sequence[str],
    customer_ids: np.ndarray,
    features_month: date,
    snapshot: int,
) -> dict[str, np.ndarray]:
    """Groups by landed columns; one landed row per customer and month, so the join is many to one
    at most.
    """
    wanted = pa.table(
        {"place": np.arange(len(customer_ids)), "customer_id": pa.array(customer_ids.tolist())}
    )
    connection.register("wanted_customers", wanted)
    columns = ", ".join(f"landed.{identifier(name)}" for name in names)
    found = connection.execute(
        f"""
        select landed.customer_id is not null as is_found, {columns}
        from wanted_customers as wanted
        left join (
          select * from {portfolio.raw_schema}.customers at (version => {snapshot}) where month = ?
        ) as landed using (customer_id)
        order by wanted.place
        """,
        [features_month],
    ).to_arrow_table()
    connection.unregister("wanted_customers")
    lost = int((~found["is_found"].to_numpy()).sum())
    if lost or len(found) != len(customer_ids):
        raise DataError(
            f"{lost} of {len(customer_ids)} customers are not in {portfolio.raw_schema}.customers "
            f"of {label(features_month)}; land the month again"
        )

    return {name: _column_groups(found[name]) for name in names}


def _column_groups(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = column.cast(pa.float64()).to_numpy()
        return quartiles(numbers.astype(float))
    names = [_name(value) for value in column.to_pylist()]
    return np.array(names, dtype=object)


def _name(value: object) -> str:
    if value is None:
        return MISSING
    return YES_NO[value] if isinstance(value, bool) else str(value)
