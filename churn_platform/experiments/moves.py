"""Starts an experiment and moves it: on record first, then in live.json, which the service reads.

What a kill cut short between the two is completed by the next move.
"""

from typing import Any

from churn_platform.audit.anchors import note_head
from churn_platform.errors import ExperimentError
from churn_platform.experiments.ladder import Progress, obstacles
from churn_platform.experiments.spec import CURRENT, ExperimentSpec, Named
from churn_platform.experiments.state import (
    ACTION,
    ADVANCED,
    PAUSED,
    RESUMED,
    STARTED,
    STOPPED,
    ExperimentState,
    event_details,
    history_of,
    read_state,
    running_of,
    state_after,
    subject_of,
)
from churn_platform.promotion.champion import withdrawal
from churn_platform.promotion.publication import Publisher, ready_bundle
from churn_platform.promotion.takeover import check_reason
from churn_platform.published.live_file import direct_experiment
from churn_platform.training.model_registry import champion_version, version_named, versions

Versions = tuple[int, int]


def versions_of(publisher: Publisher, spec: ExperimentSpec) -> Versions:
    """The numbers of control and challenger; ExperimentError if there is no such version, or a
    version is withdrawn.
    """
    named = spec.versions
    control = _number(publisher, spec, named.control)
    challenger = _number(publisher, spec, named.challenger)
    # The spec cannot see this: two names can mean one version, the champion and its algorithm.
    if control == challenger:
        raise ExperimentError(
            f"experiment {spec.name}: {named.control} and {named.challenger} are "
            f"both version {control}; name another challenger"
        )

    withdrawn = withdrawal(publisher.client, spec.portfolio, challenger)
    if withdrawn:
        raise ExperimentError(f"experiment {spec.name}: {withdrawn}; name another challenger")

    return control, challenger


def start(publisher: Publisher, spec: ExperimentSpec, *, reason: str) -> ExperimentState:
    """Freeze the spec, put it on record and begin with its first step.

    ExperimentError if it was started before, another one runs, or control is not the champion.
    """
    check_reason(reason)
    _check_new(publisher, spec)
    control, challenger = versions_of(publisher, spec)
    serving = champion_version(publisher.client, spec.portfolio)
    if control != serving:
        raise ExperimentError(
            f"experiment {spec.name}: control is version {control}, but version {serving} is the "
            f"champion of {spec.portfolio}; a control that does not answer today compares nothing"
        )

    # First, because an export that fails must not leave an experiment on record.
    ready_bundle(publisher, challenger)
    digest = spec.sha256
    # The hash makes the split unlike that of other specs, the time tells this start from others.
    begun = f"{publisher.audit.now():%Y-%m-%dT%H:%M:%S}"
    details = event_details(
        STARTED,
        spec=spec.model_dump(mode="json"),
        spec_sha256=digest,
        salt=f"{digest[:16]}/{begun}",
        control=control,
        challenger=challenger,
        step=spec.steps[0].name,
    )
    return _move(publisher, spec, reason, details, settle=False)


def advance(
    publisher: Publisher,
    spec: ExperimentSpec,
    progress: Progress,
    *,
    reason: str,
    approves: bool = False,
) -> ExperimentState:
    """Begin the next step; ExperimentError says what is missing before it may."""
    check_reason(reason)
    state = running(publisher, spec)
    following = state.spec.step_after(state.step.name)
    if following is None:
        raise ExperimentError(
            f"experiment {spec.name} is at its last step, {state.step.name}; "
            f"`churn experiment ship {spec.name}` or `churn experiment stop {spec.name}` ends it"
        )

    missing = obstacles(state, progress, now=publisher.audit.now(), approves=approves)
    if missing:
        raise ExperimentError(
            f"experiment {spec.name} stays at {state.step.name}: {'; '.join(missing)}"
        )

    details = event_details(
        ADVANCED,
        step=following.name,
        weight=following.weight,
        approved=following.approval,
        customers=progress.customers,
        answers=list(progress.answers),
    )
    return _move(publisher, spec, reason, details)


def pause(publisher: Publisher, spec: ExperimentSpec, *, reason: str) -> ExperimentState:
    """Take no further step until `resume`; customers stay with their arms, so nothing is lost."""
    check_reason(reason)
    state = running(publisher, spec)
    if state.status == PAUSED:
        return state
    return _move(publisher, spec, reason, event_details(PAUSED, step=state.step.name))


def resume(publisher: Publisher, spec: ExperimentSpec, *, reason: str) -> ExperimentState:
    """Go on after a pause."""
    check_reason(reason)
    state = running(publisher, spec)
    if state.status != PAUSED:
        return state
    return _move(publisher, spec, reason, event_details(RESUMED, step=state.step.name))


def end(
    publisher: Publisher,
    spec: ExperimentSpec,
    *,
    reason: str,
    event: str = STOPPED,
    **details: Any,
) -> ExperimentState:
    """End it for good: the champion answers everybody again."""
    check_reason(reason)
    state = read_state(publisher.audit.records(), spec.name)
    if state is None:
        raise ExperimentError(f"experiment {spec.name} was not started")
    if not state.is_running:
        return state

    told = event_details(
        event,
        step=state.step.name,
        **details,
    )
    # Not settled before: the champion may be another by now, and the end is to be possible.
    return _move(publisher, state.spec, reason, told, settle=False)


def running(publisher: Publisher, spec: ExperimentSpec) -> ExperimentState:
    """The running experiment of a spec; ExperimentError if it does not run, or its file differs
    from what was started.
    """
    state = read_state(publisher.audit.records(), spec.name)
    if state is None:
        raise ExperimentError(
            f"experiment {spec.name} was not started; `churn experiment plan {spec.name}` first"
        )
    if not state.is_running:
        raise ExperimentError(
            f"experiment {spec.name} has ended: {state.status} ({state.last.reason}); "
            "another question is another experiment, with a name of its own"
        )

    check_frozen(state, spec)
    serving = champion_version(publisher.client, spec.portfolio)
    if serving != state.control:
        raise ExperimentError(
            f"experiment {spec.name} compares with version {state.control}, but version {serving} "
            f"became champion; `churn experiment stop {spec.name}` ends it"
        )
    return state


def check_frozen(state: ExperimentState, spec: ExperimentSpec) -> None:
    """ExperimentError if the spec was changed after the start."""
    if spec.sha256 != state.spec.sha256:
        raise ExperimentError(
            f"experiment {spec.name} was started with another spec ({state.spec.sha256[:12]}) "
            f"than its file holds now ({spec.sha256[:12]}); bring the file back, or ask the new "
            "question under a new name"
        )


def carry_out(publisher: Publisher, state: ExperimentState) -> None:
    """Bring live.json in line with the record; the same again changes nothing."""
    if state.is_running:
        direct_experiment(publisher.root, state.live, shared=publisher.shared)
        return

    live = publisher.live()
    if live is None or live.experiment is None:
        return
    # Another experiment, or a champion who came by another way, is not this one's to end.
    if live.experiment.salt == state.salt:
        direct_experiment(publisher.root, None, shared=publisher.shared)


def _check_new(publisher: Publisher, spec: ExperimentSpec) -> None:
    records = publisher.audit.records()
    before = read_state(records, spec.name)
    # A name stands for one question in the trail, in tables and in the file, so it is used once.
    if before is not None:
        check_frozen(before, spec)
        raise ExperimentError(
            f"experiment {spec.name} was started before ({before.status}); "
            "a further one needs a name of its own"
        )
    for other in running_of(records, spec.portfolio):
        raise ExperimentError(
            f"experiment {other.spec.name} of {spec.portfolio} is {other.status}; two at a time "
            f"would hide each other: `churn experiment stop {other.spec.name}` first"
        )


def _number(publisher: Publisher, spec: ExperimentSpec, named: Named) -> int:
    client = publisher.client
    portfolio = spec.portfolio
    if named == CURRENT:
        return champion_version(client, portfolio)
    if isinstance(named, int):
        return int(version_named(client, portfolio, named).version)

    of_algorithm = []
    for version in versions(client, portfolio):
        if version.tags.get("algorithm") == named:
            of_algorithm.append(int(version.version))

    if not of_algorithm:
        raise ExperimentError(
            f"experiment {spec.name}: {portfolio} has no version of {named}; "
            f"`churn models {portfolio}` lists those there are"
        )
    # Numbers rise with each registration, so the highest is the newest.
    return max(of_algorithm)


def _move(
    publisher: Publisher,
    spec: ExperimentSpec,
    reason: str,
    details: dict[str, Any],
    *,
    settle: bool = True,
) -> ExperimentState:
    """Record what happens, then make it so."""
    # What a kill cut short first: else two moves would be carried out as one.
    if settle:
        before = read_state(publisher.audit.records(), spec.name)
        assert before is not None, "only a start has no state before"
        carry_out(publisher, before)

    record = publisher.audit.append(
        ACTION,
        portfolio=spec.portfolio,
        subject=subject_of(spec.name),
        reason=reason,
        details=details,
    )
    note_head(publisher.client, record)
    state = state_after(history_of(publisher.audit.records(), spec.name))
    assert state is not None, "a record was just written"
    carry_out(publisher, state)
    return state
