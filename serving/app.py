"""The application: everything put together, nothing decided."""

import asyncio
import contextlib
import faulthandler
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.types import ASGIApp

from churn_platform.published.lookup_copy import COPIES_DIR
from serving.answer.dataplane import Dataplane
from serving.errors import ServiceSettingsError
from serving.http.authorisation import Gate
from serving.http.background import Background
from serving.http.documents import documents
from serving.http.fast_path import short_cut
from serving.http.inference_routes import InferenceController
from serving.http.middleware import enveloped
from serving.http.model_routes import ModelsController
from serving.http.preflight import with_refusals
from serving.http.problems import problem_details
from serving.http.routes import BACKGROUND, GATE, KEYS, PLANE, knock
from serving.http.scoring_routes import ScoringController
from serving.http.service_routes import ServiceController
from serving.http.traffic_routes import ExperimentController
from serving.registry import Registry
from serving.security.key_ring import KeyRing, KeyWatch
from serving.security.ownership import end_with_parent
from serving.security.rate_limit import Limiter
from serving.service_metrics import ServiceMetrics
from serving.settings import ServiceSettings, load_settings
from serving.traffic.watch import LOOK_SECONDS
from serving.watchdog import beat

CONTROLLERS = [
    ServiceController,
    ScoringController,
    InferenceController,
    ModelsController,
    ExperimentController,
]
PURGE_ROUNDS = 60

logger = logging.getLogger(__name__)


def create_worker() -> ASGIApp:
    """The application in a worker process of `python -m serving`."""
    faulthandler.enable()  # a worker that hangs is asked for its traceback before it is replaced
    end_with_parent()
    return create_app()


def create_app(settings: ServiceSettings | None = None) -> ASGIApp:
    """The service as one worker process runs it; ServiceSettingsError if it would be open to the
    network.
    """
    settings = settings or load_settings()
    app = create_litestar(settings)
    return enveloped(
        # One ASGI layer instead of Litestar's middlewares and guards: a guard cost 9 us, its body
        # reader with a time limit 12 us, its response objects 13 us; a whole look-up costs 43 us.
        short_cut(with_refusals(app), app.state[GATE], app.state[PLANE]),
        admit=app.state[GATE].admit,
        request_seconds=settings.request_seconds,
        body_bytes_max=settings.body_bytes_max,
        access_log=settings.access_log,
    )


def create_litestar(settings: ServiceSettings) -> Litestar:
    """The application without its envelope and its short cut."""
    keys = KeyRing(settings.keys_file)
    check_exposure(settings, keys)
    metrics = ServiceMetrics(settings.experiments_dir)
    registry = Registry(
        settings.published_dir,
        copies_dir=settings.state_dir / COPIES_DIR,
        default=settings.default_portfolio,
        traffic_key=settings.traffic_key,
        metrics=metrics,
        log_dir=settings.log_dir,
    )
    plane = Dataplane(settings, registry, metrics, worker=f"{socket.gethostname()}-{os.getpid()}")
    limiter = Limiter(settings.state_dir / "rates", count_max=settings.batch_max)
    cors = cors_config(settings)
    gate = Gate(
        keys,
        limiter,
        is_open=settings.is_loopback,
        requests_per_second=settings.requests_per_second,
        cors=cors,
        default_portfolio=lambda: registry.default,
    )
    background = Background()
    router, openapi = documents(
        registry,
        settings,
        is_open=lambda: settings.is_loopback and not keys.is_in_use,
    )
    return Litestar(
        [*CONTROLLERS, router],
        before_request=knock,
        cors_config=cors,
        lifespan=[lambda _: following(plane, keys)],
        on_shutdown=[background.close],
        logging_config=None,
        openapi_config=openapi,
        plugins=[problem_details(metrics)],
        state=State({PLANE: plane, GATE: gate, KEYS: keys, BACKGROUND: background}),
    )


def cors_config(settings: ServiceSettings) -> CORSConfig | None:
    """Which web pages may ask, and which headers of an answer they may read; None for none."""
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins), expose_headers=["x-request-id", "retry-after"]
    )


def check_exposure(settings: ServiceSettings, keys: KeyRing) -> None:
    """ServiceSettingsError if anybody on the network could ask; a warning where anybody on this
    machine can.
    """
    if keys.is_in_use:
        return
    if not settings.is_loopback:
        raise ServiceSettingsError(
            f"SERVING_HOST={settings.host} can be reached from the network "
            "and there is no API key in "
            f"{settings.keys_file}; make one with `python -m serving keys add --name NAME --scope "
            "score`"
        )

    logger.warning(
        "OPEN: there is no API key, so every program on this machine may ask, push and reset"
    )


@contextlib.asynccontextmanager
async def following(plane: Dataplane, keys: KeyRing) -> AsyncIterator[None]:
    """While the application runs: what is live and which keys hold is looked up again and again.

    The keys have a thread of their own, which begins first: a published folder may keep `refresh`
    waiting.
    """
    watch = KeyWatch(
        keys,
        seconds=plane.settings.poll_seconds,
        looked=plane.metrics.keys_looked_at.set,
    )
    # Before the first refresh: a published folder that hangs must not keep revoked keys alive.
    watch.start()
    tasks = [asyncio.create_task(beat(plane.settings.heartbeats_dir))]
    try:
        # In a thread: loading a bundle takes seconds, and requests go on meanwhile.
        await asyncio.to_thread(plane.refresh)
        tasks.append(asyncio.create_task(_follow(plane)))
        tasks.append(asyncio.create_task(_watch(plane)))
        yield
    finally:
        for task in tasks:
            task.cancel()

        watch.stop()
        await asyncio.to_thread(plane.close)


async def _follow(plane: Dataplane) -> None:
    rounds = 0
    while True:
        await asyncio.sleep(plane.settings.poll_seconds)
        rounds += 1
        await _tried(plane.refresh)
        await _tried(plane.overlay.follow)
        if rounds % PURGE_ROUNDS == 0:
            await _tried(plane.overlay.purge, time.time())


async def _watch(plane: Dataplane) -> None:
    """A task of its own: a bundle that takes seconds to load must not keep a bad challenger."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await _tried(plane.experiments.look)


async def _tried(act: Callable[..., object], *arguments: object) -> None:
    """Do it in a thread; what fails keeps nothing else back and is tried again the next time."""
    try:
        await asyncio.to_thread(act, *arguments)
    except Exception:
        logger.exception("following failed", extra={"fields": {"what": act.__qualname__}})
