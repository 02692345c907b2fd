"""What a service says of an experiment: files beside the prediction log, which the workers of the
host and the daemon of the platform read.
"""

from pathlib import Path

import msgspec

from churn_platform.published.experiment import GUARDRAIL, Alarm, LiveExperiment, alarm_file
from churn_platform.published.format import DamagedError, decode_file
from churn_platform.storage.atomic_file import new_file


def read_alarm(log: Path, experiment: LiveExperiment, kind: str) -> Alarm | None:
    """What was said of this start of the experiment; None if nothing was, or nothing readable.

    log: folder of the portfolio's prediction log.
    """
    path = alarm_file(log, experiment.start_id, kind)
    try:
        return decode_file(path, Alarm) if path.exists() else None
    except (OSError, DamagedError):
        # What led to it is still counted, so the service finds it again and writes it anew.
        return None


def dropped_by(log: Path, experiment: LiveExperiment | None) -> Alarm | None:
    """Why a worker of this host has dropped the challenger; None if none has."""
    return None if experiment is None else read_alarm(log, experiment, GUARDRAIL)


def write_alarm(log: Path, alarm: Alarm) -> None:
    """Say it, or raise OSError."""
    with new_file(alarm_file(log, alarm.start_id, alarm.kind)) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(alarm)))
