"""How good are the methods of experiments, by simulation?

    python -m benchmarks.experiments --picture docs/images/experiments.png

Prints the tables of docs/experiments.md: false alarms of 1,000 experiments without a difference,
power with one, and the customers that each design needs. About ten minutes on one core.
"""

import argparse
from pathlib import Path

from benchmarks.experiments import monthly, needed, picture, streams
from churn_platform.markdown import table

SHARES = (0.05, 0.1, 0.5)
MONTHS = (3, 6, 12)
SEED = 1_000
MORE = 200  # splits by month are drawn at once, so more of them cost little


def main() -> None:
    """Simulate, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=1_000, help="for each figure")
    parser.add_argument("--churn", type=float, default=0.023, help="churn rate of a month")
    parser.add_argument("--picture", type=Path, help="where to draw it")
    given = parser.parse_args()
    _print_streams(given.experiments, given.churn)
    _print_splits(given.experiments)
    _print_months(given.experiments, given.churn)
    _print_needed(given.churn)
    if given.picture:
        drawn = picture.draw(given.experiments * MORE, given.churn, seed=SEED)
        given.picture.write_bytes(drawn)


def _print_streams(experiments: int, rate: float) -> None:
    rows = []
    for share, rest in [*((share, False) for share in SHARES), (0.05, True)]:
        found = streams.outcome_alarms(
            streams=experiments, share=share, rest=rest, rate=rate, seed=SEED
        )
        against = "all others" if rest else "as many"
        shown = [found.repeated, found.two_sided, found.harm]
        rows.append([f"{share:.0%} against {against}", *map(_percent, shown)])

    head = ["slice", "z-test at each look", "confidence sequence", "of it, harm alone"]
    print(f"False alarms in a stream, {streams.LOOKS} looks\n\n{table(head, rows)}\n")


def _print_splits(experiments: int) -> None:
    rows = []
    for share, true_share in ((0.05, 0.05), (0.1, 0.1), (0.5, 0.5), (0.1, 0.095)):
        found = streams.split_alarms(
            streams=experiments, share=share, true_share=true_share, seed=SEED
        )
        rows.append([f"{share:.1%}", f"{true_share:.1%}", *map(_percent, found)])

    head = ["planned", "true", "chi-square at each look", "sequential multinomial"]
    print(f"Mismatch found (p < 0.001), {streams.LOOKS} looks\n\n{table(head, rows)}\n")


def _print_months(experiments: int, rate: float) -> None:
    rows = []
    for power in (0.0, 0.8):
        for months in MONTHS:
            for share in SHARES:
                found = monthly.split_rates(
                    experiments=experiments * MORE,
                    months=months,
                    share=share,
                    rate=rate,
                    power=power,
                    seed=SEED,
                )
                what = "power" if power else "false alarms"
                rows.append([what, months, f"{share:.0%}", *_shown(found)])

    paired = monthly.shadow_rates(
        experiments=round(6.5 * experiments), months=MONTHS, customers=4_000, rate=rate, seed=SEED
    )
    for months, found in zip(MONTHS, paired, strict=True):
        rows.append(["false alarms", months, "all, paired", *_shown(found)])

    head = ["", "months", "share", "one look", "z-test each month"]
    head += ["group-sequential", "confidence sequence"]
    print(f"Outcomes by month\n\n{table(head, rows)}\n")


def _shown(found: monthly.Rates) -> list[str]:
    rates = (found.fixed, found.repeated, found.group_sequential, found.confidence_sequence)
    return [_percent(rate) for rate in rates]


def _print_needed(rate: float) -> None:
    auc = needed.auc_needed(repetitions=300, rate=rate, seed=SEED)
    lists = needed.lists_needed(repetitions=1_000, rate=rate, seed=SEED)
    rows = [
        ["AUC, paired | split", f"{auc.paired:.4f}", f"{auc.split:.4f}", f"{auc.times:.0f}"],
        [
            "profit of two lists, EUR, where they differ | over all",
            f"{lists.paired:,.0f}",
            f"{lists.split:,.0f}",
            f"{lists.times:.0f}",
        ],
    ]
    head = ["40,000 customers, standard deviation of", "first", "second", "customers, times"]
    print(f"Customers needed\n\n{table(head, rows)}")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
