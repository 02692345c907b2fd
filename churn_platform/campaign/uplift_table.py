"""The uplift challenge of a month in the warehouse: who was drawn so far, the decision, and the
uplift of customers.
"""

from dataclasses import asdict
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.campaign.contact_list import (
    UPLIFT_COLUMNS,
    UPLIFT_TABLE,
    offers_of,
    planned_control_share,
)
from churn_platform.campaign.outcome import follows_draw
from churn_platform.campaign.randomised import (
    Randomised,
    campaign_tables,
    join_randomised,
    read_randomised,
)
from churn_platform.campaign.uplift import Challenge, fit_uplift, judge, predict_uplift
from churn_platform.markdown import table
from churn_platform.months import shift
from churn_platform.own_features.feature_months import as_built
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import replace_dicts, replace_rows, table_exists

NAME = "uplift_challenger"
MOST_LISTS = 24  # the newest; older draws are of another business
COLUMNS = {
    "month": "date",
    "treated": "bigint",
    "control": "bigint",
    "uplift_profit_eur": "double",
    "churn_profit_eur": "double",
    "difference_eur": "double",
    "difference_low_eur": "double",
    "difference_high_eur": "double",
    "is_used": "boolean",
    "reason": "varchar",
}


def challenge_month(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, *, threads: int
) -> tuple[Challenge, pa.Table]:
    """The decision by outcomes matured up to `month`, and the uplift of the month's customers: no
    rows if not used.
    """
    # Customers of a lower risk than anybody who was drawn have no uplift: no draw speaks of them.
    drawn = read_drawn(connection, portfolio, month)
    features, known = read_features(connection, portfolio, drawn)
    drawn, features = drawn.take(known), features[known]
    campaign = portfolio.campaign
    found = judge(
        drawn,
        features,
        acceptance_rate=_assumed_acceptance(portfolio, drawn),
        control_share=planned_control_share(campaign),
        fewest=campaign.uplift_min_customers,
        is_limited=campaign.budget_eur is not None or campaign.capacity is not None,
        threads=threads,
    )
    if not found.is_used:
        return found, _uplift_rows(month, np.empty(0, dtype=object), np.empty(0))

    forest = fit_uplift(drawn, features, threads=threads)
    least = float(drawn.churn_probability.min())
    scored = _scored(connection, portfolio, month, least)
    probability = np.asarray(scored["churn_probability"], dtype=np.float64)
    uplift = predict_uplift(forest, matrix(scored, portfolio.feature_names), probability)
    customer_ids = np.asarray(scored["customer_id"], dtype=object)
    return found, _uplift_rows(month, customer_ids, uplift)


def _assumed_acceptance(portfolio: Portfolio, drawn: Randomised) -> np.ndarray:
    assumed = {offer.name: offer.acceptance_rate for offer in offers_of(portfolio)}
    default = portfolio.economics.acceptance_rate
    rates = [assumed.get(offer, default) for offer in drawn.offer]
    return np.array(rates, dtype=np.float64)


def read_drawn(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> Randomised:
    """Every customer that the newest lists drew for contact or control, as far as labels have
    matured by `month`.
    """
    listed = campaign_tables(portfolio)[0]
    if not table_exists(connection, listed):
        return read_randomised(connection, portfolio, month)

    waited = portfolio.label.outcome_months
    newest = shift(month, -waited)
    lists = connection.execute(
        f"select distinct month from {listed} where month <= ? order by month desc limit ?",
        [newest, MOST_LISTS],
    ).fetchall()
    outcome_months = [shift(features_month, waited) for (features_month,) in lists]

    drawn = []
    for outcomes in outcome_months or [month]:
        drawn.append(read_randomised(connection, portfolio, outcomes))

    followed = list(filter(_followed, drawn))
    if not followed:
        return drawn[0].take(np.arange(0))

    return join_randomised(followed)


def _followed(drawn: Randomised) -> bool:
    """Whether contacts followed the draw; if not, the list decided nothing and teaches nothing."""
    control = drawn.is_control
    treated = ~control
    contacted = drawn.is_contacted
    return follows_draw(
        treated=int(treated.sum()),
        control=int(control.sum()),
        contacted=int(contacted[treated].sum()),
        control_contacted=int(contacted[control].sum()),
    )


def read_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, drawn: Randomised
) -> tuple[np.ndarray, np.ndarray]:
    """Features of each drawn customer in the month of its list, (rows, features), and which rows
    have any.
    """
    features = np.full((len(drawn), len(portfolio.features)), np.nan, dtype=np.float32)
    known = np.zeros(len(drawn), dtype=bool)
    for month in np.unique(drawn.features_month):
        columns = encoded_columns(as_built(connection, portfolio, month.astype(date)).features)
        query = (
            f"select row, {columns} from {portfolio.name}.customer_features "
            "join drawn using (customer_id) where month = ? order by row"
        )
        rows = np.flatnonzero(drawn.features_month == month)
        customer_ids = pa.array(drawn.customer_id[rows], pa.string())
        connection.register("drawn", pa.table({"customer_id": customer_ids, "row": rows}))
        found = connection.execute(query, [month.astype(date)]).to_arrow_table()
        connection.unregister("drawn")
        places = found["row"].to_numpy()
        features[places] = matrix(found, portfolio.feature_names)
        known[places] = True

    return features, known


def _scored(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, least: float
) -> pa.Table:
    columns = encoded_columns(as_built(connection, portfolio, month).features)
    return connection.execute(
        f"select customer_id, churn_probability, {columns} "
        f"from {portfolio.name}.monthly_scores join {portfolio.name}.customer_features "
        "using (customer_id, month) "
        "where month = ? and churn_probability >= ? order by customer_id",
        [month, least],
    ).to_arrow_table()


def _uplift_rows(month: date, customer_id: np.ndarray, uplift: np.ndarray) -> pa.Table:
    return pa.table(
        {
            "month": pa.array([month] * len(uplift), pa.date32()),
            "customer_id": pa.array(customer_id, pa.string()),
            "uplift": pa.array(uplift, pa.float64()),
        }
    )


def replace_challenge(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    found: Challenge,
    uplift: pa.Table,
) -> None:
    """Put decision and uplift of a month in place of those before. To be called
    in a transaction.
    """
    replace_dicts(connection, f"{portfolio.name}.{NAME}", COLUMNS, month, [asdict(found)])
    replace_rows(connection, f"{portfolio.name}.{UPLIFT_TABLE}", UPLIFT_COLUMNS, month, uplift)


def as_markdown(found: Challenge) -> str:
    """The decision as a table to read."""
    figures = {
        "treated customers with an outcome": f"{found.treated:,}",
        "control customers with an outcome": f"{found.control:,}",
    }
    if found.difference_eur is not None:
        figures |= {
            "profit of the uplift ranking, EUR per customer drawn": (
                f"{found.uplift_profit_eur:+.2f}"
            ),
            "profit of the churn ranking": f"{found.churn_profit_eur:+.2f}",
            "difference": f"{found.difference_eur:+.2f} "
            f"({found.difference_low_eur:+.2f} to {found.difference_high_eur:+.2f})",
        }

    return "\n".join([found.reason, "", table(["", ""], list(figures.items()))])
