"""What the service's workers said of a challenger, from the files beside the prediction log."""

from pathlib import Path

import msgspec

from churn_platform.errors import DataError
from churn_platform.experiments.state import ExperimentState
from churn_platform.published.experiment import GUARDRAIL, SIGNAL, Alarm, alarm_file


def read_alarms(log: Path, state: ExperimentState) -> list[Alarm]:
    """The alarms of this start of the experiment, a guardrail's first; `log` is the folder of the
    portfolio's prediction log.
    """
    alarms = []
    for kind in (GUARDRAIL, SIGNAL):
        path = alarm_file(log, state.live.start_id, kind)
        if path.exists():
            alarms.append(_read(path))
    return alarms


def _read(path: Path) -> Alarm:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Alarm)
    except msgspec.MsgspecError as error:
        raise DataError(
            f"{path}: no alarm of an experiment: {error}; move it out of the folder"
        ) from error
