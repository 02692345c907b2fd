"""Judges a month against the operator's own earlier months: a pure function of their measures.

A measure is compared with its median over at most `HISTORY_MONTHS` earlier sound months, and is not
judged before there are `FEWEST_MONTHS`. The limits are wide on purpose: they are to stop a broken
feed, not to notice a changing business, which is what drift is for.

- Rows (per customer, for events): within a factor of 2; where they have varied more, up to 2.4. A
yearly wave of
  30 percent stays inside, even half a year after most of the history.
- Magnitude: the geometric mean of what is not zero, within a factor of 3. Unlike the median it also
moves when a part
  of the rows arrives in cents.
- Shares (missing, zero, negative, of a level): within 0.3. A level with 30 expected rows or more
must also keep a fifth
  of its share: churners are few, and a file without any must not pass.
- Days without any event: at most 2 more than usual, or what chance has shown before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median

from churn_platform.data_contract.measure import ROWS, Kind, Measure
from churn_platform.published.plain_numbers import number

# A year of history has each season once. Three months are the fewest that have a useful median.
HISTORY_MONTHS = 12
FEWEST_MONTHS = 3
FEWEST_ROWS = 50  # below, a table says too little about itself
# Wide on purpose: these limits must stop a broken feed and let a changing business pass.
COUNT_FACTOR, COUNT_FACTOR_MOST, SIZE_FACTOR = 2.0, 2.4, 3.0
SHARE_STEP = 0.3
LEVEL_ROWS, LEVEL_KEPT = 30, 0.2
SILENT_DAYS_MORE = 2.0
DEVIATIONS = 4.0
CONSISTENCY = (
    1.4826  # of the median absolute deviation with the standard deviation of normal values
)
UNITS = {60: "minutes and seconds", 100: "euros and cents", 1000: "thousands", 1024: "MB and GB"}


@dataclass(frozen=True)
class JudgedMeasure:
    """A measure, what history expects of it and the limits; these are None if history is too
    short to judge by.
    """

    measure: Measure
    expected: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the measure is inside its limits, or was not judged."""
        value = self.measure.value
        return (
            self.low is None or self.high is None or value is None or self.low <= value <= self.high
        )


def judge_month(
    measures: Sequence[Measure], history: Sequence[dict[tuple[str, str], float]]
) -> list[JudgedMeasure]:
    """Each measure of a month with its limits; `history` holds the same measures of sound earlier
    months, newest last, by column and name.
    """
    recent = history[-HISTORY_MONTHS:]
    usual_rows = median([month.get(("", ROWS), 0.0) for month in recent] or [0.0])
    rows = measures[0].value or 0.0
    return [_judge(measure, recent, rows=rows, usual_rows=usual_rows) for measure in measures]


def _judge(
    measure: Measure,
    history: Sequence[dict[tuple[str, str], float]],
    *,
    rows: float,
    usual_rows: float,
) -> JudgedMeasure:
    if measure.kind == "context" or usual_rows < FEWEST_ROWS:
        return JudgedMeasure(measure)
    if rows < FEWEST_ROWS and measure.kind != "count":
        return JudgedMeasure(measure)

    place = (measure.column, measure.name)
    past = [month[place] for month in history if place in month]
    if len(past) < FEWEST_MONTHS:
        return JudgedMeasure(measure)

    low, high = limits(measure.kind, past, rows=rows)
    return JudgedMeasure(measure, median(past), low, high)


def limits(kind: Kind, past: Sequence[float], *, rows: float) -> tuple[float, float]:
    """The lowest and highest value that history admits, in a month of `rows` rows."""
    expected = median(past)
    if kind in ("count", "size"):
        factor = SIZE_FACTOR if kind == "size" else _count_factor(past)
        return expected / factor, expected * factor

    if kind == "days":
        more = max(SILENT_DAYS_MORE, DEVIATIONS * _deviation(past))
        return 0.0, expected + more

    low = max(0.0, expected - SHARE_STEP)
    high = min(1.0, expected + SHARE_STEP)
    # Without this a rare level could vanish: churners are 2 % of a month, inside any step of 0.3.
    if kind == "level" and expected * rows >= LEVEL_ROWS:
        low = max(low, LEVEL_KEPT * expected)

    return low, high


def _count_factor(past: Sequence[float]) -> float:
    logs = [log(value) for value in past if value > 0]
    spread = _deviation(logs or [0.0])
    factor = max(COUNT_FACTOR, exp(DEVIATIONS * spread))
    return min(factor, COUNT_FACTOR_MOST)


def _deviation(values: Sequence[float]) -> float:
    # Median and absolute deviation: one broken month that was accepted does not widen the limits.
    middle = median(values)
    return CONSISTENCY * median([abs(value - middle) for value in values])


def complaint(table: str, judged: JudgedMeasure) -> str:
    """What is wrong and what to look at, in words."""
    measure = judged.measure
    assert judged.expected is not None and measure.value is not None
    assert judged.low is not None and judged.high is not None
    place = f"{table}.{measure.column}" if measure.column else table
    admitted = f"{number(judged.low)} to {number(judged.high)}"
    found = (
        f"{place}: {measure.name} {number(measure.value)}, "
        f"usually {number(judged.expected)} (admitted {admitted})"
    )
    return f"{found}; {_advice(measure, judged.expected)}"


def _advice(measure: Measure, expected: float) -> str:
    value = measure.value or 0.0
    if measure.kind == "size" and expected and value:
        factor = max(value / expected, expected / value)
        unit = _likely_unit(factor)
        hint = f" ({unit}?)" if unit else " and at what is booked"
        return f"about {number(factor, digits=3)} times off, look at the unit{hint}"

    return {
        "count": "rows are missing or delivered twice",
        "days": "the file ends early or days are missing",
        "share": "look at how the column is filled",
        "level": "look at how the column is filled; a level may have been renamed or left out",
    }.get(measure.kind, "look at the column")


def _likely_unit(factor: float) -> str | None:
    """The mistake of unit that would change values by about the factor; None if there is none."""
    for size, words in UNITS.items():
        if abs(log(factor / size)) < log(1.2):
            return words
    return None
