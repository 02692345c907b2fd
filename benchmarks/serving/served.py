"""Serves a small world by whichever code PYTHONPATH names, until a line comes in: for `pairs.py`.

Run by its path, since an earlier commit does not have it.
"""

import json
import sys
from pathlib import Path

from benchmarks.serving.targets import running, targets
from benchmarks.serving.world import make_world


def main(folder: Path, customers: int) -> None:
    """Start the service, say where each target is, and wait."""
    world = make_world(folder, customers)
    ours = [each for each in targets(world, mlserver=None) if each.name.startswith("ours")]
    with running(ours, folder) as processes:
        for each in ours:
            bodies = folder / f"{each.name}.bodies"
            bodies.write_text("\n".join(each.bodies))
            process = processes[each.server.name]
            told = {"port": each.server.port, "path": each.path, "process": process}
            print(json.dumps({"name": each.name, "bodies": str(bodies), **told}), flush=True)
        print(flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
