"""Which model answers a customer during an experiment: always the same one, in every worker and on
every host.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from churn_platform.published.assignment import arm_at, placing
from churn_platform.published.experiment import CONTROL, TREATED, LiveExperiment, faults_of
from churn_platform.published.format import CHALLENGER, CHAMPION, SHADOW
from churn_platform.published.live_file import LiveModel
from serving.errors import BundleError
from serving.loading.bundles import Model

TOLERANCE = 1e-6


class Share(msgspec.Struct, frozen=True):
    """A loaded version with its role, and the share of the customers that it answers.

    experiment: start of the experiment that is live. arm: the one of it that the customers are
    dealt to. stream: under which its answers are judged by guardrails; None if they are not.
    """

    role: str
    model: Model
    weight: float
    experiment: str | None = None
    arm: str | None = None
    stream: str | None = None


class Traffic:
    """The champion, its challengers with their shares of the customers, and those that score in the
    shadow.

    A customer's place in [0, 1) is a keyed hash of the id; challengers take it from 0 up, so a
    share that grows keeps those customers it had. Another challenger deals the customers again. An
    experiment deals by its own salt, and has a control slice beside the challenger's. stand_in is
    the champion for a customer of the challenger, which failed.
    """

    def __init__(
        self,
        portfolio: str,
        named: Sequence[LiveModel],
        models: dict[int, Model],
        *,
        key: str,
        experiment: LiveExperiment | None = None,
    ):
        _check(portfolio, named, experiment)
        self.experiment = experiment
        shares = [Share(model.role, models[model.version], model.weight) for model in named]
        self.champion = next(share for share in shares if share.role == CHAMPION)
        self.challengers = [share for share in shares if share.role == CHALLENGER]
        self.shadows = [share for share in shares if share.role == SHADOW]
        self.control = self.stand_in = self.champion
        if experiment is None:
            versions = ",".join(str(share.model.version) for share in self.challengers)
            self._place = placing(f"{key}/{portfolio}/{versions}")
        else:
            self._place = placing(experiment.salt)
            self._deal(experiment)

    def _deal(self, experiment: LiveExperiment) -> None:
        """Say of each share to which arm and stream of the experiment it belongs."""
        self._weights = (experiment.challenger.weight, experiment.control.weight)
        champion = replace(self.champion, experiment=experiment.start_id)
        treated = {"experiment": experiment.start_id, "stream": TREATED}
        self.challengers = [replace(one, arm=TREATED, **treated) for one in self.challengers]
        self.shadows = [replace(one, **treated) for one in self.shadows]
        self.control = replace(champion, arm=CONTROL, stream=CONTROL)
        # In shadow nobody is in an arm, and the control are the champion's answers to everyone.
        self.champion = replace(champion, stream=CONTROL) if self.shadows else champion
        # By intention to treat: the customer stays in the challenger's arm, or an arm that fails
        # would lose the very customers whom it failed.
        self.stand_in = replace(champion, arm=TREATED)

    @property
    def all(self) -> list[Share]:
        """Every share, the champion first."""
        return [*self.answering, *self.shadows]

    @property
    def answering(self) -> list[Share]:
        """Those that answer customers, the champion first."""
        return [self.champion, *self.challengers]

    @property
    def sole(self) -> Share | None:
        """The champion, where no one scores beside it."""
        return None if self.challengers or self.shadows else self.champion

    def choose(self, customer: str) -> Share:
        """The share of a customer, or of a request that names none."""
        if not self.challengers:
            return self.champion

        # By a hash of the id: a customer meets the same model on every worker and host, without any
        # state. A share that grows keeps the customers that it had.
        place = self._place(customer)
        if self.experiment is not None:
            return self._dealt(place)

        for share in self.challengers:
            if place < share.weight:
                return share
            place -= share.weight

        return self.champion

    def _dealt(self, place: float) -> Share:
        challenger_weight, control_weight = self._weights
        arm = arm_at(place, challenger_weight=challenger_weight, control_weight=control_weight)
        if arm == TREATED:
            return self.challengers[0]
        return self.control if arm == CONTROL else self.champion


def _check(portfolio: str, named: Sequence[LiveModel], experiment: LiveExperiment | None) -> None:
    roles = [model.role for model in named]
    shares = [model.weight for model in named if model.role != SHADOW]
    if (
        roles.count(CHAMPION) != 1
        or set(roles) - {CHAMPION, CHALLENGER, SHADOW}
        or len({m.version for m in named}) < len(named)
    ):
        raise BundleError(
            f"live.json of {portfolio}: {roles} are not one champion, challengers and shadows, "
            "each once"
        )
    if min(shares) < 0 or abs(sum(shares) - 1) > TOLERANCE:
        raise BundleError(f"live.json of {portfolio}: weights {shares} do not add up to 1")
    if experiment is not None:
        _check_experiment(portfolio, named, experiment)


def _check_experiment(
    portfolio: str, named: Sequence[LiveModel], experiment: LiveExperiment
) -> None:
    faults = list(faults_of(experiment))
    if not faults:
        treated = experiment.challenger
        role = SHADOW if experiment.is_shadow else CHALLENGER
        wanted = {
            (CHAMPION, experiment.control.version, round(1 - treated.weight, 6)),
            (role, treated.version, round(treated.weight, 6)),
        }
        # Rounded, as weights are: two floats of one weight may differ in their last digits.
        found = {(model.role, model.version, round(model.weight, 6)) for model in named}
        if found != wanted:
            faults = [f"arms {sorted(wanted)}, but the models are {sorted(found)}"]
    if faults:
        raise BundleError(
            f"live.json of {portfolio}: experiment {experiment.name[:80]!r}: {'; '.join(faults)}"
        )
