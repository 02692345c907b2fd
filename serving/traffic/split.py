"""Which model answers a customer during an experiment: always the same one, in every worker and on
every host.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from churn_platform.published.format import CHALLENGER, CHAMPION, SHADOW
from churn_platform.published.live_file import LiveModel
from serving.errors import BundleError
from serving.loading.bundles import Model

TOLERANCE = 1e-6


class Share(msgspec.Struct, frozen=True):
    """A loaded version with its role, and the share of the customers that it answers."""

    role: str
    model: Model
    weight: float


class Traffic:
    """The champion, its challengers with their shares of the customers, and those that score in the
    shadow.

    A customer's place in [0, 1) is a keyed hash of the id; challengers take it from 0 up, so a
    share that grows keeps those customers it had. Another challenger deals the customers again.
    """

    def __init__(
        self, portfolio: str, named: Sequence[LiveModel], models: dict[int, Model], *, key: str
    ):
        _check(portfolio, named)
        shares = [Share(model.role, models[model.version], model.weight) for model in named]
        self.champion = next(share for share in shares if share.role == CHAMPION)
        self.challengers = [share for share in shares if share.role == CHALLENGER]
        self.shadows = [share for share in shares if share.role == SHADOW]
        versions = ",".join(str(share.model.version) for share in self.challengers)
        dealt = f"{key}/{portfolio}/{versions}"
        self._key = hashlib.sha256(dealt.encode()).digest()

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
        if self.challengers:
            # By a hash of the id: a customer meets the same model on every worker and host, without
            # any state. A share that grows keeps the customers that it had.
            place = self._place(customer)
            for share in self.challengers:
                if place < share.weight:
                    return share
                place -= share.weight

        return self.champion

    def _place(self, customer: str) -> float:
        digest = hashlib.blake2b(customer.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


def _check(portfolio: str, named: Sequence[LiveModel]) -> None:
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
