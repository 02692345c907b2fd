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
    for state in running_of(publisher.audit.records(), publisher.portfolio.name):
        name = state.spec.name
        guardrail = read_alarm(log, state.live, GUARDRAIL)
        signal = read_alarm(log, state.live, SIGNAL)
        if guardrail is not None:
            details = {"alarm": msgspec.to_builtins(guardrail)}
            end(publisher, state.spec, reason=str(guardrail), event=DROPPED, **details)
            done.append(f"experiment {name} has ended: {guardrail}")
        elif signal is not None and not _was_paused(publisher, state, signal):
            pause(publisher, state.spec, reason=str(signal))
            done.append(f"experiment {name} is paused: {signal}")

    return done


def open_alarms(publisher: Publisher, log: Path, state: ExperimentState) -> list[Alarm]:
    """What services say of an experiment and nobody has answered yet, a guardrail first."""
    guardrail = read_alarm(log, state.live, GUARDRAIL)
    signal = read_alarm(log, state.live, SIGNAL)
    found = [guardrail] if guardrail else []
    if signal and not _was_paused(publisher, state, signal):
        found.append(signal)
    return found


def fetch_alarms(store: Store | None, portfolio: str, log: Path) -> None:
    """Bring what services on other hosts have shipped to where this host looks."""
    if store is None:
        return
    for found in store.list(f"{portfolio}/{ALARMS_DIR}"):
        path = log / ALARMS_DIR / found.key.rpartition("/")[2]
        if not path.exists():
            store.download(found.key, path)


def _was_paused(publisher: Publisher, state: ExperimentState, signal: Alarm) -> bool:
    """Whether the signal was answered: a person who resumes after it must not be contradicted."""
    for record in history_of(publisher.audit.records(), state.spec.name):
        if record.details["event"] == PAUSED and record.reason == str(signal):
            return True
    return False
