"""Does what a spec says about figures that cannot be believed: a mismatch, or no traffic."""

from churn_platform.experiments.ladder import Progress, response, troubles
from churn_platform.experiments.moves import end, pause
from churn_platform.experiments.state import PAUSED, ExperimentState
from churn_platform.promotion.publication import Publisher


def answer_troubles(publisher: Publisher, state: ExperimentState, progress: Progress) -> str | None:
    """Pause or stop a running experiment as its spec says; what was done, in words, or None.

    One that is paused is only stopped, so that the same again does nothing.
    """
    now = publisher.audit.now()
    wanted = response(state, progress, now=now)
    if not state.is_running or wanted is None:
        return None

    found = troubles(state, progress, now=now)
    reason = "; ".join(found)
    spec = state.spec
    name = spec.name
    if wanted == "stop":
        end(publisher, spec, reason=reason)
        return f"experiment {name} was stopped: {reason}"

    # `pause` would change nothing, and the answer would tell of a pause that did not take place.
    if state.status == PAUSED:
        return None

    pause(publisher, spec, reason=reason)
    return f"experiment {name} was paused: {reason}"
