"""How good is the alarm? Operator-years under seven scenarios, the platform's decision beside common rules.

    python -m benchmarks.drift --years 210

Prints the tables of docs/drift.md and, with --picture, draws docs/images/drift.png. Seeds of the report start at 1000;
the thresholds of the decision were chosen on seeds below.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.drift.life import Life, live
from benchmarks.drift.report import draw, tables

REPORT_SEED = 1000


def lives(years: int, first_seed: int) -> Iterator[Life]:
    """One monitored year for each seed, the scenarios in turn, saying how far it is."""
    begun = time.process_time()
    for number in range(years):
        yield from live(number, first_seed + number)
        print(f"\r{number + 1} of {years} years, {time.process_time() - begun:.0f} CPU seconds", end="", flush=True)
    print()


def main() -> None:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=210, help="operator-years, spread over the scenarios")
    parser.add_argument("--seed", type=int, default=REPORT_SEED, help="first seed")
    parser.add_argument("--picture", type=Path, help="where to draw the picture")
    parser.add_argument("--json", type=Path, help="where to keep what happened, one line per life")
    arguments = parser.parse_args()
    found = list(lives(arguments.years, arguments.seed))
    if arguments.json:
        arguments.json.write_text("\n".join(json.dumps(vars(life)) for life in found))
    print(tables(found))
    if arguments.picture:
        draw(found, arguments.picture)


if __name__ == "__main__":
    main()
