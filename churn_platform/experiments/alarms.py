"""Makes official what services have found of a challenger: on record, then in live.json."""

from pathlib import Path

import msgspec

from churn_platform.experiments.moves import end, pause
from churn_platform.experiments.state import (
    DROPPED,
    PAUSED,
    ExperimentState,
    history_of,
    running_of,
)
from churn_platform.promotion.publication import Publisher
from churn_platform.published.alarms import read_alarm
from churn_platform.published.experiment import ALARMS_DIR, GUARDRAIL, SIGNAL, Alarm
from churn_platform.storage.store import Store


def answer_alarms(publisher: Publisher, log: Path) -> list[str]:
    """End each running experiment whose challenger a service has dropped, and pause each that a
    service has given a signal of; what was done, a sentence each. The same again does nothing.

    log: folder of the portfolio's prediction log.
    """
    done = []
    records = publisher.audit.records()
    for state in running_of(records, publisher.portfolio.name):
        spec = state.spec
        name = spec.name
        live = state.live
        guardrail = read_alarm(log, live, GUARDRAIL)
        signal = read_alarm(log, live, SIGNAL)
        # A guardrail first: an experiment that has ended cannot be paused.
        if guardrail is not None:
            end(
                publisher,
                spec,
                reason=str(guardrail),
                event=DROPPED,
                alarm=msgspec.to_builtins(guardrail),
            )
            done.append(f"experiment {name} has ended: {guardrail}")
        elif signal is not None and not _was_paused(publisher, state, signal):
            pause(publisher, spec, reason=str(signal))
            done.append(f"experiment {name} is paused: {signal}")

    return done


def open_alarms(publisher: Publisher, log: Path, state: ExperimentState) -> list[Alarm]:
    """What services say of an experiment and nobody has answered yet, a guardrail first."""
    live = state.live
    found = []
    guardrail = read_alarm(log, live, GUARDRAIL)
    if guardrail:
        found.append(guardrail)

    signal = read_alarm(log, live, SIGNAL)
    if signal and not _was_paused(publisher, state, signal):
        found.append(signal)
    return found


def fetch_alarms(store: Store | None, portfolio: str, log: Path) -> None:
    """Bring what services on other hosts have shipped to where this host looks."""
    if store is None:
        return

    folder = log / ALARMS_DIR
    for found in store.list(f"{portfolio}/{ALARMS_DIR}"):
        name = found.key.rpartition("/")[2]
        path = folder / name
        # One alarm is reason enough, whether this host found it or fetched it before.
        if not path.exists():
            store.download(found.key, path)


def _was_paused(publisher: Publisher, state: ExperimentState, signal: Alarm) -> bool:
    """Whether the signal was answered: a person who resumes after it must not be contradicted."""
    told = str(signal)
    records = publisher.audit.records()
    for record in history_of(records, state.spec.name):
        event = record.details["event"]
        # A signal has no number of its own; the pause for it has its sentence as the reason.
        if event == PAUSED and record.reason == told:
            return True

    return False
