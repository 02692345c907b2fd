"""From a request to an answer that is logged: what the service does, without HTTP."""

import logging
import shutil
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from churn_platform.published.format import CUSTOMER_ID
from churn_platform.published.prediction_log import Prediction
from churn_platform.published.push_outbox import OUTBOX_DIR, PushOutbox
from churn_platform.published.pushed_features import OVERLAY_DIR
from serving.answer.answers import (
    BASE_RATE,
    FEATURES,
    STORED_SCORE,
    Answer,
    CustomerView,
)
from serving.answer.effects import reasons
from serving.answer.stand_in import StandIn
from serving.errors import NotReady
from serving.registry import Registry, ServedPortfolio
from serving.request.subject import Given, Subject, ask, ask_whole, chosen_share, read_object
from serving.security.callers import ANYBODY, Caller
from serving.service_metrics import ServiceMetrics
from serving.settings import ServiceSettings
from serving.storage.log_writer import PredictionLog, log_lag_seconds
from serving.storage.pushed_store import Overlay
from serving.traffic.split import Share
from serving.traffic.watch import ExperimentWatch

Scored = tuple[Subject, Answer, Prediction]

logger = logging.getLogger(__name__)


class Dataplane:
    """The service in one worker process: what is live, where answers are
    logged, what was pushed.
    """

    def __init__(
        self, settings: ServiceSettings, registry: Registry, metrics: ServiceMetrics, *, worker: str
    ):
        self.settings, self.registry, self.metrics, self._worker = (
            settings,
            registry,
            metrics,
            worker,
        )
        self.overlay = Overlay(settings.state_dir / OVERLAY_DIR)
        self.experiments = ExperimentWatch(
            registry,
            metrics,
            counts_dir=settings.experiments_dir,
            log_dir=settings.log_dir,
            worker=worker,
        )
        self.stand_in = StandIn(metrics, self.experiments)
        self.outbox = PushOutbox(settings.state_dir / OUTBOX_DIR) if settings.share_pushes else None
        self.logs: dict[str, PredictionLog] = {}

    def log_of(self, portfolio: str) -> PredictionLog:
        """The portfolio's prediction log, opened when it is first needed."""
        found = self.logs.get(portfolio)
        if found is None:
            settings = self.settings
            found = self.logs[portfolio] = PredictionLog(
                settings.log_dir / portfolio,
                worker=self._worker,
                max_bytes=settings.log_segment_bytes,
                max_age_seconds=settings.log_segment_seconds,
                fsync_seconds=settings.log_fsync_seconds,
            )

        return found

    def refresh(self) -> None:
        """Take over what has been published since; may run in a thread."""
        self.registry.refresh()
        metrics = self.metrics
        metrics.flush()
        disk = shutil.disk_usage(self.settings.state_dir)
        metrics.disk_free.set(disk.free)
        metrics.disk_size.set(disk.total)
        if self.outbox is not None:
            metrics.outbox_lag.set(self.outbox.lag_seconds(time.time()))

        for name in self.registry.served:
            log = self.log_of(name)
            lag = log_lag_seconds(log.folder, time.time())
            metrics.log_available.labels(name).set(log.available)
            metrics.log_lag.labels(name).set(lag)

    def unready(self, portfolio: str | None = None) -> str | None:
        """Why requests, or those on one portfolio that is served, cannot be answered; None if they
        can.
        """
        try:
            self.registry.get(portfolio)
        except NotReady as error:
            return str(error)

        full = []
        for name, log in self.logs.items():
            if portfolio in (None, name) and not log.available:
                full.append(name)

        if not full:
            return None

        return (
            f"answers of {', '.join(full)} cannot be logged; free space on the disk, "
            "or correct the rights"
        )

    def predict(
        self, portfolio_name: str | None, body: bytes, request_id: str, caller: Caller
    ) -> Answer:
        """The score of one customer, logged when this returns; LogUnavailable
        where it cannot be.
        """
        begun = time.perf_counter()
        portfolio = self.registry.get(portfolio_name)
        # Applications send every feature over and over. That request is read in one pass in C.
        whole = ask_whole(portfolio, body, caller)
        if whole is not None:
            answer, record = self.scored(portfolio, whole, request_id, begun)
            self._keep(portfolio, whole, answer, record)
            return answer

        given = read_object(body)
        asked, answer, record = self._scored_by(portfolio, given, request_id, begun, caller)
        self._keep(portfolio, asked, answer, record)

        for shadow in portfolio.traffic.shadows:
            self.score_in_shadow(portfolio, given, shadow, asked.customer_id, request_id, 0)

        return answer

    def _keep(
        self, portfolio: ServedPortfolio, asked: Subject, answer: Answer, record: Prediction
    ) -> None:
        # Counted only once it is logged: an answer that was refused must not appear in the figures.
        self.log_of(portfolio.name).append(record)
        self.count(portfolio, asked, answer)

    def look_at(
        self,
        portfolio: ServedPortfolio,
        given: Given,
        request_id: str,
        begun: float,
        caller: Caller,
    ) -> tuple[Answer, Subject]:
        """The score that `predict` would give, and what the model saw; logged, but not counted."""
        # Who reads a customer or an explanation looks at a prediction once more. To count that
        # would favour the version whose customers are looked at most, so no shadow scores it,
        # either.
        asked, answer, record = self._scored_by(portfolio, given, request_id, begun, caller)
        self.log_of(portfolio.name).append(record)
        return answer, asked

    def _scored_by(
        self,
        portfolio: ServedPortfolio,
        given: Given,
        request_id: str,
        begun: float,
        caller: Caller,
    ) -> Scored:
        """The customer that `given` describes by name, scored by the version that they are dealt
        to.
        """
        share, customer_id = chosen_share(portfolio, given, request_id, caller)
        pushed = self.pushed(portfolio, customer_id)

        def scored_by(share: Share) -> Scored:
            asked = ask(portfolio, given, pushed, share, customer_id)
            answer, record = self.scored(portfolio, asked, request_id, begun)
            return asked, answer, record

        # Nearly every request: nobody would stand in, so that nothing need be tried.
        if portfolio.experiment is None and share is portfolio.traffic.champion:
            return scored_by(share)

        return self.stand_in.attempt(portfolio, share, scored_by)

    def scored(
        self, portfolio: ServedPortfolio, asked: Subject, request_id: str, begun: float
    ) -> tuple[Answer, Prediction]:
        """The answer on one customer, and its record for the log."""
        return self.answered(portfolio, asked, probability_of(asked), request_id, 0, begun)

    def pushed(self, portfolio: ServedPortfolio, customer_id: str | None) -> dict[str, Any]:
        """Values pushed for the customer that hold now."""
        return (
            self.overlay.get(portfolio.name, customer_id, time.time())
            if customer_id is not None
            else {}
        )

    def answered(
        self,
        portfolio: ServedPortfolio,
        asked: Subject,
        probability: float,
        request_id: str,
        item: int,
        begun: float,
    ) -> tuple[Answer, Prediction]:
        """The answer on a scored customer, and its record for the log."""
        model = asked.share.model
        threshold = model.manifest.threshold
        is_churn = probability >= threshold

        if asked.stored is not None:
            source, why = STORED_SCORE, asked.stored.reasons
        elif asked.cold_start:
            source, why = BASE_RATE, ()
        else:
            source, why = FEATURES, reasons(model, asked.vector, probability, asked.missing)

        tier = model.tier(probability)
        seconds = time.perf_counter() - begun
        answer = Answer(
            request_id=request_id,
            portfolio=portfolio.name,
            customer_id=asked.customer_id,
            churn_probability=probability,
            threshold=threshold,
            churn_prediction=is_churn,
            confidence=probability if is_churn else 1 - probability,
            risk_tier=tier,
            reasons=why,
            model_version=model.version,
            arm=asked.share.role,
            features_month=portfolio.features_month,
            scored_from=source,
            cold_start=asked.cold_start,
            missing_features=asked.missing,
            pushed_features=asked.pushed,
            latency_ms=round(seconds * 1e3, 3),
        )
        return answer, record(portfolio, asked, probability, tier, request_id, item, seconds)

    def count(self, portfolio: ServedPortfolio, asked: Subject, answer: Answer) -> None:
        """Count an answer that was logged."""
        self._count(
            portfolio,
            asked,
            answer.churn_probability,
            answer.churn_prediction,
            answer.latency_ms / 1e3,
        )

    def score_in_shadow(
        self,
        portfolio: ServedPortfolio,
        given: Given,
        shadow: Share,
        customer_id: str | None,
        request_id: str,
        item: int,
    ) -> None:
        """Score, log and count without answering; what goes wrong here never touches the answer."""
        begun, model = time.perf_counter(), shadow.model
        try:
            pushed = self.pushed(portfolio, customer_id)
            asked = ask(portfolio, given, pushed, shadow, customer_id)
            probability = probability_of(asked)
            seconds, tier = time.perf_counter() - begun, model.tier(probability)
            unanswered = f"{request_id}.shadow-{model.version}"
            self.log_of(portfolio.name).append(
                record(portfolio, asked, probability, tier, unanswered, item, seconds)
            )
            self._count(
                portfolio,
                asked,
                probability,
                probability >= model.manifest.threshold,
                seconds,
            )
        # A shadow is a trial of a model. The customer's answer was given and must not fail by it.
        except Exception as error:
            self.stand_in.failed(portfolio, shadow, error)

    def _count(
        self,
        portfolio: ServedPortfolio,
        asked: Subject,
        probability: float,
        is_churn: bool,
        seconds: float,
    ) -> None:
        share = asked.share
        counters = self.metrics.counters_of(
            portfolio.name,
            share.role,
            share.model.version,
            share.model.catalogue.names,
        )
        counters.count(probability, is_churn, seconds)

        if asked.stored is None:
            counters.count_nulls(asked.vector)

        if share.stream is not None:
            self.experiments.count(portfolio, asked, probability, is_churn, seconds)

    def customer(
        self, portfolio_name: str | None, customer_id: str, request_id: str
    ) -> CustomerView:
        """The score and features of a customer; NotFound where nothing is known of the id."""
        begun = time.perf_counter()
        portfolio = self.registry.get(portfolio_name)
        answer, asked = self.look_at(
            portfolio,
            {CUSTOMER_ID: customer_id},
            request_id,
            begun,
            ANYBODY,
        )
        return CustomerView(
            score=answer,
            features=asked.share.model.catalogue.decoded(asked.vector),
            pushed=self.pushed(portfolio, customer_id),
        )

    def close(self) -> None:
        """Close the log segments, so that they can be ingested."""
        for log in self.logs.values():
            log.close()
        self.overlay.close()
        self.experiments.close()
        self.metrics.close()


def probability_of(asked: Subject) -> float:
    """The probability of one customer: the published one, the base rate, or the model's."""
    known = _known(asked)
    if known is not None:
        return known

    model = asked.share.model
    return model.churn_probabilities(asked.vector[np.newaxis])[0]


def probabilities(asked: Sequence[Subject]) -> list[float]:
    """The probability of each, each model asked once."""
    found = [_known(one) for one in asked]
    unknown: dict[int, list[int]] = {}
    for place, one in enumerate(asked):
        if found[place] is None:
            unknown.setdefault(one.share.model.version, []).append(place)

    # One call of ONNX for each model, not for each customer.
    for places in unknown.values():
        vectors = np.array([asked[place].vector for place in places])
        for place, probability in zip(
            places,
            asked[places[0]].share.model.churn_probabilities(vectors),
            strict=True,
        ):
            found[place] = probability

    return found  # type: ignore[return-value]


def _known(asked: Subject) -> float | None:
    """What needs no model: the published score, or the base rate of a customer
    known by name alone.
    """
    if asked.stored is not None:
        return asked.stored.churn_probability
    return asked.share.model.manifest.base_rate if asked.cold_start else None


def record(
    portfolio: ServedPortfolio,
    asked: Subject,
    probability: float,
    tier: str,
    request_id: str,
    item: int,
    seconds: float,
) -> Prediction:
    """What is logged of a score."""
    return Prediction(
        request_id=request_id,
        item=item,
        portfolio=portfolio.name,
        customer_id=asked.customer_id,
        model_version=asked.share.model.version,
        arm=asked.share.role,
        churn_probability=probability,
        tier=tier,
        features=asked.vector.tobytes(),
        features_month=portfolio.features_month,
        missing=asked.missing,
        at_us=time.time_ns() // 1000,
        latency_us=round(seconds * 1e6),
        experiment=asked.share.experiment,
        experiment_arm=asked.share.arm,
    )
