"""Tables of what was measured, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.scale.world import HISTORY, MONTH
from churn_platform.markdown import table

SIZE_HEAD = (
    "stage",
    "wall s",
    "CPU s",
    "peak MB",
    "read MB",
    "written MB",
    "floor s",
    "floor CPU s",
    "wall ratio",
    "CPU ratio",
)

Results = Mapping[str, Mapping[str, Any]]
"""By stage: `usage`, and `floor` for a stage of the month; beside them `pandas`."""


def size_table(customers: int, results: Results) -> str:
    """One size: every stage of the month beside its floor, and what came before."""
    rows = []
    if "start" in results:
        rows.append(_row("start", results["start"]["usage"], None))

    done = [stage for stage in MONTH if stage in results]
    for stage in done:
        rows.append(_row(stage, results[stage]["usage"], results[stage].get("floor")))

    if len(done) == len(MONTH):
        usages = [results[stage]["usage"] for stage in ("start", *MONTH)]
        rows.append(_row("the month", total(usages), None))

    for stage in HISTORY:
        if stage in results:
            rows.append(_row(f"({stage})", results[stage]["usage"], None))

    lines = [f"## {customers:,} customers", "", table(SIZE_HEAD, rows)]
    if "pandas" in results:
        lines += ["", pandas_line(customers, results)]

    return "\n".join(lines)


def total(usages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Sums; the highest of the peaks."""
    return {
        name: max(usage[name] for usage in usages)
        if name == "peak_mb"
        else sum(usage[name] for usage in usages)
        for name in usages[0]
    }


def _row(name: str, usage: Mapping[str, float], floor: Mapping[str, float] | None) -> list[str]:
    own = [f"{usage['wall_s']:.1f}", f"{usage['cpu_s']:.1f}"]
    own += [f"{usage[column]:,.0f}" for column in ("peak_mb", "read_mb", "written_mb")]
    if not floor:
        return [name, *own, "", "", "", ""]
    return [
        name,
        *own,
        f"{floor['wall_s']:.1f}",
        f"{floor['cpu_s']:.1f}",
        f"{usage['wall_s'] / floor['wall_s']:.1f}",
        f"{usage['cpu_s'] / floor['cpu_s']:.1f}",
    ]


def pandas_line(customers: int, results: Results) -> str:
    """How much faster features and scores are than pandas, scaled in proportion
    to the customers.
    """
    pandas = results["pandas"]
    scaled = pandas["cpu_s"] * customers / pandas["customers"]
    ours = {
        name: sum(results[stage]["usage"][name] for stage in ("features", "scoring"))
        for name in ("wall_s", "cpu_s")
    }
    return (
        f"The pandas way took {pandas['wall_s']:.1f} s ({pandas['cpu_s']:.1f} CPU s) for "
        f"{pandas['customers']:,} "
        f"customers, which makes {scaled:,.0f} CPU s for {customers:,}, in proportion; "
        "features and scoring took "
        f"{ours['wall_s']:.1f} s, {scaled / ours['wall_s']:.0f} times faster by the clock (pandas "
        "has one core), "
        f"{scaled / ours['cpu_s']:.0f} times by CPU."
    )


def growth_table(measured: Mapping[int, Results]) -> str:
    """Growth exponents: the slope of log seconds over log customers, by least squares, over all
    sizes measured.
    """
    rows = []
    for stage in MONTH:
        sizes = [size for size, results in measured.items() if stage in results]
        if len(sizes) < 2:
            continue

        row = [stage]
        for clock in ("wall_s", "cpu_s"):
            seconds = [measured[size][stage]["usage"][clock] for size in sizes]
            row.append(f"{exponent(sizes, seconds):.2f}")

        rows.append(row)

    return f"## Growth\n\n{table(['stage', 'wall exponent', 'CPU exponent'], rows)}"


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The power of the size with which seconds grow."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
