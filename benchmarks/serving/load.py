"""Locust against this service on a small world: the mix of requests that an operator's applications
send.

    make load
    python -m benchmarks.serving.load --locust path/to/locust --users 20 --seconds 30

Bounded: users wait between requests, and the run ends by itself. Fails where a request does.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

from benchmarks.serving.targets import running, targets
from benchmarks.serving.world import make_world

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"


def main() -> None:
    """Make a world, serve it, and let locust ask and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--locust", type=Path, required=True, help="command of an environment with locust"
    )
    parser.add_argument(
        "--customers", type=int, default=5_000, help="customers in the online features"
    )
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the service")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        world = make_world(folder, arguments.customers)
        ids = folder / "ids"
        ids.write_text("\n".join(world.ids))
        (target,) = [
            one
            for one in targets(world, mlserver=None, workers=arguments.workers)
            if one.name == "ours, by id"
        ]
        bounds = [
            "--users",
            str(arguments.users),
            "--spawn-rate",
            "10",
            "--run-time",
            f"{arguments.seconds}s",
        ]
        host = ["--host", f"http://127.0.0.1:{target.server.port}"]
        command = [
            str(arguments.locust),
            "-f",
            str(LOCUSTFILE),
            "--headless",
            "--only-summary",
            *bounds,
            *host,
        ]
        with running([target], folder):
            done = subprocess.run(
                command, env=os.environ | {"SERVING_LOAD_IDS": str(ids)}, check=False
            )
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
