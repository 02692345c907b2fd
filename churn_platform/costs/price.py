"""What a month's steps cost in EUR, and what a year at that rate would."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from churn_platform.costs.usage import StepUsage
from churn_platform.months import label, month_range

HOUR_SECONDS = 3_600
GB = 1e9


@dataclass(frozen=True)
class Prices:
    """What infrastructure costs, in EUR, and what a year may cost."""

    cpu_hour_eur: float
    gb_hour_eur: float
    gb_month_eur: float
    standing_month_eur: float
    budget_year_eur: float


@dataclass(frozen=True)
class Item:
    """One kind of cost in a month: quantity x price."""

    name: str
    quantity: float
    unit: str
    price_eur: float

    @property
    def cost_eur(self) -> float:
        """What it costs, EUR."""
        return self.quantity * self.price_eur


@dataclass(frozen=True)
class MonthCost:
    """The cost of a month: its items, and by how many steps of how many runs it was caused."""

    month: date
    runs: int
    steps: int
    failed_steps: int
    items: tuple[Item, ...]
    budget_year_eur: float

    @property
    def cost_eur(self) -> float:
        """What the month costs, EUR."""
        return sum(item.cost_eur for item in self.items)

    @property
    def year_eur(self) -> float:
        """What a year of such months costs, EUR."""
        return 12 * self.cost_eur


def month_cost(
    usage: Iterable[StepUsage], month: date, *, storage_bytes: int, prices: Prices
) -> MonthCost:
    """The cost of every step that worked on a month, runs that failed or were repeated included.

    A step over several months counts for each of them with an equal share. Memory is paid for as it
    would be rented: the peak, for as long as the step took. Storage is what is there now, for a
    month.
    """
    steps = [step for step in usage if step.first_month <= month <= step.last_month]
    cpu_seconds = sum(step.cpu_seconds * _share(step) for step in steps)
    byte_seconds = sum(step.peak_bytes * step.wall_seconds * _share(step) for step in steps)
    return MonthCost(
        month=month,
        runs=len({step.run_id for step in steps}),
        steps=len(steps),
        failed_steps=sum(not step.succeeded for step in steps),
        items=(
            Item("CPU", cpu_seconds / HOUR_SECONDS, "hours", prices.cpu_hour_eur),
            Item("memory", byte_seconds / GB / HOUR_SECONDS, "GB-hours", prices.gb_hour_eur),
            Item("storage", storage_bytes / GB, "GB-months", prices.gb_month_eur),
            Item("standing", 1.0, "month", prices.standing_month_eur),
        ),
        budget_year_eur=prices.budget_year_eur,
    )


def _share(step: StepUsage) -> float:
    # Equal shares, so that the months of a range add up to the cost of its run.
    return 1 / len(month_range(step.first_month, step.last_month))


def heaviest(
    usage: Iterable[StepUsage], month: date, *, top: int = 10
) -> list[tuple[str, str, float, float, int]]:
    """Portfolio, step, CPU seconds, wall seconds and peak bytes of the steps that used most CPU in
    a month.
    """
    totals: dict[tuple[str, str], tuple[float, float, int]] = {}
    for step in usage:
        if step.first_month <= month <= step.last_month:
            cpu, wall, peak = totals.get((step.portfolio, step.step), (0.0, 0.0, 0))
            shared = cpu + step.cpu_seconds * _share(step), wall + step.wall_seconds * _share(step)
            totals[step.portfolio, step.step] = (*shared, max(peak, step.peak_bytes))
    return sorted(
        ((*key, *total) for key, total in totals.items()), key=lambda row: (-row[2], row[:2])
    )[:top]


def as_markdown(cost: MonthCost, steps: Iterable[tuple[str, str, float, float, int]]) -> str:
    """The items, the year against its budget, and the heaviest steps."""
    lines = [f"| {label(cost.month)} | quantity | EUR each | EUR |", "|---|--:|--:|--:|"]
    for item in cost.items:
        lines.append(
            f"| {item.name} | {item.quantity:,.4g} {item.unit} | {item.price_eur:g} | "
            f"{item.cost_eur:,.2f} |"
        )
    told = f"{cost.steps:,} steps in {cost.runs:,} runs, {cost.failed_steps:,} of them failed"
    lines += ["", in_words(cost), "", told, ""]
    lines += ["| portfolio | step | CPU s | wall s | peak GB |", "|---|---|--:|--:|--:|"]
    for portfolio, step, cpu, wall, peak in steps:
        lines.append(f"| {portfolio} | {step} | {cpu:,.1f} | {wall:,.1f} | {peak / GB:.2f} |")
    return "\n".join(lines)


def in_words(cost: MonthCost) -> str:
    """The month, and the year beside its budget."""
    share = cost.year_eur / cost.budget_year_eur
    return (
        f"{cost.cost_eur:,.2f} EUR for {label(cost.month)}; "
        f"a year at that rate is {cost.year_eur:,.0f} EUR, "
        f"{share:.0%} of the budget of {cost.budget_year_eur:,.0f} EUR"
    )
