"""Metrics of a model on labelled customers."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from churn_platform.portfolios.spec import Economics

TOP_DECILE = 0.1
CALIBRATION_BINS = 10
ACCEPTANCE_CONCENTRATION = 20.0


@dataclass(frozen=True)
class Metrics:
    """Metrics on one set of customers; those at the threshold count customers at or above it as
    predicted churners.

    `empc_eur` and `campaign_profit_eur` are EUR per customer of the whole set.
    """

    auc: float
    average_precision: float
    recall: float
    precision: float
    contacted_share: float
    lift_top_decile: float
    capture_top_decile: float
    brier: float
    calibration_error: float
    empc_eur: float
    campaign_profit_eur: float
    churn_rate: float
    customers: int

    def as_dict(self) -> dict[str, float]:
        """The metrics by name."""
        return asdict(self)


@dataclass(frozen=True)
class ReliabilityBin:
    """Customers of similar probability: how many, how many of them churned, and the mean
    probability.
    """

    customers: int
    churned: int
    mean_probability: float


def measure(
    churned: np.ndarray, probability: np.ndarray, *, threshold: float, economics: Economics
) -> Metrics:
    """Metrics of probabilities (rows,) against outcomes (rows,) of 0 and 1, both kinds present."""
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    customers = len(churned)
    churners = int(churned.sum())
    predicted = probability >= threshold
    contacts = int(predicted.sum())
    hits = int(churned[predicted].sum())
    captured = churned[top(probability, share=TOP_DECILE)].sum()
    profit_eur = campaign_profit_eur(hits, contacts, economics)
    return Metrics(
        auc=float(roc_auc_score(churned, probability)),
        average_precision=float(average_precision_score(churned, probability)),
        recall=hits / churners,
        precision=hits / max(contacts, 1),
        contacted_share=float(predicted.mean()),
        lift_top_decile=lift(churned, probability, share=TOP_DECILE),
        capture_top_decile=float(captured / churners),
        brier=float(brier_score_loss(churned, probability)),
        calibration_error=calibration_error(churned, probability),
        empc_eur=expected_maximum_profit_eur(churned, probability, economics),
        campaign_profit_eur=float(profit_eur / customers),
        churn_rate=float(churned.mean()),
        customers=customers,
    )


def top(probability: np.ndarray, *, share: float) -> np.ndarray:
    """Positions of the `share` of customers with the highest probability, at least one."""
    # Stable, so that ties fall as the rows are ordered, in every run.
    return np.argsort(-probability, kind="stable")[: max(1, round(len(probability) * share))]


def lift(churned: np.ndarray, probability: np.ndarray, *, share: float) -> float:
    """Churn rate among the `share` of customers with the highest probability, over the churn rate
    of all.
    """
    return float(churned[top(probability, share=share)].mean() / churned.mean())


def reliability(
    churned: np.ndarray, probability: np.ndarray, *, bins: int = CALIBRATION_BINS
) -> tuple[ReliabilityBin, ...]:
    """The calibration curve: equally filled bins from the lowest probabilities to the highest,
    empty ones left out.
    """
    order = np.argsort(probability, kind="stable")
    curve = []
    for group in np.array_split(order, bins):
        if len(group):
            churners = int(churned[group].sum())
            mean = float(probability[group].mean())
            curve.append(ReliabilityBin(len(group), churners, mean))

    return tuple(curve)


def calibration_error(
    churned: np.ndarray, probability: np.ndarray, *, bins: int = CALIBRATION_BINS
) -> float:
    """Expected calibration error over equally filled bins: mean |observed - predicted|, weighted by
    bin size.
    """
    gaps = 0.0
    for part in reliability(churned, probability, bins=bins):
        expected = part.customers * part.mean_probability
        gaps += abs(part.churned - expected)
    return float(gaps / len(churned))


def campaign_profit_eur(hits: Any, contacts: Any, economics: Economics) -> Any:
    """Expected profit of a campaign that contacts `contacts` customers, `hits` of them churners.

    Each churner kept saves the cost of acquiring a new customer; each contact costs, for
    churners and others alike.
    """
    kept_eur = economics.acceptance_rate * economics.acquisition_cost_eur
    return hits * kept_eur - contacts * economics.contact_cost_eur


def expected_maximum_profit_eur(
    churned: np.ndarray, probability: np.ndarray, economics: Economics
) -> float:
    """EMPC in EUR per customer: the profit at the best cut-off, expected over an uncertain rate of
    acceptance.

    Verbraken, Verbeke & Baesens (2013), by empulse. What a kept customer is worth is the
    acquisition cost saved; the cost of a contact includes the offer, so there is no incentive on
    top. See `acceptance_parameters`.
    """
    from empulse.metrics import empc_score

    alpha, beta = acceptance_parameters(economics)
    return float(
        empc_score(
            churned,
            probability,
            alpha=alpha,
            beta=beta,
            clv=economics.acquisition_cost_eur,
            incentive_cost=0.0,
            contact_cost=economics.contact_cost_eur,
        )
    )


def acceptance_parameters(economics: Economics) -> tuple[float, float]:
    """Alpha and beta of the rate of acceptance: its mean is the portfolio's, its spread that of the
    EMPC paper.
    """
    # The paper takes Beta(6, 14); alpha + beta = 20 is kept. A rate of exactly one has no spread
    # and is taken as 0.999.
    # A Beta distribution needs both parameters above zero.
    mean = min(economics.acceptance_rate, 0.999)
    return mean * ACCEPTANCE_CONCENTRATION, (1 - mean) * ACCEPTANCE_CONCENTRATION
