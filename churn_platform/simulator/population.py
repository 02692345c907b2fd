"""Who the customers are: one array per attribute, one entry per active customer, in the order of
customer numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from churn_platform.simulator.coefficients import App, Calls, Founding, Mix, Moods, Payments, Plans
from churn_platform.simulator.levels import ContractType

NO_DAY = np.iinfo(np.int32).min
TERM_DAYS = np.array([0, 0, 365, 730], dtype=np.int32)


@dataclass
class Population:
    """State of all customers at one instant. Days are days since 1970-01-01; NO_DAY is for
    none.
    """

    number: np.ndarray
    signup_day: np.ndarray
    contract: np.ndarray
    contract_end_day: np.ndarray
    payment: np.ndarray
    age: np.ndarray
    gender: np.ndarray
    region: np.ndarray
    district: np.ndarray
    price_eur: np.ndarray
    price_taste: np.ndarray
    price_rise_felt: np.ndarray
    satisfaction_base: np.ndarray
    satisfaction: np.ndarray
    trouble: np.ndarray
    grievance: np.ndarray
    engagement: np.ndarray
    habit: np.ndarray
    usage_level: np.ndarray
    data_level: np.ndarray
    app_level: np.ndarray
    circle_size: np.ndarray
    international_share: np.ndarray
    billing_day: np.ndarray

    def __len__(self) -> int:
        return len(self.number)

    def select(self, rows: np.ndarray | slice) -> "Population":
        """The customers at `rows` (mask, positions or slice)."""
        return self._each(lambda values: values[rows])

    def copy(self) -> "Population":
        """The same customers in arrays of their own."""
        return self._each(np.copy)

    def join(self, other: "Population") -> "Population":
        """These customers followed by `other`, whose numbers must be higher."""
        columns = {}
        for field in fields(self):
            both = getattr(self, field.name), getattr(other, field.name)
            columns[field.name] = np.concatenate(both)

        return Population(**columns)

    def _each(self, change: Callable[[np.ndarray], np.ndarray]) -> "Population":
        return Population(*(change(getattr(self, field.name)) for field in fields(self)))


def recruit(
    rng: np.random.Generator, first_number: int, signup_day: np.ndarray, mix: Mix
) -> Population:
    """New customers, one per signup day, numbered from `first_number`, in a neutral mood."""
    n = len(signup_day)
    moods, calls, app = Moods(), Calls(), App()
    contract = draw_levels(rng, n, mix.contract)
    region = draw_levels(rng, n, mix.region)
    base = rng.normal(0, moods.satisfaction_base_sd, n)
    app_level = (
        app.level_median
        * rng.lognormal(0, app.level_log_sd, n)
        * (rng.random(n) >= app.no_app_share)
    )
    return Population(
        number=np.arange(first_number, first_number + n),
        signup_day=signup_day.astype(np.int32),
        contract=contract,
        contract_end_day=end_of_term(contract, signup_day),
        payment=draw_levels(rng, n, mix.payment),
        age=draw_levels(rng, n, mix.age),
        gender=draw_levels(rng, n, mix.gender),
        region=region,
        district=(
            region * moods.districts_per_region + rng.integers(0, moods.districts_per_region, n)
        ).astype(np.int8),
        price_eur=draw_prices(rng, contract),
        price_taste=unit_lognormal(rng, n, Plans().taste_log_sd),
        price_rise_felt=np.zeros(n),
        satisfaction_base=base,
        satisfaction=base.copy(),
        trouble=np.zeros(n),
        grievance=np.zeros(n),
        engagement=np.zeros(n),
        habit=np.zeros(n),
        usage_level=unit_lognormal(rng, n, calls.level_log_sd),
        data_level=unit_lognormal(rng, n, calls.data_level_log_sd),
        app_level=app_level,
        circle_size=(2 + rng.poisson(calls.circle_mean, n)).astype(np.int32),
        international_share=calls.international_share
        * unit_lognormal(rng, n, calls.international_spread),
        billing_day=rng.integers(0, Payments().due_days, n).astype(np.int32),
    )


def found(rng: np.random.Generator, customers: int, day: int, mix: Mix) -> Population:
    """A base of `customers` as of `day`, with past sign-ups and commitments at any stage of their
    term.
    """
    founding = Founding()
    # Exponential: with a constant churn rate the lengths of stay of a base are exponential.
    tenure = np.minimum(
        rng.exponential(founding.tenure_mean_days, customers), founding.tenure_max_days
    )
    people = recruit(rng, 1, day - 1 - tenure.astype(np.int32), mix)
    committed = people.contract >= ContractType.ONE_YEAR
    remaining = 1 + (rng.random(customers) * TERM_DAYS[people.contract]).astype(np.int32)
    people.contract_end_day = np.where(committed, day + remaining, NO_DAY).astype(np.int32)
    return people


def draw_levels(rng: np.random.Generator, n: int, shares: tuple[float, ...]) -> np.ndarray:
    """`n` codes, code i with probability shares[i]."""
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(n), side="right").astype(np.int8)


def draw_prices(rng: np.random.Generator, contract: np.ndarray) -> np.ndarray:
    """Monthly list prices in EUR for the given contract types."""
    plans = Plans()
    return round_price(
        np.array(plans.price_median_eur)[contract]
        * rng.lognormal(0, plans.price_log_sd, len(contract))
    )


def round_price(price_eur: np.ndarray) -> np.ndarray:
    """The nearest list price, at least one step."""
    step = Plans().price_step_eur
    return np.maximum(np.round(price_eur / step), 1) * step


def unit_lognormal(rng: np.random.Generator, n: int, log_sd: float) -> np.ndarray:
    """`n` lognormal factors of mean 1."""
    # The first term makes the mean 1; a plain lognormal would raise the mean with its spread.
    return rng.lognormal(-(log_sd**2) / 2, log_sd, n)


def end_of_term(contract: np.ndarray, from_day: np.ndarray) -> np.ndarray:
    """Days on which commitments signed on `from_day` end; NO_DAY for contracts without one."""
    return np.where(
        contract >= ContractType.ONE_YEAR,
        from_day + TERM_DAYS[contract],
        NO_DAY,
    ).astype(np.int32)
