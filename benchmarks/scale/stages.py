"""Stages of the graph, one after the other in one process, each measured.

    python -m benchmarks.scale.stages FOLDER CUSTOMERS ingest features

prints a line of JSON for each, led by one for the start: interpreter, imports, the graph's
definitions.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.scale.measure import measured


def emit(stage: str, usage) -> None:
    """Print what a stage cost."""
    print(json.dumps({"stage": stage, "usage": asdict(usage)}), flush=True)


def main(folder: Path, customers: int, stages: list[str]) -> None:
    """Run the stages."""
    with measured() as usage:
        from benchmarks.scale.world import World

        world = World(folder, customers)
    emit("start", usage)
    for stage in stages:
        with measured() as usage:
            world.run(stage)
        emit(stage, usage)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
