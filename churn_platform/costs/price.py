"""What a month's steps cost in EUR, and what a year at that rate would."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from churn_platform.costs.usage import StepUsage
from churn_platform.markdown import table
from churn_platform.months import label, month_range
from churn_platform.published.plain_numbers import number

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
    run_ids = set()
    steps = 0
    failed_steps = 0
    cpu_seconds = 0.0
    byte_seconds = 0.0
    for step in usage:
        if not step.first_month <= month <= step.last_month:
            continue
        run_ids.add(step.run_id)
        steps += 1
        if not step.succeeded:
            failed_steps += 1

        share = _share(step)
        cpu_seconds += step.cpu_seconds * share
        byte_seconds += step.peak_bytes * step.wall_seconds * share

    cpu_hours = cpu_seconds / HOUR_SECONDS
    memory_gb_hours = byte_seconds / GB / HOUR_SECONDS
    storage_gb = storage_bytes / GB
    return MonthCost(
        month=month,
        runs=len(run_ids),
        steps=steps,
        failed_steps=failed_steps,
        items=(
            Item("CPU", cpu_hours, "hours", prices.cpu_hour_eur),
            Item("memory", memory_gb_hours, "GB-hours", prices.gb_hour_eur),
            Item("storage", storage_gb, "GB-months", prices.gb_month_eur),
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
    cpu_seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    wall_seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    peak_bytes: defaultdict[tuple[str, str], int] = defaultdict(int)
    for step in usage:
        if not step.first_month <= month <= step.last_month:
            continue
        key = step.portfolio, step.step
        share = _share(step)
        cpu_seconds[key] += step.cpu_seconds * share
        wall_seconds[key] += step.wall_seconds * share
        peak_bytes[key] = max(peak_bytes[key], step.peak_bytes)

    rows = []
    for key in cpu_seconds:
        rows.append((*key, cpu_seconds[key], wall_seconds[key], peak_bytes[key]))

    rows.sort(key=lambda row: (-row[2], row[:2]))
    return rows[:top]


def as_markdown(cost: MonthCost, steps: Iterable[tuple[str, str, float, float, int]]) -> str:
    """The items, the year against its budget, and the heaviest steps."""
    items = []
    for item in cost.items:
        row = [
            item.name,
            f"{number(item.quantity)} {item.unit}",
            number(item.price_eur),
            f"{item.cost_eur:,.2f}",
        ]
        items.append(row)

    used = []
    for portfolio, step, cpu, wall, peak in steps:
        used.append([portfolio, step, f"{cpu:,.1f}", f"{wall:,.1f}", f"{peak / GB:.2f}"])

    parts = [
        table([label(cost.month), "quantity", "EUR each", "EUR"], items),
        in_words(cost),
        f"{cost.steps:,} steps in {cost.runs:,} runs, {cost.failed_steps:,} of them failed",
        table(["portfolio", "step", "CPU s", "wall s", "peak GB"], used, align="llrrr"),
    ]
    return "\n\n".join(parts)


def in_words(cost: MonthCost) -> str:
    """The month, and the year beside its budget."""
    share = cost.year_eur / cost.budget_year_eur
    return (
        f"{cost.cost_eur:,.2f} EUR for {label(cost.month)}; "
        f"a year at that rate is {cost.year_eur:,.0f} EUR, "
        f"{share:.0%} of the budget of {cost.budget_year_eur:,.0f} EUR"
    )
