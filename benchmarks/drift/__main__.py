"""How good is the alarm? Operator-years under seven scenarios, the platform's decision beside common rules.

    python -m benchmarks.drift --years 210

Prints the tables of docs/drift.md and, with --picture, draws docs/images/drift.png. Seeds of the report start at 1000;
the thresholds of the decision were chosen on seeds below.
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
    """One monitored year for each seed, the scenarios in turn; each is kept at once, so a stop loses none."""
    begun = time.process_time()
    with kept.open("a") as file:
        for number in range(years):
            for life in live(number, first_seed + number):
                file.write(json.dumps(vars(life)) + "\n")
                yield life
            file.flush()
            print(f"\r{number + 1} of {years} years, {time.process_time() - begun:.0f} CPU seconds", end="", flush=True)
    print()


def main() -> None:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--years", type=int, default=210, help="operator-years, spread over the scenarios; 0: only read"
    )
    parser.add_argument("--seed", type=int, default=REPORT_SEED, help="first seed")
    parser.add_argument("--kept", type=Path, default=Path(os.devnull), help="where to keep what happened, line by line")
    parser.add_argument("--read", type=Path, nargs="*", default=[], help="what other runs kept, to report along")
    parser.add_argument("--picture", type=Path, help="where to draw the picture")
    arguments = parser.parse_args()
    found = [Life(**json.loads(line)) for file in arguments.read for line in file.read_text().splitlines()]
    found += lives(arguments.years, arguments.seed, arguments.kept)
    print(tables(found))
    if arguments.picture:
        draw(found, arguments.picture)


if __name__ == "__main__":
    main()
