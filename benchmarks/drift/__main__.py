"""How good is the alarm? Operator-years under seven scenarios, the platform's decision beside
common rules.

    python -m benchmarks.drift --years 210

Prints the tables of docs/drift.md and, with --picture, draws docs/images/drift.png. Seeds of the
report start at 1000; the thresholds of the decision were chosen on seeds below.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.drift.life import Life, live
from benchmarks.drift.report import draw, tables

REPORT_SEED = 1000


def lives(years: int, first_seed: int, kept: Path) -> Iterator[Life]:
    """One monitored year for each seed, the scenarios in turn; each is kept at once, and not lived
    again if it was.
    """
    begun, known = time.process_time(), _read(kept)
    with kept.open("a") as file:
        for number in range(years):
            found = known.get(first_seed + number)
            if found is None:
                found = live(number, first_seed + number)
                file.write("".join(json.dumps(vars(life)) + "\n" for life in found))
                file.flush()
            yield from found
            print(
                f"\r{number + 1} of {years} years, {time.process_time() - begun:.0f} CPU seconds",
                end="",
                flush=True,
            )
    print()


def _read(kept: Path) -> dict[int, list[Life]]:
    """The years that an earlier run has kept, by seed."""
    by_seed: dict[int, list[Life]] = {}
    for line in kept.read_text().splitlines() if kept.exists() else []:
        life = Life(**json.loads(line))
        by_seed.setdefault(life.seed, []).append(life)
    return by_seed


def main() -> None:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--years", type=int, default=210, help="operator-years, spread over the scenarios"
    )
    parser.add_argument("--seed", type=int, default=REPORT_SEED, help="first seed")
    parser.add_argument(
        "--kept",
        type=Path,
        default=Path(os.devnull),
        help="where to keep each year; those there are not lived again",
    )
    parser.add_argument("--picture", type=Path, help="where to draw the picture")
    arguments = parser.parse_args()
    found = list(lives(arguments.years, arguments.seed, arguments.kept))
    print(tables(found))
    if arguments.picture:
        draw(found, arguments.picture)


if __name__ == "__main__":
    main()
