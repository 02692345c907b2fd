"""A light operator: the simulator's customers, events drawn as monthly counts, features in the
terms of the catalogue.

People, their moods and who leaves come from churn_platform/simulator; only the writing of single
events is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from churn_platform.months import months_between, shift
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.simulator import coefficients as c
from churn_platform.simulator.app_sessions import cancellation_rate
from churn_platform.simulator.calls import Calls
from churn_platform.simulator.chunk import Chunk, dissatisfaction, expit
from churn_platform.simulator.config import days_in, epoch_day
from churn_platform.simulator.evolution import evolve, raise_prices
from churn_platform.simulator.hazard import churn_probability
from churn_platform.simulator.levels import ContractType, TicketCategory
from churn_platform.simulator.payments import logit
from churn_platform.simulator.population import NO_DAY, Population, found, recruit
from churn_platform.simulator.tickets import category_weights, ticket_rate

REAL = ("price_rise", "competitor")
SCENARIOS = ("none", "harmless_mix", "growth", *REAL, "broken_feed", "seasonal")
FIRST = date(2020, 1, 1)
MEMORY = 6  # months of counts behind the features
# Prices rise, and from then on customers compare: a euro above the usual drives more of them away.
PRICE_RISE_HAZARD = replace(c.USUAL_HAZARD, price_level=2.4, price_rise=5.0)
GROWTH, VOLUME_GROWTH = 0.01, 0.02  # a month: of the base, and of data volume
SEASON_USE, SEASON_LOG_ODDS = 0.3, 0.12  # amplitude of a yearly wave
COUNTS = (
    "calls",
    "texts",
    "data_gb",
    "dropped",
    "abroad",
    "tickets",
    "escalations",
    "complaints",
    "sessions",
)
COUNTS += ("cancellations", "paid_eur", "payments", "late", "failed", "price_eur")
FEATURES = (
    *(
        "tenure_days",
        "recent_frequency",
        "recent_monetary",
        "monetary_total",
        "late_payments_6m",
        "failed_payments_6m",
    ),
    *(
        "calls_count_30d",
        "data_usage_gb_30d",
        "sms_count_30d",
        "international_calls_ratio",
        "dropped_calls_ratio",
    ),
    *(
        "calls_trend_3m",
        "data_usage_trend_3m",
        "support_tickets_90d",
        "support_escalations_90d",
        "complaint_ratio",
    ),
    *(
        "app_sessions_30d",
        "cancellation_views_30d",
        "app_sessions_trend_3m",
        "contract_type",
        "payment_method",
    ),
    *(
        "age_group",
        "region",
        "plan_monthly_eur",
        "price_change_3m_eur",
        "days_to_contract_end",
        "is_out_of_contract",
    ),
)


@dataclass(frozen=True)
class Snapshot:
    """Customers at a month's end: features (rows, features), the true chance of leaving next month,
    and who does.

    `records` and `amount_eur` are what a data contract looks at: call records and mean amount per
    customer.
    """

    month: date
    features: np.ndarray
    probability: np.ndarray
    churned: np.ndarray
    records: float
    amount_eur: float


@lru_cache(maxsize=1)
def telecomit() -> Portfolio:
    """The portfolio whose catalogue, split and recency the benchmark uses."""
    return load_portfolios(Path("portfolios"))["telecomit"]


@lru_cache(maxsize=1)
def catalogue() -> tuple[Feature, ...]:
    """The entries of the features that the light world knows, from the catalogue of telecomit."""
    return tuple(telecomit().feature(name) for name in FEATURES)


def months(
    scenario: str, strikes: date, *, customers: int, count: int, seed: int
) -> Iterator[Snapshot]:
    """`count` months of an operator from FIRST on, after a run-in; the scenario acts from `strikes`
    on.
    """
    rng = np.random.default_rng([seed, SCENARIOS.index(scenario)])
    run_in = c.Founding().run_in_months
    month = shift(FIRST, -run_in)
    people = found(rng, customers, epoch_day(month), c.USUAL_MIX)
    memory = {name: np.full((customers, MEMORY), np.nan) for name in COUNTS}
    target = float(customers)
    for step in range(run_in + count):
        acts = month >= strikes
        start, end = epoch_day(month), epoch_day(shift(month, 1))
        evolve(rng, people, month_day=start, as_of_day=end)
        if scenario == "price_rise" and month == strikes:
            raise_prices(rng, people)
        takeover = acts and scenario == "harmless_mix"
        target *= 1 + GROWTH * (acts and scenario == "growth")
        wanted = round(target * (1 + c.TAKEOVER_SHARE * takeover)) - len(people)
        signup = start + np.sort(rng.integers(0, end - start, max(wanted, 0)))
        joined = recruit(rng, 0, signup, c.TAKEOVER_MIX if takeover else c.USUAL_MIX)
        people = people.join(joined)
        memory = {name: _joined(rows, len(joined)) for name, rows in memory.items()}
        if step >= run_in - MEMORY:
            _remember(memory, _counts(rng, people, month, scenario, strikes))
        probability = _leaving(people, end, shift(month, 1), scenario, strikes)
        churned = rng.random(len(people)) < probability
        if step >= run_in:
            features = _features(people, memory, end)
            amount = float(np.nanmean(memory["paid_eur"][:, -1]))
            records = float(memory["calls"][:, -1].mean())
            yield Snapshot(month, features, probability, churned.astype(np.int8), records, amount)
        people = people.select(~churned)
        memory = {name: rows[~churned] for name, rows in memory.items()}
        month = shift(month, 1)


def first_changed_outcome(scenario: str, strikes: date) -> date:
    """The month in which customers first leave by other rules: a price rise of a month is answered
    in the next.
    """
    return shift(strikes, 1) if scenario == "price_rise" else strikes


def _leaving(
    people: Population, as_of_day: int, month: date, scenario: str, strikes: date
) -> np.ndarray:
    changed = scenario in REAL and month >= first_changed_outcome(scenario, strikes)
    hazards = {"price_rise": PRICE_RISE_HAZARD, "competitor": c.COMPETITOR_HAZARD}
    hazard = hazards[scenario] if changed else c.USUAL_HAZARD
    if scenario == "seasonal":
        hazard = replace(hazard, intercept=hazard.intercept + SEASON_LOG_ODDS * _wave(month))
    return churn_probability(people, as_of_day, hazard)


def _wave(month: date) -> float:
    return float(np.sin(2 * np.pi * month.month / 12))


def _joined(rows: np.ndarray, count: int) -> np.ndarray:
    return np.vstack([rows, np.full((count, MEMORY), np.nan)])


def _remember(memory: dict[str, np.ndarray], counts: dict[str, np.ndarray]) -> None:
    for name, newest in counts.items():
        memory[name][:, :-1] = memory[name][:, 1:]
        memory[name][:, -1] = newest


def _counts(
    rng: np.random.Generator, people: Population, month: date, scenario: str, strikes: date
) -> dict[str, np.ndarray]:
    """What the operator's systems would add up to in a month, one number per customer and name of
    COUNTS.
    """
    acts, n = month >= strikes, len(people)
    takeover = acts and scenario == "harmless_mix"
    season = 1 + SEASON_USE * _wave(month) if scenario == "seasonal" else 1.0
    grown = (
        (1 + VOLUME_GROWTH) ** max(0, months_between(strikes, month))
        if scenario == "growth" and acts
        else 1.0
    )
    calls, app, pay, tickets = Calls(), c.App(), c.Payments(), c.Tickets()
    kept = c.BROKEN_FEED_KEPT if scenario == "broken_feed" and month == strikes else 1.0
    unit = c.BROKEN_FEED_UNIT if scenario == "broken_feed" and month == strikes else 1.0
    use = kept * season * calls.level * 50 * people.usage_level * np.exp(people.engagement)
    anger = dissatisfaction(people)
    voice = rng.poisson(use * calls.voice_share)
    sessions = rng.poisson(use * calls.data_share * np.array(calls.data_by_age)[people.age])
    session_mb = calls.session_mb_median * people.data_level * np.exp(calls.session_log_sd**2 / 2)
    spread = rng.lognormal(0, 1, n) ** (calls.session_log_sd / np.sqrt(np.maximum(sessions, 1)))
    volume = grown * (c.TAKEOVER_DATA_VOLUME if takeover else 1.0)
    opened = rng.poisson(ticket_rate(people, tickets))
    weights = category_weights(people, tickets)
    chunk = Chunk(
        people,
        epoch_day(month),
        days_in(month),
        np.zeros(n, dtype=np.int64),
        np.full(n, days_in(month)),
    )
    prepaid = people.contract == ContractType.PREPAID
    top_ups = rng.poisson(np.where(prepaid, pay.top_ups * np.exp(people.engagement), 0.0))
    add_ons = rng.poisson(pay.add_ons * np.exp(2 * people.engagement))
    late = expit(logit(pay.late_share)[people.payment] + pay.late_per_dissatisfaction * anger)
    failed = expit(logit(pay.failed_share)[people.payment] + pay.failed_per_dissatisfaction * anger)
    paid = (
        np.where(prepaid, top_ups * people.price_eur / pay.top_ups, people.price_eur)
        + 6.0 * add_ons
    )
    return {
        "calls": voice,
        "texts": rng.poisson(use * calls.sms_share),
        "data_gb": sessions * session_mb * spread * volume / 1000,
        "dropped": rng.binomial(
            voice, np.minimum(calls.dropped_share + calls.dropped_per_trouble * people.trouble, 0.5)
        ),
        "abroad": rng.binomial(voice, np.minimum(people.international_share, 0.5)),
        "tickets": opened,
        "escalations": rng.binomial(
            opened, expit(tickets.escalation_logit + tickets.escalation_per_dissatisfaction * anger)
        ),
        "complaints": rng.binomial(
            opened, weights[:, TicketCategory.COMPLAINT] / weights.sum(axis=1)
        ),
        "sessions": rng.poisson(
            season
            * (c.TAKEOVER_APP_LEVEL if takeover else 1.0)
            * people.app_level
            * np.exp(people.engagement)
        ),
        "cancellations": rng.poisson(cancellation_rate(chunk, app)),
        "paid_eur": paid * unit,
        "payments": top_ups + add_ons + ~prepaid,
        "late": ~prepaid & (rng.random(n) < late),
        "failed": rng.random(n) < failed,
        "price_eur": people.price_eur,
    }


def _features(people: Population, memory: dict[str, np.ndarray], as_of_day: int) -> np.ndarray:
    now = {name: rows[:, -1] for name, rows in memory.items()}
    committed = people.contract_end_day != NO_DAY
    days_left = np.where(committed, people.contract_end_day.astype(np.float64) - as_of_day, np.nan)
    quarter = {
        name: np.nansum(memory[name][:, -3:], axis=1)
        for name in ("tickets", "escalations", "complaints")
    }
    half_year = {name: np.nansum(memory[name], axis=1) for name in ("paid_eur", "late", "failed")}
    columns = {
        "tenure_days": as_of_day - people.signup_day,
        "recent_frequency": now["payments"],
        "recent_monetary": now["paid_eur"],
        "monetary_total": half_year["paid_eur"],
        "late_payments_6m": half_year["late"],
        "failed_payments_6m": half_year["failed"],
        "calls_count_30d": now["calls"],
        "data_usage_gb_30d": now["data_gb"],
        "sms_count_30d": now["texts"],
        "international_calls_ratio": _ratio(now["abroad"], now["calls"]),
        "dropped_calls_ratio": _ratio(now["dropped"], now["calls"]),
        "calls_trend_3m": _trend(memory["calls"]),
        "data_usage_trend_3m": _trend(memory["data_gb"]),
        "support_tickets_90d": quarter["tickets"],
        "support_escalations_90d": quarter["escalations"],
        "complaint_ratio": _ratio(quarter["complaints"], quarter["tickets"]),
        "app_sessions_30d": now["sessions"],
        "cancellation_views_30d": now["cancellations"],
        "app_sessions_trend_3m": _trend(memory["sessions"]),
        "contract_type": people.contract,
        "payment_method": people.payment,
        "age_group": people.age,
        "region": people.region,
        "plan_monthly_eur": people.price_eur,
        "price_change_3m_eur": people.price_eur - memory["price_eur"][:, -4],
        "days_to_contract_end": days_left,
        "is_out_of_contract": committed & (days_left <= 0),
    }
    return np.column_stack([columns[name] for name in FEATURES]).astype(np.float32)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _trend(rows: np.ndarray) -> np.ndarray:
    """The newest month against the mean of the three before, minus 1; NaN without any."""
    past = rows[:, -4:-1]
    known = np.sum(~np.isnan(past), axis=1)
    mean = np.nansum(past, axis=1) / np.maximum(known, 1)
    return np.where(mean > 0, rows[:, -1] / np.where(mean > 0, mean, 1) - 1, np.nan)
