"""The daemon makes official what the service says of an experiment, and takes in its answers."""

import msgspec
import pytest
from dagster import DagsterInstance, RunRequest, SkipReason, build_sensor_context

from churn_platform.graph.jobs import jobs
from churn_platform.graph.sensors import experiment_sensor as module
from churn_platform.graph.sensors.experiment_sensor import experiment_sensor
from churn_platform.published.alarms import write_alarm
from churn_platform.published.format import model_dir
from churn_platform.published.live_file import direct_experiment, go_live
from churn_platform.settings import load_settings
from churn_platform_tests.published.conftest import write
from churn_platform_tests.published.test_alarms import ALARM
from churn_platform_tests.support.tiny import TINY
from churn_platform_tests.support.trials import TRIAL


@pytest.fixture
def settings(tmp_path):
    """A data folder with champion 1 and version 2."""
    found = load_settings(data_dir=tmp_path / "data")
    root = found.published_dir / "tiny"
    for version in (1, 2):
        write(model_dir(root, version), "model")
    go_live(root, "tiny", champion=1)
    return found


def asked(settings) -> SkipReason | RunRequest:
    """What the sensor says."""
    by_name = {job.name: job for job in jobs([TINY])}
    with DagsterInstance.ephemeral() as instance:
        context = build_sensor_context(instance=instance)
        return experiment_sensor(TINY, settings, by_name)(context)


def look(settings) -> str:
    """Why the sensor asks for no run."""
    return asked(settings).skip_message


def test_without_an_experiment_or_an_alarm_nothing_is_opened(settings):
    """Neither MLflow nor the trail, which most looks would load for nothing."""
    assert look(settings) == "no experiment is live"
    direct_experiment(settings.published_dir / "tiny", TRIAL)
    assert look(settings) == "the service says nothing of experiment trial"
    assert not settings.audit_path.exists()


def test_an_alarm_is_answered_by_the_daemon(settings, monkeypatch):
    """With the trail under its name, and the folder where the service writes."""
    direct_experiment(settings.published_dir / "tiny", TRIAL)
    log = settings.serving_log_dir / "tiny"
    write_alarm(log, msgspec.structs.replace(ALARM, start_id=TRIAL.start_id))
    told = []

    def answer(publisher, folder):
        told.append((publisher.portfolio.name, "by daemon" in publisher.audit.by, folder))
        return ["experiment trial has ended"]

    monkeypatch.setattr("churn_platform.experiments.alarms.answer_alarms", answer)
    monkeypatch.setattr(module.Tracking, "client", lambda self: None)
    assert look(settings) == "experiment trial has ended"
    assert told == [("tiny", True, log)]


def test_answers_are_taken_in_while_an_experiment_is_live(settings):
    """Once an hour, by the run's key: steps are judged by answers, and a month is too long."""
    log = settings.serving_log_dir / "tiny"
    log.mkdir(parents=True)
    (log / "w1.seg").touch()
    assert look(settings) == "no experiment is live"
    direct_experiment(settings.published_dir / "tiny", TRIAL)
    request = asked(settings)
    assert request.job_name == "tiny_serving"
    assert request.run_key.startswith(f"{TRIAL.start_id} answers ")
    assert request.tags["churn/because"] == "experiment trial is live, and answers wait"
