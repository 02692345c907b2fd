"""Swaps the champion a hundred times while clients ask real worker processes: no request may fail
or mix versions.

    python -m benchmarks.swaps --swaps 100 --workers 2

Two versions of the tiny portfolio are published, each with its own month's score of every customer
asked about. Every answer is held against the score of the version that it names, by id as by
features. Loopback only; it stops by itself.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.clients import asking
from churn_platform.published.live_file import go_live
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.served_bundles import PEOPLE, publish, publish_version
from churn_platform_tests.support.tiny import TINY, fit_tiny

PROBES = 40
PER_CONNECTION = 50  # a new connection now and then, so that every worker gets some
TOLERANCE = 1e-5
SWAP_SECONDS_MAX = 30.0
Ask = tuple[str, dict[int, float]]  # a body, and the probability by version


class Answers:
    """What the clients were told, by worker, and what of it was wrong."""

    def __init__(self, asks: list[Ask]):
        self._asks = asks
        self.failures: list[str] = []
        self.mismatches: list[str] = []
        self.newest: dict[str, int] = {}  # worker -> version of its newest answer
        self.counted: Counter[int] = Counter()

    def failed(self, error: Exception) -> None:
        """One connection broke."""
        self.failures.append(repr(error))

    def heard(self, place: int, status: int, text: bytes) -> None:
        """One answer, held against the score of the version that it names."""
        if status != 200:
            self.failures.append(f"{status} {text[:200]!r}")
            return
        answer = json.loads(text)
        version = answer["model_version"]
        if not abs(answer["churn_probability"] - self._asks[place][1][version]) <= TOLERANCE:
            self.mismatches.append(text.decode())
        self.counted[version] += 1
        self.newest[answer["request_id"].split("-")[0]] = version


def asks(models: dict[int, ChurnModel]) -> list[Ask]:
    """By id and by features in turn, for customers to whom the versions give clearly different
    scores.
    """
    scores = {
        version: model.churn_probability(PEOPLE.features) for version, model in models.items()
    }
    apart = [
        row for row in range(len(PEOPLE)) if abs(scores[1][row] - scores[2][row]) > 100 * TOLERANCE
    ][:PROBES]
    found = []
    for row in apart:
        expected = {version: float(scores[version][row]) for version in models}
        found.append((json.dumps({"customer_id": str(PEOPLE.customer_ids[row])}), expected))
        usage, tickets, is_late, plan = PEOPLE.features[row].tolist()
        if plan == plan:  # a plan cannot be left out
            sent = {
                "usage": usage if usage == usage else None,
                "tickets": int(tickets),
                "is_late": bool(is_late),
            }
            found.append(
                (json.dumps(sent | {"plan": TINY.features[3].levels[int(plan)]}), expected)
            )
    return found


def swap(root: Path, answers: Answers, swaps: int, workers: int) -> float:
    """Let the versions take turns; each swap waits until every worker answers with the new one.
    Slowest, in seconds.
    """
    slowest = 0.0
    for number in range(swaps):
        new, begun = 2 - number % 2, time.monotonic()
        go_live(root, root.name, champion=new)
        _wait(lambda new=new: list(answers.newest.values()).count(new) == workers)  # type: ignore[misc]
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


def _wait(holds: Callable[[], bool]) -> None:
    given_up_at = time.monotonic() + SWAP_SECONDS_MAX
    while not holds():
        if time.monotonic() > given_up_at:
            raise SystemExit(
                "not every worker took the new version over; its output is in the server's log"
            )
        time.sleep(0.002)


def main() -> None:
    """Run it and print; SystemExit where a request failed, or an answer was of another version than
    it said.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    models = {1: fit_tiny("xgboost"), 2: fit_tiny("logistic_regression")}
    questions = asks(models)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        root = publish(folder / "published", models[1])
        publish_version(root, 2, models[2])
        port = stack.enter_context(serving(folder, workers=arguments.workers))
        answers = Answers(questions)
        bodies = [body for body, _ in questions]
        stack.enter_context(
            asking(port, "/predict", bodies, per_connection=PER_CONNECTION, told=answers)
        )
        begun = time.monotonic()
        _wait(lambda: len(answers.newest) == arguments.workers)
        slowest = swap(root, answers, arguments.swaps, arguments.workers)
        seconds = time.monotonic() - begun
    requests = answers.counted.total() + len(answers.failures)
    print(
        f"{arguments.swaps} swaps seen by each of {len(answers.newest)} workers in {seconds:.0f} "
        "s, the slowest after "
        f"{slowest:.2f} s\n{requests:,} requests, "
        f"answers by version {dict(sorted(answers.counted.items()))}: "
        f"{len(answers.failures)} failures, {len(answers.mismatches)} mismatches"
    )
    if answers.failures or answers.mismatches:
        raise SystemExit("\n".join([*answers.failures, *answers.mismatches][:5]))


if __name__ == "__main__":
    main()
