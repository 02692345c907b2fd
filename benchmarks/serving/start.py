"""How long the service takes to start with a whole operator published, and the memory that it then
holds.

python -m benchmarks.serving.start --customers 2100000
"""

import argparse
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.serving.__main__ import cpu_seconds
from benchmarks.serving.targets import OURS, running, targets
from benchmarks.serving.world import make_world


def main() -> None:
    """Publish, start three times and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=2_100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        begun = time.perf_counter()
        world = make_world(folder, arguments.customers)
        size = sum(
            path.stat().st_size
            for path in (world.published_dir).rglob("*.lmdb")
            if not path.is_symlink()
        )
        print(
            f"{arguments.customers:,} customers published in {time.perf_counter() - begun:.1f} s, "
            f"{size / 1e6:,.0f} MB"
        )
        (target,) = [one for one in targets(world, mlserver=None) if one.name == "ours, by id"]
        for _ in range(3):
            begun = time.perf_counter()
            with running([target], folder) as servers:
                seconds, used = time.perf_counter() - begun, cpu_seconds(servers[OURS])
                print(
                    f"first answer after {seconds:.2f} s, {used:.2f} s of processor time; "
                    f"{memory()}",
                    flush=True,
                )


def memory() -> str:
    """Memory of the server's processes, without and with the pages of files that they share with
    others.
    """
    found = []
    for process in psutil.Process().children(recursive=True):
        used = process.memory_full_info()
        found.append(
            f"{process.pid}: {used.uss / 1e6:,.0f} MB of its own, "
            f"{used.rss / 1e6:,.0f} MB with shared pages"
        )
    return "; ".join(found)


if __name__ == "__main__":
    main()
