"""Watches the experiments of a worker, and drops a challenger that does harm.

A look adds up what all workers of the host have counted, several times a second. Who finds a
guardrail breached says so in a file, a log line and a metric; the other workers find the file at
their next look. A signal is said likewise, and nothing is dropped. The daemon of the platform reads
the files and makes live.json say so.
"""

import logging
import time
from pathlib import Path
from threading import Lock

import msgspec

from churn_platform.published.alarms import dropped_by, read_alarm, write_alarm
from churn_platform.published.experiment import (
    CONTROL,
    GUARDRAIL,
    SIGNAL,
    TREATED,
    Alarm,
    LiveExperiment,
)
from serving.registry import Registry, ServedPortfolio
from serving.request.subject import Subject
from serving.service_metrics import ServiceMetrics
from serving.traffic.arm_counts import ArmCounts
from serving.traffic.guardrails import Judgement, judge

# A challenger that does harm meets customers for so long after it is found out.
LOOK_SECONDS = 0.25

logger = logging.getLogger(__name__)


class ExperimentWatch:
    """The experiments of one worker process.

    counts_dir: a folder per portfolio, for what is counted. log_dir: likewise, for what is said.
    """

    def __init__(
        self,
        registry: Registry,
        metrics: ServiceMetrics,
        *,
        counts_dir: Path,
        log_dir: Path,
        worker: str,
    ):
        self._registry = registry
        self._metrics = metrics
        self._worker = worker
        self._counts_dir = counts_dir
        self._log_dir = log_dir
        self._counts: dict[tuple[str, str, bool], ArmCounts] = {}
        self._said: set[str] = set()
        self._opening = Lock()

    def count(
        self,
        portfolio: ServedPortfolio,
        asked: Subject,
        churn_probability: float,
        is_churn: bool,
        seconds: float,
    ) -> None:
        """Count an answer of an arm, or of a shadow."""
        share, experiment = asked.share, portfolio.experiment
        if share.stream is None or experiment is None:
            return
        model = share.model
        self.counts_of(portfolio.name, experiment).of(share.stream).add(
            customer_id=asked.customer_id,
            churn_probability=churn_probability,
            is_churn=is_churn,
            is_base_rate=asked.cold_start or churn_probability == model.manifest.base_rate,
            missing_share=len(asked.missing) / len(model.catalogue.names),
            seconds=seconds,
        )

    def count_error(self, portfolio: ServedPortfolio, stream: str | None) -> None:
        """Count a customer whom the version of a stream could not answer."""
        if stream is not None and portfolio.experiment is not None:
            self.counts_of(portfolio.name, portfolio.experiment).of(stream).add_error()

    def counts_of(self, portfolio: str, experiment: LiveExperiment) -> ArmCounts:
        """The counts of an experiment; the same object while its answers are of one kind."""
        key = (portfolio, experiment.start_id, experiment.is_shadow)
        found = self._counts.get(key)
        if found is None:
            # A batch counts in a thread of its own, and each claim takes another file.
            with self._opening:
                found = self._counts.get(key)
                if found is None:
                    folder = self._counts_dir / portfolio
                    found = self._counts[key] = ArmCounts(folder, experiment)
                    self._prepare_metrics(portfolio, experiment)

        return found

    def _prepare_metrics(self, portfolio: str, experiment: LiveExperiment) -> None:
        """Zeros at first: Prometheus takes a counter that begins at 1 for no increase."""
        limits_of = {GUARDRAIL: experiment.guardrails, SIGNAL: experiment.signals}
        for kind, limits in limits_of.items():
            named = msgspec.structs.asdict(limits)
            for name, limit in named.items():
                if limit is not None:
                    self._metrics.alarms.labels(portfolio, kind, name)

    def look(self) -> None:
        """Judge every experiment, and drop a challenger that does harm or that another worker has
        dropped.
        """
        for name in self._registry.served:
            portfolio = self._registry.get(name)
            experiment = portfolio.experiment
            is_dropped = portfolio.dropped is not None
            self._metrics.arm_dropped.labels(name).set(is_dropped)
            if experiment is None or is_dropped:
                continue

            log = self._log_dir / name
            alarm = dropped_by(log, experiment)
            if alarm is None:
                alarm = self._found(portfolio, experiment, GUARDRAIL)

            if alarm is not None:
                # Here and now, in this worker; live.json follows when the daemon has read the file.
                self._registry.drop(name, alarm)
                self._metrics.arm_dropped.labels(name).set(True)
                shown = {
                    "portfolio": name,
                    "experiment": experiment.name,
                    "why": str(alarm),
                }
                logger.error("challenger dropped", extra={"fields": shown})
            elif self._is_quiet(log, experiment) and self._found(portfolio, experiment, SIGNAL):
                self._said.add(experiment.start_id)

    def close(self) -> None:
        """Leave the counts to workers that start."""
        for counts in self._counts.values():
            counts.close()

    def _is_quiet(self, log: Path, experiment: LiveExperiment) -> bool:
        """Whether no worker of the host has given a signal yet."""
        start = experiment.start_id
        if start not in self._said and read_alarm(log, experiment, SIGNAL) is not None:
            self._said.add(start)
        return start not in self._said

    def _found(
        self, portfolio: ServedPortfolio, experiment: LiveExperiment, kind: str
    ) -> Alarm | None:
        """The first limit that is breached, said to everybody; None if none is."""
        counts = self.counts_of(portfolio.name, experiment)
        for judged in judge(experiment, kind, counts.total(TREATED), counts.total(CONTROL)):
            if judged.is_breach:
                alarm = self._alarm(
                    portfolio.name,
                    experiment,
                    kind,
                    judged,
                )
                self._say(alarm)
                return alarm
        return None

    def _alarm(
        self, portfolio: str, experiment: LiveExperiment, kind: str, judged: Judgement
    ) -> Alarm:
        watched = judged.watched
        return Alarm(
            portfolio=portfolio,
            experiment=experiment.name,
            spec_hash=experiment.spec_hash,
            start_id=experiment.start_id,
            version=experiment.challenger.version,
            kind=GUARDRAIL if kind == GUARDRAIL else SIGNAL,
            watched=watched.name,
            limit=watched.allowed,
            difference=judged.difference or 0.0,
            at_least=judged.at_least or 0.0,
            answers=(round(watched.treated.count), round(watched.control.count)),
            at_us=time.time_ns() // 1000,
            worker=self._worker,
        )

    def _say(self, alarm: Alarm) -> None:
        self._metrics.alarms.labels(alarm.portfolio, alarm.kind, alarm.watched).inc()
        shown = {
            "portfolio": alarm.portfolio,
            "experiment": alarm.experiment,
            "why": str(alarm),
        }
        logger.warning(f"experiment: {alarm.kind}", extra={"fields": shown})
        try:
            write_alarm(self._log_dir / alarm.portfolio, alarm)
        except OSError as error:
            # This worker acts all the same, and the others find what it found.
            logger.error("alarm cannot be written", extra={"fields": {"why": str(error)}})
