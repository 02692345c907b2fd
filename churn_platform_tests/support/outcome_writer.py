"""A process that records outcomes and acknowledges each on standard output, until it is killed.

python -m churn_platform_tests.support.outcome_writer FOLDER WORKER
"""

import itertools
import sys
from pathlib import Path

from churn_platform_tests.support.outcomes import outcome
from serving.page.outcomes import OutcomeLog
from serving.page.store import Store


def main(folder: str, worker: str) -> None:
    """Acknowledge an outcome only after `record` has returned, as the page does."""
    root = Path(folder)
    store = Store(root / "page.sqlite")
    log = OutcomeLog(root / "outcomes", store, worker=worker, max_age_seconds=0.5)
    for number in itertools.count():
        outcome_id = f"{worker}-{number}"
        log.record(outcome(outcome_id=outcome_id))
        sys.stdout.write(f"{outcome_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
