"""What the service logged, through the real graph."""

from churn_platform_tests.support.graph_runs import Graph
from churn_platform_tests.support.predictions import prediction
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY
from serving.storage.log_writer import PredictionLog

NEW_YEAR_US = 1_735_689_600_000_000
FEBRUARY_US = 1_738_368_000_000_000


def test_the_job_takes_over_what_the_service_logged(tmp_path):
    """A closed segment in the folder that both settings name reaches the table once, however often
    the job runs.
    """
    graph = Graph(tmp_path)
    log = PredictionLog(graph.settings.serving_log_dir / "telecomit", worker="w1")
    log.append(prediction(portfolio="telecomit", at_us=NEW_YEAR_US))
    log.close()
    for _ in range(2):
        graph.run("telecomit_serving", JANUARY, JANUARY)
    assert graph.query("select month, request_id from telecomit.serving_log") == [(JANUARY, "r1")]


def test_answers_go_when_a_month_that_no_longer_keeps_them_is_run(tmp_path, monkeypatch):
    """Counted from the month of the run: an older month that is run again forgets nothing."""
    monkeypatch.setenv("CHURN_SERVING_LOG_MONTHS", "1")
    graph = Graph(tmp_path)
    log = PredictionLog(graph.settings.serving_log_dir / "telecomit", worker="w1")
    for request_id, at_us in (("january", NEW_YEAR_US), ("february", FEBRUARY_US)):
        log.append(prediction(portfolio="telecomit", request_id=request_id, at_us=at_us))
    log.close()
    kept = {}
    for month in (JANUARY, FEBRUARY):
        graph.run("telecomit_serving", month, month)
        kept[month] = graph.query(
            "select request_id from telecomit.serving_log order by predicted_at"
        )
    assert kept == {JANUARY: [("january",), ("february",)], FEBRUARY: [("february",)]}
