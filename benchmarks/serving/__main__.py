"""This service beside a bare echo and other servers of the same model: requests a second, p50 and
p99, in one run.

    make bench-serving
    python -m benchmarks.serving --rounds 3 --seconds 5 --mlserver path/to/mlserver

Every server runs as one process on loopback; wrk sends over 8 connections. Rounds are interleaved,
so that a busy moment of the machine hits all targets; the median of the rounds is shown.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from contextlib import nullcontext
from pathlib import Path

import psutil

from benchmarks.serving.targets import Target, running, targets
from benchmarks.serving.world import make_world
from churn_platform.markdown import table as markdown_table

SEND = Path(__file__).with_name("send.lua")
CONNECTIONS = 8
GOALS = [
    ("ours, by id", "echo, the id", 0.80),
    ("ours, 45 features", "echo, 45 features", 0.55),
    ("ours, by id", "FastAPI, DataFrame", 15),
    ("ours, by id", "MLServer", 7),
]
P99_GOAL = ("ours, by id", "echo, the id", 1.5)

Figures = dict[str, float]


def measure(
    chosen: list[Target], processes: dict[str, int], folder: Path, *, rounds: int, seconds: int
) -> dict[str, Figures]:
    """Medians over the rounds, by target."""
    seen: dict[str, list[Figures]] = {target.name: [] for target in chosen}
    for target in chosen:
        send(target, folder, seconds=1)  # warm up
    for round_number in range(rounds):
        for target in chosen:
            before = cpu_seconds(processes[target.server.name])
            found = send(target, folder, seconds=seconds)
            used = cpu_seconds(processes[target.server.name]) - before
            seen[target.name].append(found | {"cpu_us": used / found["requests"] * 1e6})
        print(f"round {round_number + 1} of {rounds}", flush=True)
    return {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for name, found in seen.items()
    }


def cpu_seconds(pid: int) -> float:
    """Processor time that a server and its workers have taken: unlike throughput, it does not
    depend on neighbours.
    """
    server = psutil.Process(pid)
    times = [process.cpu_times() for process in [server, *server.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def send(target: Target, folder: Path, *, seconds: int) -> Figures:
    """What wrk sees of a target; SystemExit where a request fails, for failing is fast."""
    bodies = folder / "bodies"
    bodies.write_text("\n".join(target.bodies))
    load = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s"]
    done = subprocess.run(
        ["wrk", *load, "-s", str(SEND), target.url, "--", str(bodies)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    if found["failed"]:
        raise SystemExit(f"{target.name}: {found['failed']} of {found['requests']} requests failed")
    return found | {"rps": found["requests"] / found["seconds"]}


def table(figures: dict[str, Figures]) -> str:
    """Figures with what each target reaches of the first one's throughput."""
    base = next(iter(figures.values()))["rps"]
    rows = []
    for name, one in figures.items():
        cells = [
            name,
            f"{one['rps']:,.0f}",
            f"{one['rps'] / base:.1%}",
            f"{one['p50_ms']:.2f}",
            f"{one['p99_ms']:.2f}",
            f"{one['cpu_us']:,.0f}",
        ]
        rows.append(cells)
    head = ["target", "requests/s", "of the echo", "p50 ms", "p99 ms", "CPU us/request"]
    return markdown_table(head, rows)


def goals(figures: dict[str, Figures]) -> list[str]:
    """Each goal with what was reached."""
    lines = []
    for name, base, wanted in GOALS:
        if base in figures and name in figures:
            ratio = figures[name]["rps"] / figures[base]["rps"]
            lines.append(
                f"{_verdict(ratio >= wanted)} {name}: {ratio:.2f} x {base} (goal {wanted:g})"
            )
    name, base, most = P99_GOAL
    if name in figures:
        ratio = figures[name]["p99_ms"] / figures[base]["p99_ms"]
        lines.append(
            f"{_verdict(ratio <= most)} {name}: p99 {ratio:.2f} x {base} (at most {most:g})"
        )
    return lines


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "MISSED "


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, default=100_000, help="customers in the online features"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each target in each round")
    parser.add_argument(
        "--mlserver", type=Path, help="command of an environment with mlserver-xgboost"
    )
    parser.add_argument(
        "--only", default="", help="targets whose names contain this; the first echo is kept"
    )
    parser.add_argument("--folder", type=Path, help="keep the files and the servers' output here")
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk, or brew install wrk")
    if arguments.folder:
        arguments.folder.mkdir(parents=True)
    with (
        nullcontext(arguments.folder) if arguments.folder else tempfile.TemporaryDirectory() as name
    ):
        folder = Path(name).resolve()
        everything = targets(make_world(folder, arguments.customers), mlserver=arguments.mlserver)
        chosen = [
            target
            for target in everything
            if target is everything[0] or arguments.only in target.name
        ]
        with running(chosen, folder) as processes:
            figures = measure(
                chosen, processes, folder, rounds=arguments.rounds, seconds=arguments.seconds
            )
    print(table(figures), *goals(figures), sep="\n")


if __name__ == "__main__":
    main()
