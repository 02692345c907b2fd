"""What a kept customer is worth."""

from datetime import date

from churn_platform.portfolios.spec import Portfolio
from churn_platform.sql import identifier


def value_sql(portfolio: Portfolio, month: date) -> str:
    """Query for (customer_id, customer_value_eur) of every scored customer of the month.

    The acquisition cost saved, or, where the spec says so, price x margin x expected months of life
    (1 - (1 - r)^H) / r with r the mean churn probability of the month, which is the calibrated
    monthly churn rate.
    """
    scores = f"{portfolio.name}.monthly_scores"
    value = portfolio.campaign.value
    if value is None:
        worth = f"{portfolio.economics.acquisition_cost_eur}::double"
        return (
            f"select customer_id, {worth} as customer_value_eur from {scores} "
            f"where month = date '{month}'"
        )

    return f"""
        with life as (
            select
                (1 - pow(1 - avg(churn_probability), {value.horizon_months}))
                    / avg(churn_probability) as months
            from {scores}
            where month = date '{month}'
        )
        select
            customer_id,
            {identifier(value.price_feature)} * {value.margin} * life.months as customer_value_eur
        from {portfolio.name}.customer_features
        cross join life
        where month = date '{month}' and {identifier(value.price_feature)} is not null
    """
