"""What the lives add up to: tables in Markdown, and a picture."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from benchmarks.drift.life import PLATFORM, Life
from benchmarks.drift.world import SCENARIOS
from churn_platform.monitoring.decision import POLICY

OPERATOR_CUSTOMERS = 2_100_000
TRAINING_EUR = 1_000  # a day of work: to run, read the card, approve
MONTHS_A_YEAR = 12


def tables(lives: Sequence[Life]) -> str:
    """The comparison of the rules, then false alarms by scenario."""
    names = list(dict.fromkeys(life.rule for life in lives))
    seeds = len({life.seed for life in lives})
    head = (
        "| rule | false alarms a year | needless trainings a year | real changes caught | "
        "median months until caught | trainings a year | "
        "profit lost a year, kEUR | with trainings, kEUR |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    body = [_row(name, lives) for name in names]
    scenarios = "| false alarms a year | " + " | ".join(SCENARIOS) + " |\n|---|" + "--:|" * len(SCENARIOS)
    quiet = [_by_scenario(name, lives) for name in names]
    return "\n".join([f"{seeds} operator-years\n", head, *body, "", scenarios, *quiet])


def _row(name: str, lives: Sequence[Life]) -> str:
    own = [life for life in lives if life.rule == name]
    real = [life for life in own if life.changed is not None]
    waits = [wait for life in real if (wait := months_until_caught(life)) is not None]
    lost, trainings = lost_eur(own, lives), sum(len(life.trained) for life in own) / len(own)
    oracle_trainings = sum(len(life.trained) for life in lives if life.rule == "oracle") / len(own)
    cells = [
        f"{false_alarms(own):.2f}",
        f"{needless_trainings(own):.2f}",
        f"{len(waits)} of {len(real)} ({len(waits) / max(len(real), 1):.0%})",
        f"{median(waits):.0f}" if waits else "-",
        f"{trainings:.1f}",
        f"{lost / 1000:,.0f}",
        f"{(lost + (trainings - oracle_trainings) * TRAINING_EUR) / 1000:,.0f}",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def _by_scenario(name: str, lives: Sequence[Life]) -> str:
    own = [life for life in lives if life.rule == name]
    rates = [false_alarms([life for life in own if life.scenario == scenario]) for scenario in SCENARIOS]
    return f"| {name} | " + " | ".join(f"{rate:.2f}" for rate in rates) + " |"


def false_alarms(lives: Sequence[Life]) -> float:
    """Alarms while nothing real had changed, per year of such months."""
    return _while_quiet(lives, [alarms(life) for life in lives])


def needless_trainings(lives: Sequence[Life]) -> float:
    """Trainings while nothing real had changed, per year of such months: false alarms and what followed them up."""
    return _while_quiet(lives, [life.trained for life in lives])


def alarms(life: Life) -> list[int]:
    """The trainings that are no follow-up of one before; only the platform's decision has follow-ups."""
    raised: list[int] = []
    for step in life.trained:
        if life.rule != PLATFORM or not any(step - before in POLICY.follow_up_months for before in raised):
            raised.append(step)
    return raised


def _while_quiet(lives: Sequence[Life], steps: Sequence[list[int]]) -> float:
    quiet = [len(life.profit_eur) if life.changed is None else life.changed for life in lives]
    false = sum(step < months for own, months in zip(steps, quiet, strict=True) for step in own)
    return false / max(sum(quiet), 1) * MONTHS_A_YEAR


def months_until_caught(life: Life) -> int | None:
    """Matured months of the changed world that it took until a training, 1 for at once; None where none came."""
    after = [step for step in life.trained if life.changed is not None and step >= life.changed]
    return after[0] - life.changed + 1 if after and life.changed is not None else None


def lost_eur(own: Sequence[Life], lives: Sequence[Life]) -> float:
    """Profit that the oracle makes and the rule does not, a year and operator, before the cost of trainings."""
    best = {life.seed: sum(life.profit_eur) for life in lives if life.rule == "oracle"}
    return mean(best[life.seed] - sum(life.profit_eur) for life in own) * OPERATOR_CUSTOMERS


def draw(lives: Sequence[Life], target: Path) -> None:
    """False alarms against profit lost, a point per rule, and the profit of the months around a real change."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name in dict.fromkeys(life.rule for life in lives) if name not in ("oracle", "never")]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), dpi=80, layout="constrained")
    own = {name: [life for life in lives if life.rule == name] for name in names}
    places = range(len(names))
    left.barh(places, [false_alarms(own[name]) for name in names], color="#4a7ba6")
    left.axvline(0.2, color="black", linewidth=0.8, linestyle=":")
    left.set_title("False alarms a year (dotted: 1 in 5 years)", fontsize=9)
    right.barh(places, [lost_eur(own[name], lives) / 1000 for name in names], color="#a65e4a")
    right.set_title("Profit lost a year against the oracle, kEUR", fontsize=9)
    for axes in (left, right):
        axes.set_yticks(places, names if axes is left else [""] * len(names), fontsize=8)
        axes.invert_yaxis()
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)
