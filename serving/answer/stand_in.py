"""A challenger that fails does not fail a request: the champion answers in its stead."""

import logging
from collections.abc import Callable
from typing import TypeVar

from churn_platform.published.format import CHALLENGER
from serving.errors import ServingError
from serving.registry import ServedPortfolio
from serving.service_metrics import ServiceMetrics
from serving.traffic.split import Share
from serving.traffic.watch import ExperimentWatch

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class StandIn:
    """Tries the version of a share first, and the champion next."""

    def __init__(self, metrics: ServiceMetrics, experiments: ExperimentWatch):
        self._metrics, self._experiments = metrics, experiments
        self._told: set[tuple[str, int]] = set()

    def attempt(
        self, portfolio: ServedPortfolio, share: Share, act: Callable[[Share], Result]
    ) -> Result:
        """What `act` gives for the share, or for the champion in its stead."""
        if share.role == CHALLENGER:
            try:
                return act(share)
            # A challenger is on trial, so that any fault of it, also one of its catalogue, is one
            # of the version as long as the champion can answer the same request.
            except Exception as error:
                failure = error

            result = act(portfolio.traffic.stand_in)
            self.failed(portfolio, share, failure)
            return result

        try:
            return act(share)
        except Exception as error:
            if not isinstance(error, ServingError):
                self._experiments.count_error(portfolio, share.stream)
            raise

    def failed(self, portfolio: ServedPortfolio, share: Share, error: Exception) -> None:
        """Count what a challenger or a shadow could not score. The first time it is logged."""
        version = share.model.version
        self._metrics.challenger_errors.labels(portfolio.name, str(version)).inc()
        self._experiments.count_error(portfolio, share.stream)
        if (portfolio.name, version) not in self._told:
            # Not each time: a version that fails always would write a traceback for each request.
            self._told.add((portfolio.name, version))
            shown = {"portfolio": portfolio.name, "version": version}
            logger.error(f"{share.role} failed", extra={"fields": shown}, exc_info=error)
