"""A process that logs predictions and acknowledges each on standard output, until it is killed.

python -m churn_platform_tests.support.log_writer FOLDER WORKER
"""

import itertools
import sys
from pathlib import Path

from churn_platform_tests.support.predictions import prediction
from serving.storage.log_writer import PredictionLog


def main(folder: str, worker: str) -> None:
    """Acknowledge a request only after the log has it, as the service does."""
    log = PredictionLog(Path(folder), worker=worker, max_bytes=20_000)
    for number in itertools.count():
        request_id = f"{worker}-{number}"
        log.append(prediction(request_id=request_id))
        sys.stdout.write(f"{request_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
