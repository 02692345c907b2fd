"""Metrics of a model on labelled customers."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Metrics:
    """Metrics on one set of customers; those at the threshold count customers at or above it as predicted churners."""

    auc: float
    average_precision: float
    recall: float
    precision: float
    contacted_share: float
    lift_top_decile: float
    brier: float
    calibration_error: float
    churn_rate: float
    customers: int

    def as_dict(self) -> dict[str, float]:
        """The metrics by name."""
        return asdict(self)


def measure(churned: np.ndarray, probability: np.ndarray, *, threshold: float) -> Metrics:
    """Metrics of probabilities (rows,) against outcomes (rows,) of 0 and 1, both kinds present."""
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    predicted = probability >= threshold
    hits = int(churned[predicted].sum())
    return Metrics(
        auc=float(roc_auc_score(churned, probability)),
        average_precision=float(average_precision_score(churned, probability)),
        recall=hits / int(churned.sum()),
        precision=hits / max(int(predicted.sum()), 1),
        contacted_share=float(predicted.mean()),
        lift_top_decile=lift(churned, probability, share=0.1),
        brier=float(brier_score_loss(churned, probability)),
        calibration_error=calibration_error(churned, probability),
        churn_rate=float(churned.mean()),
        customers=len(churned),
    )


def lift(churned: np.ndarray, probability: np.ndarray, *, share: float) -> float:
    """Churn rate among the `share` of customers with the highest probability, over the churn rate of all."""
    top = np.argsort(-probability, kind="stable")[: max(1, round(len(churned) * share))]
    return float(churned[top].mean() / churned.mean())


def calibration_error(churned: np.ndarray, probability: np.ndarray, *, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins: mean |observed - predicted|, weighted by bin size."""
    groups = np.array_split(np.argsort(probability, kind="stable"), bins)
    gaps = [abs(churned[group].mean() - probability[group].mean()) * len(group) for group in groups if len(group)]
    return float(sum(gaps) / len(churned))
