"""One stage in a process of its own: `python -m benchmarks.scale.stage ingest FOLDER CUSTOMERS`."""

import sys
from pathlib import Path

from benchmarks.scale.world import run_stage

if __name__ == "__main__":
    run_stage(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
