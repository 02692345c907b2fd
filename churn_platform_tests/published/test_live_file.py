"""What is live changes in one step, and makes sense."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from churn_platform.errors import PublicationError
from churn_platform.published.format import LIVE_FILE, DamagedError, model_dir
from churn_platform.published.live_file import (
    LiveModel,
    direct_experiment,
    direct_traffic,
    go_live,
    read_live,
)
from churn_platform_tests.published.conftest import names, write
from churn_platform_tests.support.trials import TRIAL, trial_of


def test_going_live_keeps_what_is_not_given(tmp_path):
    """A new champion keeps the month, a new month keeps the champion."""
    go_live(tmp_path, "tiny", champion=1)
    go_live(tmp_path, "tiny", features_month="2025-01")
    live = go_live(tmp_path, "tiny", champion=2)
    assert live == read_live(tmp_path)
    assert (live.models, live.features_month) == ((LiveModel(2, "champion", 1.0),), "2025-01")


def test_an_older_month_does_not_go_live(tmp_path):
    """The newest month stays, whoever names an older one and however late; a champion named with it
    is live.
    """
    go_live(tmp_path, "tiny", features_month="2025-12")
    live = go_live(tmp_path, "tiny", champion=1, features_month="2025-03")
    assert (live.champion, live.features_month) == (1, "2025-12")
    assert go_live(tmp_path, "tiny", features_month="2026-01").features_month == "2026-01"


def test_those_who_go_live_at_once_lose_nothing(tmp_path):
    """A champion and a month named at the same time are both live in the end,
    and no draft is left.
    """
    with ThreadPoolExecutor(4) as pool:
        changes = [{"champion": 5}, {"features_month": "2025-03"}] * 8
        list(pool.map(lambda change: go_live(tmp_path, "tiny", **change), changes))
    live = read_live(tmp_path)
    assert (live.models[0].version, live.features_month) == (5, "2025-03")
    assert names(tmp_path) == ["live.json"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".live.json")] == []


def test_traffic_is_shared_until_it_ends_or_a_champion_comes(tmp_path):
    """A challenger takes its share from the champion; weight 0, and a new champion, end it; the
    last one is kept.
    """
    for version in (1, 2, 3):
        write(model_dir(tmp_path, version), "model")
    go_live(tmp_path, "tiny", champion=1)
    live = direct_traffic(tmp_path, challenger=2, weight=0.25)
    assert live.models == (LiveModel(1, "champion", 0.75), LiveModel(2, "challenger", 0.25))
    assert direct_traffic(tmp_path, challenger=2, weight=0).models == (
        LiveModel(1, "champion", 1.0),
    )
    live = direct_traffic(tmp_path, challenger=2, weight=0, shadow=True)
    assert live.models == (LiveModel(1, "champion", 1.0), LiveModel(2, "shadow", 0.0))
    live = go_live(tmp_path, "tiny", champion=3)
    assert (live.models, live.previous) == ((LiveModel(3, "champion", 1.0),), 1)


@pytest.mark.parametrize(("challenger", "weight"), [(1, 0.1), (9, 0.1), (2, 1.0), (2, -0.1)])
def test_traffic_that_makes_no_sense_is_refused(tmp_path, challenger, weight):
    """The champion itself, a version that is not published, or no share: nothing changes."""
    for version in (1, 2):
        write(model_dir(tmp_path, version), "model")
    before = go_live(tmp_path, "tiny", champion=1)
    with pytest.raises(PublicationError, match="is no challenger to version 1"):
        direct_traffic(tmp_path, challenger=challenger, weight=weight)
    assert read_live(tmp_path) == before


def test_nothing_is_live_before_the_first_publication(tmp_path):
    """A folder without a live file is None, a broken one an error."""
    assert read_live(tmp_path) is None
    (tmp_path / LIVE_FILE).write_text('{"portfolio": "tiny"}')
    with pytest.raises(DamagedError, match=r"live\.json is damaged"):
        read_live(tmp_path)


def published(root, *versions: int) -> None:
    """Versions that may be live; the first is the champion."""
    for version in versions:
        write(model_dir(root, version), "model")
    go_live(root, "tiny", champion=versions[0])


def test_an_experiment_names_models_and_weights_too(tmp_path):
    """In shadow, in a slice, and at its end, which gives the champion everyone again."""
    published(tmp_path, 1, 2)
    live = direct_experiment(tmp_path, trial_of(0.0))
    assert live.models == (LiveModel(1, "champion", 1.0), LiveModel(2, "shadow", 0.0))
    live = direct_experiment(tmp_path, TRIAL)
    assert (live, live.experiment) == (read_live(tmp_path), TRIAL)
    assert live.models == (LiveModel(1, "champion", 0.9), LiveModel(2, "challenger", 0.1))
    live = direct_experiment(tmp_path, None)
    assert (live.models, live.experiment) == ((LiveModel(1, "champion", 1.0),), None)


def test_a_change_of_an_experiment_is_told_before_it_is_live(tmp_path):
    """Once per change; where it cannot be told, nothing changes."""
    published(tmp_path, 1, 2)
    told = []
    for _ in range(2):
        direct_experiment(tmp_path, TRIAL, before_change=told.append)
    assert [live.experiment for live in told] == [TRIAL]

    def refuse(live):
        raise PublicationError("no record")

    with pytest.raises(PublicationError, match="no record"):
        direct_experiment(tmp_path, None, before_change=refuse)
    assert read_live(tmp_path).experiment == TRIAL


@pytest.mark.parametrize(
    ("champion", "versions", "told"),
    [(3, (3, 2), "version 1 as control"), (1, (1, 3), "no published version 2")],
)
def test_an_experiment_that_does_not_fit_is_refused(tmp_path, champion, versions, told):
    """Its control must be the champion, and its challenger published."""
    published(tmp_path, *versions)
    with pytest.raises(PublicationError, match=told):
        direct_experiment(tmp_path, TRIAL)
    assert read_live(tmp_path).champion == champion


def test_traffic_is_not_shared_otherwise_while_an_experiment_runs(tmp_path):
    """Another split would make its outcomes worthless; weight 0 and a new champion end it."""
    published(tmp_path, 1, 2)
    direct_experiment(tmp_path, TRIAL)
    with pytest.raises(PublicationError, match="churn experiment stop trial"):
        direct_traffic(tmp_path, challenger=2, weight=0.5)
    assert direct_traffic(tmp_path, challenger=2, weight=0).experiment is None
    direct_experiment(tmp_path, TRIAL)
    assert go_live(tmp_path, "tiny", champion=2).experiment is None
