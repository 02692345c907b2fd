"""The command that lets go of answers after their time."""

import time
from contextlib import closing
from pathlib import Path

from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.cli.conftest import Churn
from churn_platform_tests.serving.predictions import prediction
from serving.prediction_log import PredictionLog

NEW_YEAR_US = 1_735_689_600_000_000  # 2025-01-01 00:00 UTC


def test_old_answers_go_once_they_are_in_the_lake(churn: Churn, settings: Settings, extensions: Path):
    """What waited is taken over first; what is of the months to keep stays; unconfirmed nothing happens."""
    settings.root.mkdir(parents=True, exist_ok=True)
    settings.extension_dir.symlink_to(extensions)
    log = PredictionLog(settings.serving_log_dir / "telecomit", worker="w1")
    for request_id, at_us in (("old", NEW_YEAR_US), ("new", time.time_ns() // 1000)):
        log.append(prediction(portfolio="telecomit", request_id=request_id, at_us=at_us))
    log.close()
    assert churn("forget-answers", "telecomit", "--months", "2").exit_code == 1
    assert list((settings.serving_log_dir / "telecomit").glob("*.seg"))
    assert "1 answers before" in churn("forget-answers", "telecomit", "--months", "2", "--yes").stdout
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        assert connection.execute("select request_id from telecomit.serving_log").fetchall() == [("new",)]
