"""Routes about an experiment: what each version has answered so far."""

import asyncio

from litestar import Controller, get, post

from serving.answer.dataplane import Dataplane
from serving.http.routes import Asking, both, named, needs, plane_of, portfolio_of
from serving.registry import ServedPortfolio
from serving.security.api_keys import ADMIN, SCORE
from serving.traffic.counts import ExperimentStats, experiment_stats


class ExperimentController(Controller):
    """Champion against challengers."""

    tags = ("experiment",)

    @get(both("/ab-test/stats"), operation_id=named("get_experiment_stats"), opt=needs(SCORE))
    async def stats(self, request: Asking) -> ExperimentStats:
        """Counts, scores and latency per version over all worker processes, with 95 % intervals."""
        plane = plane_of(request)
        found = plane.registry.get(portfolio_of(request))
        return await asyncio.to_thread(_stats, plane, found)

    @post(
        both("/ab-test/reset"),
        operation_id=named("reset_experiment"),
        status_code=200,
        opt=needs(ADMIN),
    )
    async def reset(self, request: Asking) -> ExperimentStats:
        """Count from zero from now on; the metrics themselves go on."""
        plane = plane_of(request)
        found = plane.registry.get(portfolio_of(request))
        await asyncio.to_thread(plane.metrics.experiments.reset, found.name)
        return await asyncio.to_thread(_stats, plane, found)


def _stats(plane: Dataplane, portfolio: ServedPortfolio) -> ExperimentStats:
    return experiment_stats(portfolio, plane.metrics.experiments, plane.experiments)
