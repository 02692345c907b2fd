"""live.json: which models and which month serve. Replaced in one step; changed by one process at a
time.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from churn_platform.errors import PublicationError
from churn_platform.published.experiment import LiveExperiment, faults_of
from churn_platform.published.format import (
    CHALLENGER,
    CHAMPION,
    LIVE_FILE,
    SHADOW,
    decode_file,
    model_dir,
)
from churn_platform.storage.atomic_file import new_file


class LiveModel(msgspec.Struct, frozen=True):
    """A model that serving loads: its role (champion, challenger or shadow), and its share of the
    traffic.
    """

    version: int
    role: str
    weight: float


class Live(msgspec.Struct, frozen=True):
    """What is live in a portfolio, and the champion before this one.

    experiment: says who is dealt to which model, while one runs; `models` names the same versions
    and weights.
    """

    portfolio: str
    models: tuple[LiveModel, ...]
    features_month: str | None
    previous: int | None = None
    experiment: LiveExperiment | None = None

    @property
    def champion(self) -> int | None:
        """The version that serves; None before the first."""
        return next((model.version for model in self.models if model.role == CHAMPION), None)


def read_live(root: Path) -> Live | None:
    """What is live in the portfolio's published folder; None before the first publication."""
    path = root / LIVE_FILE
    return decode_file(path, Live) if path.exists() else None


class Sharing(Protocol):
    """Makes a change of what is live reach other hosts."""

    def change(self, make: Callable[[Live | None], Live]) -> Live:
        """Replace what is live everywhere by what `make` gives for it; returns that."""


def go_live(
    root: Path,
    portfolio: str,
    *,
    champion: int | None = None,
    features_month: str | None = None,
    shared: Sharing | None = None,
) -> Live:
    """Name a champion, a month of features, or both as live; what is not given, or a newer month,
    stays as it is.

    shared: by what other hosts get it, where there are any.
    """
    root.mkdir(parents=True, exist_ok=True)

    def named(before: Live | None) -> Live:
        live = before or Live(portfolio, (), None)
        if champion is not None:
            # One model alone: a new champion ends an experiment, which was set up against the old
            # one.
            models, former = (LiveModel(champion, CHAMPION, 1.0),), live.champion
            previous = former if former not in (None, champion) else live.previous
            live = msgspec.structs.replace(live, models=models, previous=previous, experiment=None)

        # A backfill publishes older months too; they must not take the place of the newest.
        if features_month and features_month >= (live.features_month or ""):
            live = msgspec.structs.replace(live, features_month=features_month)

        return live

    return _changed(root, named, shared)


def direct_traffic(
    root: Path,
    *,
    challenger: int,
    weight: float,
    shadow: bool = False,
    before_change: Callable[[Live], object] = lambda _: None,
    shared: Sharing | None = None,
) -> Live:
    """Give a challenger its share of the champion's traffic, or let it score in the shadow; weight
    0 ends either.

    before_change: called with what will be live, unless that is so already; where it raises,
    nothing changes. PublicationError if there is no champion, no such bundle, the weight is no
    share, or an experiment runs, which weight 0 ends. shared: as for `go_live`.
    """

    def directed(live: Live | None) -> Live:
        if live is None or live.champion is None:
            raise PublicationError(f"{root} has no champion; publish one before an experiment")

        is_bundle = model_dir(root, challenger).exists()
        if not 0 <= weight < 1 or challenger == live.champion or not is_bundle:
            raise PublicationError(
                f"version {challenger} with weight {weight:g} is no challenger to version "
                f"{live.champion}: "
                "it must be another published version, and the weight at least 0 and below 1"
            )

        is_end = not (weight or shadow)
        if live.experiment and not is_end:
            # Another split under a running experiment would make its outcomes worthless.
            raise PublicationError(
                f"experiment {live.experiment.name} splits the traffic of {live.portfolio}; "
                f"end it first with `churn experiment stop {live.experiment.name}`"
            )

        role, share = (SHADOW, 0.0) if shadow else (CHALLENGER, weight)
        models = [LiveModel(live.champion, CHAMPION, 1.0 - share)]
        if not is_end:
            models.append(LiveModel(challenger, role, share))

        return msgspec.structs.replace(live, models=tuple(models), experiment=None)

    return _changed(root, _noted(directed, before_change), shared)


def direct_experiment(
    root: Path,
    experiment: LiveExperiment | None,
    *,
    before_change: Callable[[Live], object] = lambda _: None,
    shared: Sharing | None = None,
) -> Live:
    """Make an experiment, or its next step, live; None gives the champion all traffic again.

    before_change, shared: as for `direct_traffic`. PublicationError if the experiment makes no
    sense, its control is not the champion, or there is no bundle of its challenger.
    """

    def directed(live: Live | None) -> Live:
        if live is None or live.champion is None:
            raise PublicationError(f"{root} has no champion; publish one before an experiment")

        champion = LiveModel(live.champion, CHAMPION, 1.0)
        if experiment is None:
            return msgspec.structs.replace(live, models=(champion,), experiment=None)

        faults = list(faults_of(experiment))
        if not faults and experiment.control.version != live.champion:
            faults = [
                f"version {experiment.control.version} as control, but version {live.champion} "
                "is the champion"
            ]
        if not faults and not model_dir(root, experiment.challenger.version).exists():
            faults = [f"no published version {experiment.challenger.version}"]
        if faults:
            raise PublicationError(f"experiment {experiment.name}: {'; '.join(faults)}")

        version, weight = experiment.challenger.version, experiment.challenger.weight
        role = SHADOW if experiment.is_shadow else CHALLENGER
        models = (
            msgspec.structs.replace(champion, weight=1.0 - weight),
            LiveModel(version, role, weight),
        )
        return msgspec.structs.replace(live, models=models, experiment=experiment)

    return _changed(root, _noted(directed, before_change), shared)


def _noted(
    make: Callable[[Live | None], Live], before_change: Callable[[Live], object]
) -> Callable[[Live | None], Live]:
    """`make`, and `before_change` told of its result where that is another state."""

    def noted(live: Live | None) -> Live:
        fresh = make(live)
        if fresh != live:
            before_change(fresh)
        return fresh

    return noted


def _changed(root: Path, make: Callable[[Live | None], Live], shared: Sharing | None) -> Live:
    with _locked(root / ".live.lock"):
        # Other hosts first: where the store refuses, nothing changes here either.
        live = shared.change(make) if shared else make(read_live(root))
        if live != read_live(root):
            write_live(root, live)
    return live


def write_live(root: Path, live: Live) -> None:
    """Put what is live in place of what was, in one step."""
    with new_file(root / LIVE_FILE) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(live)))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        # flock, not filelock: this module must stay light enough for the service.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
