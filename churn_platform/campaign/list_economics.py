"""What a campaign should bring: the reference case's return on investment, with the model's
measured precision.
"""

from dataclasses import asdict, dataclass

import numpy as np

from churn_platform.markdown import table
from churn_platform.portfolios.economics import Economics


@dataclass(frozen=True)
class ContactPolicy:
    """One way to choose customers to contact in a month, and what it brings."""

    policy: str
    contacts: int
    churners_reached: float
    cost_eur: float
    value_kept_eur: float
    net_eur: float

    @property
    def return_on_investment(self) -> float:
        """Net value per euro spent; 0 if nothing is spent."""
        return self.net_eur / self.cost_eur if self.cost_eur else 0.0


def policy_of(
    name: str, *, contacts: int, churners_reached: float, economics: Economics
) -> ContactPolicy:
    """Cost = contacts x contact cost; value kept = churners reached x acceptance x acquisition cost
    saved.
    """
    cost = contacts * economics.contact_cost_eur
    kept = churners_reached * economics.acceptance_rate * economics.acquisition_cost_eur
    return ContactPolicy(name, contacts, churners_reached, cost, kept, kept - cost)


def compare_policies(
    *,
    customers: int,
    churn_rate: float,
    recall: float,
    contacted_share: float,
    economics: Economics,
) -> list[ContactPolicy]:
    """Contact no one, everybody, as many at random, those at or above the threshold, and the
    churners alone.

    The model's row uses its recall and contacted share as measured on the hold-out. The last row, a
    perfect list of that many contacts at most, is a bound that no model reaches: churn is chance.
    """
    churners = customers * churn_rate
    chosen = round(customers * contacted_share)
    reached = {
        "nobody": (0, 0.0),
        "everybody": (customers, churners),
        "random": (chosen, churners * contacted_share),
        "model": (chosen, churners * recall),
        # A bound that no model reaches, since leaving is partly chance; it shows how much is left
        # to gain.
        "perfect": (round(min(chosen, churners)), min(chosen, churners)),
    }

    policies = []
    for name, (contacts, churned) in reached.items():
        policies.append(
            policy_of(
                name,
                contacts=contacts,
                churners_reached=churned,
                economics=economics,
            )
        )

    return policies


def profit_curve(probability: np.ndarray, economics: Economics, *, points: int = 200) -> np.ndarray:
    """Expected net value of contacting the n customers of highest calibrated probability, for
    `points` values of n.

    (points, 2) float64: contacts, EUR.
    """
    ranked = np.sort(probability)[::-1]
    customers = len(ranked)
    churners = np.cumsum(ranked)
    kept_eur = churners * economics.acceptance_rate * economics.acquisition_cost_eur
    contacts = np.arange(1, customers + 1)
    net_eur = kept_eur - contacts * economics.contact_cost_eur
    places = np.linspace(0, customers - 1, min(points, customers))
    shown = np.unique(places.astype(int))
    curve = np.column_stack([contacts[shown], net_eur[shown]])
    return curve.astype(np.float64)


def threshold_of(economics: Economics) -> float:
    """The probability of churn from which on a contact is worth its cost; at most 1."""
    return min(
        1.0,
        economics.contact_cost_eur / (economics.acceptance_rate * economics.acquisition_cost_eur),
    )


def sensitivity(
    probability: np.ndarray, economics: Economics, *, factors: tuple[float, ...]
) -> list[dict[str, float]]:
    """The best threshold and its net value when acceptance or cost are `factors` times what the
    spec says.

    One row per pair of factors: acceptance_factor, cost_factor, threshold, contacts, net_eur.
    """
    rows = []
    for acceptance in factors:
        for cost in factors:
            best = _best(probability, _scaled(economics, acceptance, cost))
            rows.append({"acceptance_factor": acceptance, "cost_factor": cost} | best)
    return rows


def _scaled(economics: Economics, acceptance: float, cost: float) -> Economics:
    return economics.model_copy(
        update={
            # An acceptance above 1 makes no sense, however large the factor.
            "acceptance_rate": min(1.0, economics.acceptance_rate * acceptance),
            "contact_cost_eur": economics.contact_cost_eur * cost,
        }
    )


def _best(probability: np.ndarray, economics: Economics) -> dict[str, float]:
    kept_eur = economics.acceptance_rate * economics.acquisition_cost_eur
    # Beyond this point each contact costs more than it is expected to bring.
    is_worthwhile = probability * kept_eur > economics.contact_cost_eur
    chosen = probability[is_worthwhile]
    net_eur = chosen * kept_eur - economics.contact_cost_eur
    return {
        "threshold": threshold_of(economics),
        "contacts": len(chosen),
        "net_eur": float(net_eur.sum()),
    }


def as_markdown(policies: list[ContactPolicy]) -> str:
    """The policies as a table to read."""
    head = [
        *("contact", "contacts", "churners reached", "cost EUR", "value kept EUR", "net EUR"),
        "net per EUR",
    ]
    rows = []
    for row in policies:
        cells = [
            row.policy,
            f"{row.contacts:,}",
            f"{row.churners_reached:,.0f}",
            f"{row.cost_eur:,.0f}",
            f"{row.value_kept_eur:,.0f}",
            f"{row.net_eur:,.0f}",
            f"{row.return_on_investment:.0%}",
        ]
        rows.append(cells)

    return table(head, rows)


def as_rows(policies: list[ContactPolicy]) -> list[dict[str, float | str]]:
    """The policies as rows of a table."""
    rows = []
    for policy in policies:
        row = asdict(policy)
        row["return_on_investment"] = policy.return_on_investment
        rows.append(row)
    return rows
