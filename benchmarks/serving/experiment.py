"""What an experiment costs the service: by id with a slice of a tenth, and in shadow, beside the
echo and the service without one.

    python -m benchmarks.serving.experiment --rounds 4 --seconds 5

The challenger is the champion's own model as another version, so that the experiment alone differs.
It has to score each of its customers, since the stored score is told only as the champion's.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from msgspec.structs import replace as with_fields

from benchmarks.serving.__main__ import measure, table
from benchmarks.serving.targets import Target, running, targets
from benchmarks.serving.world import PORTFOLIO, VERSION, World, make_world
from churn_platform.published.atomic_files import write_manifest
from churn_platform.published.experiment import LiveExperiment, two_arms
from churn_platform.published.format import model_dir, read_model_manifest
from churn_platform.published.live_file import direct_experiment

CHALLENGER = VERSION + 1
GOAL = 0.5
KINDS = {"a slice of 10 %": 0.1, "a shadow": 0.0}


def with_experiment(world: World, name: str, weight: float) -> World:
    """The same world in a folder of its own, with an experiment that is live."""
    other = replace(world, folder=world.folder / name.replace(" ", "_"))
    shutil.copytree(world.published_dir, other.published_dir, symlinks=True)
    root = other.published_dir / PORTFOLIO
    folder = model_dir(root, CHALLENGER)
    shutil.copytree(model_dir(root, VERSION), folder)
    write_manifest(folder, with_fields(read_model_manifest(folder), version=CHALLENGER))
    experiment = LiveExperiment(
        name="benchmark",
        spec_hash="benchmark",
        salt="benchmark",
        question="What does it cost?",
        step="slice" if weight else "shadow",
        arms=two_arms(champion=VERSION, challenger=CHALLENGER, weight=weight),
        is_shadow=not weight,
    )
    direct_experiment(root, experiment)
    return other


def by_id(world: World, name: str) -> Target:
    """The service on a world, asked by id."""
    (target,) = [one for one in targets(world, mlserver=None) if one.name == "ours, by id"]
    return replace(target, name=name, server=replace(target.server, name=name))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=5, help="of each target in each round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        world = make_world(folder, arguments.customers)
        chosen = [targets(world, mlserver=None)[0], by_id(world, "no experiment")]
        for kind, weight in KINDS.items():
            chosen.append(by_id(with_experiment(world, kind, weight), kind))
        with running(chosen, folder) as processes:
            figures = measure(
                chosen, processes, folder, rounds=arguments.rounds, seconds=arguments.seconds
            )

    print(table(figures))
    echo = figures[chosen[0].name]["rps"]
    for kind in KINDS:
        ratio = figures[kind]["rps"] / echo
        verdict = "reached" if ratio >= GOAL else "MISSED "
        print(f"{verdict} {kind}: {ratio:.2f} of the echo (goal {GOAL:g})")


if __name__ == "__main__":
    main()
