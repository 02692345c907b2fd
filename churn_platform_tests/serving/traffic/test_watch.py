"""A worker drops a challenger that does harm, and the other workers follow."""

import itertools
import json

import msgspec
import pytest

from churn_platform.published.experiment import GUARDRAIL, SIGNAL, Limits, alarm_file
from churn_platform.published.live_file import direct_experiment
from churn_platform.published.prediction_log import CLOSED_SUFFIX, read_segment
from churn_platform_tests.support.served_bundles import PEOPLE
from churn_platform_tests.support.trials import start_trial, trial_of
from serving.answer.dataplane import Dataplane
from serving.loading.bundles import Model
from serving.registry import Registry
from serving.security.callers import ANYBODY
from serving.service_metrics import ServiceMetrics
from serving.traffic.watch import ExperimentWatch

STREAM = 150


@pytest.fixture
def trial(plane, root, linear):
    """An experiment with half of the customers, served; the challenger is sound."""
    found = start_trial(root, linear, 0.5)
    plane.registry.refresh()
    return found


def ask_many(plane: Dataplane, number: int = STREAM) -> list[int]:
    """The versions that answer customers one after the other."""
    versions = []
    for place in range(number):
        body = json.dumps({"customer_id": PEOPLE.customer_ids[place]}).encode()
        versions.append(plane.predict("tiny", body, f"r{place}", ANYBODY).model_version)
    return versions


def challenger(plane: Dataplane) -> Model:
    """The loaded version on trial."""
    return plane.registry.get("tiny").models[2]


def fail(*_: object) -> list[float]:
    raise RuntimeError("no such operator")


def spoil(model: Model, way: str) -> None:
    """Make a challenger bad."""
    numbers = itertools.count()
    if way == "errors":
        model.churn_probabilities = fail  # type: ignore[method-assign]
    elif way == "constant":
        model.churn_probabilities = lambda rows: [0.07] * len(rows)  # type: ignore[method-assign]
    elif way == "shifted":
        model.churn_probabilities = lambda rows: [  # type: ignore[method-assign]
            0.9 + next(numbers) / 1e6 for _ in rows
        ]
    else:
        model.manifest = msgspec.structs.replace(model.manifest, threshold=0.0)


def dropped(plane: Dataplane) -> str | None:
    """The limit by which the challenger was dropped."""
    alarm = plane.registry.get("tiny").dropped
    return alarm.watched if alarm else None


def test_a_sound_challenger_keeps_its_customers(plane, trial):
    """Both versions answer, and nothing is said."""
    assert set(ask_many(plane)) == {1, 2}
    plane.experiments.look()
    assert dropped(plane) is None
    assert b'experiment_arm_dropped{portfolio="tiny"} 0.0' in plane.metrics.text()


@pytest.mark.parametrize(
    ("way", "watched"),
    [
        ("errors", "error_rate"),
        ("constant", "same_scores"),
        ("shifted", "score_mean_shift"),
        ("threshold", "decision_shift"),
    ],
)
def test_a_bad_challenger_is_dropped(plane, trial, way, watched):
    """No request fails, its customers go to the champion, and file, metric and view say so."""
    spoil(challenger(plane), way)
    assert len(ask_many(plane)) == STREAM
    plane.experiments.look()
    assert dropped(plane) == watched
    assert set(ask_many(plane)) == {1}
    log = plane.settings.log_dir / "tiny"
    assert alarm_file(log, trial.start_id, GUARDRAIL).exists()
    text = plane.metrics.text().decode()
    assert f'kind="guardrail",portfolio="tiny",watched="{watched}"}} 1.0' in text
    assert 'experiment_arm_dropped{portfolio="tiny"} 1.0' in text


def test_a_slow_challenger_is_dropped(plane, root, linear):
    """Its answers take longer than no time; the control's do not count as slow."""
    start_trial(root, linear, 0.5, guardrails=Limits(p99_latency_ms=0.0))
    plane.registry.refresh()
    portfolio = plane.registry.get("tiny")
    counts = plane.experiments.counts_of("tiny", portfolio.experiment)
    for stream, seconds in (("challenger", 0.3), ("control", 0.0)):
        for _ in range(20):
            counts.of(stream).add(
                customer_id=None,
                churn_probability=0.5,
                is_churn=False,
                is_base_rate=False,
                missing_share=0.0,
                seconds=seconds,
            )
    plane.experiments.look()
    assert dropped(plane) == "p99_latency_ms"


class OtherWorker:
    """What another worker of the host knows of the experiment."""

    def __init__(self, plane: Dataplane):
        settings, metrics = plane.settings, ServiceMetrics()
        self.registry = Registry(
            settings.published_dir,
            copies_dir=settings.state_dir / "copies",
            default="",
            traffic_key="k",
            metrics=metrics,
            log_dir=settings.log_dir,
        )
        self.watch = ExperimentWatch(
            self.registry,
            metrics,
            counts_dir=settings.experiments_dir,
            log_dir=settings.log_dir,
            worker="w2",
        )
        self.registry.refresh()

    def versions(self) -> set[int]:
        """Those that customers are dealt to."""
        traffic = self.registry.get("tiny").traffic
        return {traffic.choose(name).model.version for name in PEOPLE.customer_ids}


def test_other_workers_follow_at_their_next_look(plane, trial):
    """Also one that starts afterwards, which gives the challenger no customer at all."""
    running = OtherWorker(plane)
    spoil(challenger(plane), "errors")
    ask_many(plane)
    plane.experiments.look()
    assert running.versions() == {1, 2}
    running.watch.look()
    assert running.versions() == OtherWorker(plane).versions() == {1}


def test_a_shadow_that_does_harm_is_dropped(plane, root, linear):
    """It is held against the champion's answers to the same customers, none of which fails."""
    start_trial(root, linear, 0.0)
    plane.registry.refresh()
    spoil(challenger(plane), "errors")
    assert set(ask_many(plane, 40)) == {1}
    plane.experiments.look()
    assert dropped(plane) == "error_rate"
    assert plane.registry.get("tiny").traffic.shadows == []


def test_a_signal_is_said_once_and_drops_nothing(plane, root, linear, caplog):
    """The daemon is to pause the experiment; the challenger answers on."""
    trial = start_trial(root, linear, 0.5, guardrails=Limits(), signals=Limits(decision_shift=0.1))
    plane.registry.refresh()
    spoil(challenger(plane), "threshold")
    ask_many(plane)
    for _ in range(3):
        plane.experiments.look()
    assert dropped(plane) is None
    assert set(ask_many(plane)) == {1, 2}
    assert alarm_file(plane.settings.log_dir / "tiny", trial.start_id, SIGNAL).exists()
    assert caplog.text.count("experiment: signal") == 1


def test_a_worker_that_cannot_write_drops_all_the_same(plane, trial, caplog):
    """The others find what it found, since they add up the same counts."""
    (plane.settings.log_dir / "tiny").mkdir(parents=True)
    (plane.settings.log_dir / "tiny" / "alarms").write_text("in the way")
    spoil(challenger(plane), "errors")
    ask_many(plane)
    plane.experiments.look()
    assert dropped(plane) == "error_rate"
    assert "alarm cannot be written" in caplog.text


def test_the_next_start_gets_its_customers_again(plane, root, trial):
    """What was found of the last one does not count; its end resets the metric."""
    spoil(challenger(plane), "errors")
    ask_many(plane)
    plane.experiments.look()
    direct_experiment(root, trial_of(0.5, salt="s2"))
    plane.registry.refresh()
    assert dropped(plane) is None
    assert plane.registry.get("tiny").traffic.challengers
    direct_experiment(root, None)
    plane.registry.refresh()
    plane.experiments.look()
    assert b'experiment_arm_dropped{portfolio="tiny"} 0.0' in plane.metrics.text()


def test_the_log_keeps_the_arm_that_a_customer_was_dealt_to(plane, trial):
    """Also where the champion answered instead, as analysis by intention needs."""
    spoil(challenger(plane), "errors")
    ask_many(plane, 60)
    plane.close()
    log = plane.settings.log_dir / "tiny"
    records = [one for path in log.glob(f"*{CLOSED_SUFFIX}") for one in read_segment(path)]
    assert {(one.experiment, one.arm) for one in records} == {(trial.start_id, "champion")}
    assert {one.experiment_arm for one in records} == {"challenger", "control"}
