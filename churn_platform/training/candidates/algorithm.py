"""What every candidate algorithm offers: the one interface behind which they are fitted, explained
and exported.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from optuna import Trial
    from sklearn.base import BaseEstimator

Parameters: TypeAlias = Mapping[str, int | float]
RowStream: TypeAlias = Callable[[], Iterator[Labelled]]
"""Gives the same training rows, in the same batches, each time it is called."""


class StreamedFit(Protocol):
    """Fits on rows that do not fit into memory."""

    def __call__(
        self, rows: RowStream, parameters: Parameters, *, seed: int, threads: int, cache_dir: Path
    ) -> "BaseEstimator":
        """As `Algorithm.fit` with all parameters given; `cache_dir` holds what was read, and is the
        caller's.
        """


# One module for each algorithm behind this interface: neither tuning nor publication knows which
# one it holds.
class Algorithm(Protocol):
    """A module of this package. Features are encoded float32, NaN for a missing value or a level
    unheard of.
    """

    @property
    def LIBRARY(self) -> str:
        """The distribution whose version a fit depends on, which is also its kind in the graph."""

    @property
    def DEFAULTS(self) -> Sequence[Parameters]:
        """Sets of parameters for unlike tables, the one for additive tables first; they are tried
        before any other, and serve where nothing is tuned. Without the number of rounds where
        `fit` can find it.
        """

    @property
    def fit_streamed(self) -> StreamedFit | None:
        """Fits on rows that do not fit into memory; None if the algorithm cannot."""

    @property
    def rounds(self) -> Callable[[Any], Parameters] | None:
        """What `stop_on` decided for an estimator, as parameters of a fit without it; None: it has
        no rounds.
        """

    def suggest(self, trial: "Trial") -> Parameters:
        """Parameters to try: the search space. It names every parameter of each of DEFAULTS."""

    def fit(
        self,
        features: Sequence[Feature],
        train: Labelled,
        parameters: Parameters,
        *,
        seed: int,
        threads: int,
        stop_on: Labelled | None = None,
    ) -> "BaseEstimator":
        """A scikit-learn classifier of encoded features, fitted on `train`, each row as much as its
        weight says.

        With `stop_on`, boosting stops once the log loss on those rows has not improved for a while,
        and the estimator answers with its best round; otherwise `parameters` says how many rounds
        there are.
        """

    def contributions(self, estimator: "BaseEstimator", features: np.ndarray) -> np.ndarray:
        """What each feature adds to a customer's raw log-odds, (rows, features) float64, up to a
        constant.
        """

    def export(self, estimator: "BaseEstimator", width: int) -> bytes:
        """The estimator as ONNX: float32 input of (rows, `width`), output `probabilities`, churn in
        its last column.
        """
