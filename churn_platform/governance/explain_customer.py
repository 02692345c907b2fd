"""One customer's score explained: probability, tier, reasons in words, and what would have to
change.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from churn_platform.errors import DataError
from churn_platform.governance.counterfactual import Change, Counterfactual, find_counterfactual
from churn_platform.months import label
from churn_platform.own_features.feature_months import as_built
from churn_platform.portfolios.encoding import decode, encoded_columns, matrix
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.portfolios.validation import validate_encoded
from churn_platform.published.tiers import tier_place
from churn_platform.scoring.reason_sentences import sentence, top_reasons
from churn_platform.scoring.score import Champion
from churn_platform.warehouse.tables import table_exists

OTHERS = 2_000
TOP_FACTORS = 5


@dataclass(frozen=True)
class CustomerExplanation:
    """What a person may know of their score; `lower_tier` is None in the lowest tier, and then
    nothing has to change.

    `factors` are the features that count most, protected ones among them, each with whether it
    raises the risk.
    """

    customer_id: str
    month: date
    model_version: int
    churn_probability: float
    risk_tier: str
    lower_tier: str | None
    reasons: list[str]
    factors: list[tuple[str, bool]]
    counterfactual: Counterfactual | None
    changes: list[str]


def explain_customer(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    champion: Champion,
    customer_id: str,
    month: date,
) -> CustomerExplanation:
    """The explanation of a customer's score in a month; DataError if the customer has no
    features in it.
    """
    model = champion.model
    features = model.features
    row, population = _read(connection, portfolio, customer_id, month)
    customer = model.own(row, portfolio.feature_names)
    others = model.own(population, portfolio.feature_names)
    probability = float(model.churn_probability(customer)[0])
    given = model.contributions(customer)
    tier, bound = champion.tiers[tier_place(probability, champion.bounds)]
    lower = next((name for name, other in champion.tiers if other < bound), None)

    found = None
    changes: list[str] = []
    if lower is not None:
        found = find_counterfactual(model, customer[0], others, below=bound)

    if found:
        lower, _ = champion.tiers[tier_place(found.churn_probability, champion.bounds)]
        changes = [_said(change, features[change.place]) for change in found.changes]

    return CustomerExplanation(
        customer_id=customer_id,
        month=month,
        model_version=champion.version,
        churn_probability=probability,
        risk_tier=tier,
        lower_tier=lower,
        reasons=top_reasons(customer, given, features)[0].as_py(),
        factors=_factors(features, customer[0], given[0]),
        counterfactual=found,
        changes=changes,
    )


def _read(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, customer_id: str, month: date
) -> tuple[np.ndarray, np.ndarray]:
    """The customer's encoded features, one row, and those of OTHERS customers of the month, the
    same each time.
    """
    table = f"{portfolio.name}.customer_features"
    if not table_exists(connection, table):
        raise DataError(
            f"{portfolio.name} has no features yet; run `churn run {portfolio.name}` first"
        )

    portfolio = as_built(connection, portfolio, month)
    names = portfolio.feature_names
    select = f"select {encoded_columns(portfolio.features)} from {table} where month = ?"
    found = connection.execute(f"{select} and customer_id = ?", [month, customer_id])
    own = matrix(found.to_arrow_table(), names)
    if not len(own):
        raise DataError(
            f"customer {customer_id!r} has no features of {label(month)} in {portfolio.name}"
        )

    validate_encoded(own, portfolio.features, what=f"features of {customer_id}")
    # A fixed sample by hash, so that the same question gets the same answer.
    sample = f"order by hash(customer_id), customer_id limit {OTHERS}"
    others = connection.execute(f"{select} {sample}", [month])
    return own, matrix(others.to_arrow_table(), names)


def _factors(
    features: tuple[Feature, ...], customer: np.ndarray, given: np.ndarray
) -> list[tuple[str, bool]]:
    is_counting = ~np.isnan(customer) & (given != 0)
    counting = np.flatnonzero(is_counting)
    # Protected attributes included: this answers the customer's own question what the model used.
    # The reasons for agents leave them out.
    order = np.argsort(-np.abs(given[counting]), kind="stable")

    factors = []
    for place in counting[order][:TOP_FACTORS]:
        words = sentence(customer[place], features[place])
        factors.append((words, bool(given[place] > 0)))

    return factors


def _said(change: Change, feature: Feature) -> str:
    before = _value(change.before, feature)
    after = _value(change.after, feature)
    subject = feature.description.split(";")[0].rstrip(".")
    return f"{subject}: {after} instead of {before}"


def _value(number: float, feature: Feature) -> str:
    value = decode(number, feature)
    if isinstance(value, bool):
        return "yes" if value else "no"

    if isinstance(value, int | float):
        shown = f"{value:,.2f}".rstrip("0").rstrip(".")
    else:
        shown = str(value).replace("_", " ")

    has_unit = feature.unit and feature.unit != "ratio"
    return f"{shown} {feature.unit}" if has_unit else shown


def as_text(it: CustomerExplanation) -> str:
    """The explanation as a person reads it."""
    lines = [
        f"customer {it.customer_id}, features of {label(it.month)}, "
        f"model version {it.model_version}",
        f"probability of leaving {it.churn_probability:.1%}, tier {it.risk_tier}",
        "",
        "what raises it most",
    ]
    for reason in it.reasons or ["no feature raises the risk notably"]:
        lines.append(f"- {reason}")

    lines += [
        "",
        "what counts most in the model, for and against, attributes of the person included",
    ]
    for said, raises in it.factors:
        lines.append(f"- {said} ({'raises' if raises else 'lowers'} the risk)")

    lines += [
        "",
        *_what_would_change(it),
        "",
        "The score is an estimate from past customers and says nothing about causes.",
        "It helps people choose which customers to call; it decides nothing by itself.",
    ]
    return "\n".join(lines)


def _what_would_change(it: CustomerExplanation) -> list[str]:
    if it.lower_tier is None:
        return ["This is the lowest tier; nothing has to change."]
    if it.counterfactual is None:
        return [
            "No change of one or two features that the operator can act "
            f"on brings the score into tier {it.lower_tier}."
        ]

    return [
        f"tier {it.lower_tier} ({it.counterfactual.churn_probability:.1%}) would be reached with, "
        "all else as it is",
        *(f"- {change}" for change in it.changes),
    ]
