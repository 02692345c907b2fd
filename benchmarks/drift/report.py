"""What the lives add up to: tables in Markdown, and a picture."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist, fmean, median, stdev

from benchmarks.drift.life import PLATFORM, Life
from benchmarks.drift.world import SCENARIOS
from churn_platform.markdown import table
from churn_platform.monitoring.decision import ALARM, REFRESH

OPERATOR_CUSTOMERS = 2_100_000
TRAINING_EUR = 1_000  # a day of work: to run, read the card, approve
MONTHS_A_YEAR = 12
ORACLE = "oracle"
CONFIDENCE = 0.95
HEAD = (
    *(
        "rule",
        "false alarms a year",
        "needless trainings a year",
        "refreshes a year",
        "real changes caught",
    ),
    *(
        "median months until caught",
        "trainings a year",
        "profit lost a year, kEUR",
        "with trainings, kEUR",
    ),
    f"more than {PLATFORM}, kEUR ({CONFIDENCE:.0%} interval)",
)


def tables(lives: Sequence[Life]) -> str:
    """The comparison of the rules, then false alarms and losses by scenario."""
    by_rule = {
        name: [life for life in lives if life.rule == name]
        for name in dict.fromkeys(life.rule for life in lives)
    }
    losses = {name: lost_eur(own, by_rule[ORACLE], TRAINING_EUR) for name, own in by_rule.items()}
    rows = [
        [name, *_facts(own), *_losses(name, own, by_rule[ORACLE], losses)]
        for name, own in by_rule.items()
    ]
    scenario_rows = [
        [
            name,
            *(
                f"{false_alarms([life for life in own if life.scenario == each]):.2f}"
                for each in SCENARIOS
            ),
        ]
        for name, own in by_rule.items()
    ]
    lost_rows = [
        [
            name,
            *(
                f"{_mean_keur([losses[name][life.seed] for life in own if life.scenario == each])}"
                for each in SCENARIOS
            ),
        ]
        for name, own in by_rule.items()
    ]
    return "\n".join(
        [
            f"{len(by_rule[PLATFORM])} operator-years",
            "",
            table(HEAD, rows),
            "",
            table(("false alarms a year", *SCENARIOS), scenario_rows),
            "",
            table(("lost a year with trainings, kEUR", *SCENARIOS), lost_rows),
        ]
    )


def _facts(own: Sequence[Life]) -> list[str]:
    real = [life for life in own if life.changed is not None]
    waits = [wait for life in real if (wait := months_until_caught(life)) is not None]
    return [
        f"{false_alarms(own):.2f}",
        f"{needless_trainings(own):.2f}",
        f"{fmean(life.causes.count(REFRESH) for life in own):.1f}",
        f"{len(waits)} of {len(real)} ({len(waits) / max(len(real), 1):.0%})",
        f"{median(waits):.0f}" if waits else "-",
        f"{fmean(len(life.trained) for life in own):.1f}",
    ]


def _losses(
    name: str,
    own: Sequence[Life],
    oracle: Sequence[Life],
    losses: Mapping[str, Mapping[int, float]],
) -> list[str]:
    more = [losses[name][seed] - losses[PLATFORM][seed] for seed in losses[PLATFORM]]
    margin = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * stdev(more) / len(more) ** 0.5 / 1000
    estimate = fmean(more) / 1000
    return [
        _mean_keur(lost_eur(own, oracle).values()),
        _mean_keur(losses[name].values()),
        ""
        if name == PLATFORM
        else f"{estimate:+,.0f} ({estimate - margin:+,.0f} to {estimate + margin:+,.0f})",
    ]


def _mean_keur(values: Iterable[float]) -> str:
    found = list(values)
    return f"{fmean(found) / 1000:,.0f}" if found else "-"


def false_alarms(lives: Sequence[Life]) -> float:
    """Alarms while nothing real had changed, per year of such months; follow-ups and refreshes are
    none.
    """
    return _while_quiet(lives, (ALARM,))


def needless_trainings(lives: Sequence[Life]) -> float:
    """Trainings while nothing real had changed, per year of such months: alarms, what followed them
    up, refreshes.
    """
    return _while_quiet(lives, None)


def _while_quiet(lives: Sequence[Life], causes: tuple[str, ...] | None) -> float:
    quiet = [len(life.profit_eur) if life.changed is None else life.changed for life in lives]
    false = sum(
        step < months and (causes is None or cause in causes)
        for life, months in zip(lives, quiet, strict=True)
        for step, cause in zip(life.trained, life.causes, strict=True)
    )
    return false / max(sum(quiet), 1) * MONTHS_A_YEAR


def months_until_caught(life: Life) -> int | None:
    """Matured months of the changed world until a training that is no refresh, 1 for at once; None
    without one.
    """
    asked = [
        step for step, cause in zip(life.trained, life.causes, strict=True) if cause != REFRESH
    ]
    after = [step for step in asked if life.changed is not None and step >= life.changed]
    return after[0] - life.changed + 1 if after and life.changed is not None else None


def lost_eur(
    own: Sequence[Life], oracle: Sequence[Life], training_eur: float = 0.0
) -> dict[int, float]:
    """Profit of each year, by seed, that the oracle makes and the rule does not; both pay for their
    trainings.
    """
    best = {life.seed: _earned_eur(life, training_eur) for life in oracle}
    return {life.seed: best[life.seed] - _earned_eur(life, training_eur) for life in own}


def _earned_eur(life: Life, training_eur: float) -> float:
    return sum(life.profit_eur) * OPERATOR_CUSTOMERS - len(life.trained) * training_eur


def draw(lives: Sequence[Life], target: Path) -> None:
    """False alarms of each rule, and beside them the profit that it loses with the cost of its
    trainings.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [
        name for name in dict.fromkeys(life.rule for life in lives) if name not in (ORACLE, "never")
    ]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), dpi=80, layout="constrained")
    own = {name: [life for life in lives if life.rule == name] for name in names}
    oracle = [life for life in lives if life.rule == ORACLE]
    lost = [fmean(lost_eur(own[name], oracle, TRAINING_EUR).values()) / 1000 for name in names]
    places = range(len(names))
    left.barh(places, [false_alarms(own[name]) for name in names], color="#4a7ba6")
    left.axvline(0.2, color="black", linewidth=0.8, linestyle=":")
    left.set_title("False alarms a year (dotted: 1 in 5 years)", fontsize=9)
    right.barh(places, lost, color="#a65e4a")
    right.set_title("Lost a year against the oracle, with trainings, kEUR", fontsize=9)
    for axes in (left, right):
        axes.set_yticks(places, names if axes is left else [""] * len(names), fontsize=8)
        axes.invert_yaxis()
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target)
