"""What is published goes live while requests are answered, and what is broken never does."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from churn_platform.published.format import LIVE_FILE, MODEL_FILE, features_dir, model_dir
from churn_platform.published.live_file import direct_traffic, go_live
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.served_bundles import (
    PEOPLE,
    publish,
    publish_month,
    publish_version,
)
from churn_platform_tests.support.waiting import eventually

SWAPS = 12  # benchmarks/swaps.py does a hundred against worker processes
ADA = {"customer_id": "C00001"}
SENT = {"usage": 20.5, "tickets": 4, "is_late": True, "plan": "prepaid"}


def version(client) -> int:
    """The version that answers."""
    return client.post("/predict", json=ADA).json()["model_version"]


def refusal(client) -> str | None:
    """Why what is published is not live; None where it is."""
    return client.get("/models").json()["refused"]


def test_the_first_publication_goes_live(start, tmp_path, booster):
    """A service that was started too early needs no restart."""
    client = start()
    publish(tmp_path / "published", booster)
    eventually(lambda: client.get("/health/ready").status_code == 200)
    assert version(client) == 1


@invariant("Service", "No swap fails a request or mixes versions.")
def test_swaps_under_load_fail_no_request_and_mix_no_versions(client, tmp_path, booster, linear):
    """While two versions take turns, every request is answered, with the score of the version that
    it names.
    """
    root = tmp_path / "published" / "tiny"
    publish_version(root, 2, linear)
    scores = {1: booster, 2: linear}
    expected = {
        number: float(model.churn_probability(PEOPLE.features[1:2])[0])
        for number, model in scores.items()
    }
    stop, seen, wrong = threading.Event(), [], []

    def ask() -> None:
        while not stop.is_set():
            response = client.post("/predict", json=ADA)
            answer = response.json()
            if (
                response.status_code != 200
                or abs(answer["churn_probability"] - expected[answer["model_version"]]) > 1e-5
            ):
                wrong.append(response.text)
            seen.append(answer.get("model_version"))

    asking = threading.Thread(target=ask)
    asking.start()
    for swap in range(SWAPS):
        new = 2 - swap % 2
        go_live(root, "tiny", champion=new)
        eventually(lambda new=new: bool(seen) and seen[-1] == new)
    stop.set()
    asking.join()
    assert wrong == []
    assert set(seen) == {1, 2}


@invariant("Service", "A stored score is given only as the version that made it.")
def test_a_stored_score_is_only_told_as_the_version_that_made_it(client, tmp_path, booster, linear):
    """After a new champion the month's scores are of the old one: the stored features are scored
    anew.
    """
    root = tmp_path / "published" / "tiny"
    publish_version(root, 2, linear)
    go_live(root, "tiny", champion=2)
    eventually(lambda: version(client) == 2)
    answer = client.post("/predict", json=ADA).json()
    assert answer["scored_from"] == "features"
    assert answer["churn_probability"] == pytest.approx(
        linear.churn_probability(PEOPLE.features[1:2])[0], abs=1e-5
    )


def test_a_new_month_goes_live(client, tmp_path, booster):
    """The month in the answers is the one that is looked up."""
    root = tmp_path / "published" / "tiny"
    publish_month(root, booster, scored_by=1, month="2025-03")
    go_live(root, "tiny", features_month="2025-03")
    eventually(lambda: client.post("/predict", json=ADA).json()["features_month"] == "2025-03")


def test_a_month_published_again_replaces_itself(client, tmp_path, booster):
    """Another file under the same name is noticed, although live.json says the same; a customer
    erased is gone.
    """
    root = tmp_path / "published" / "tiny"
    shutil.rmtree(features_dir(root, "2025-02").resolve())
    features_dir(root, "2025-02").unlink()
    publish_month(root, booster, scored_by=7)
    eventually(lambda: client.get("/models").json()["scored_by"] == 7)


@pytest.mark.parametrize("part", ["model", "live", "smoke", "features"])
@invariant("Service", "A bundle that fails a check never serves.")
def test_a_broken_bundle_is_refused_and_the_old_one_serves_on(
    client, tmp_path, booster, linear, part
):
    """A changed file, half a live.json, another score than recorded, a missing month: all refused,
    loudly.
    """
    root = tmp_path / "published" / "tiny"
    publish_version(root, 2, linear)
    folder = model_dir(root, 2)
    if part == "model":
        (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1] + b"x")
    if part == "smoke":
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest["smoke"]["churn_probability"] += 0.01
        (folder / "manifest.json").write_text(json.dumps(manifest))
    if part == "live":
        (root / LIVE_FILE).write_bytes((root / LIVE_FILE).read_bytes()[:-20])
    else:
        go_live(root, "tiny", champion=2, features_month="2031-01" if part == "features" else None)
    eventually(lambda: refusal(client) is not None)
    assert version(client) == 1
    assert client.get("/health/ready").status_code == 200
    assert 'bundles_refused_total{portfolio="tiny"} 1.0' in client.get("/metrics").text
    (root / LIVE_FILE).unlink()
    go_live(root, "tiny", champion=1, features_month="2025-02")
    eventually(lambda: refusal(client) is None)


def test_a_refused_bundle_is_named_where_nothing_is_served(start, tmp_path, booster):
    """After a restart there is no old state; whoever asks learns what is wrong, not that nothing is
    published.
    """
    root = publish(tmp_path / "published", booster)
    (model_dir(root, 1) / MODEL_FILE).write_bytes(b"x")
    client = start()
    for response in (client.get("/health"), client.post("/predict", json=ADA)):
        assert response.status_code == 503
        assert "tiny is refused: " in response.json()["detail"]
        assert "SHA-256" in response.json()["detail"]


def test_a_default_portfolio_that_is_not_there_is_named(start, tmp_path, booster):
    """503 where the default is asked for, with those that are served; the root says what this is
    all the same.
    """
    publish(tmp_path / "published", booster)
    client = start(default_portfolio="nope")
    for response in (client.get("/health"), client.post("/predict", json=ADA)):
        assert response.status_code == 503
        assert "for nope: nothing of that name is published" in response.json()["detail"]
        assert "SERVING_DEFAULT_PORTFOLIO to one of tiny" in response.json()["detail"]
    index = client.get("/")
    assert (index.status_code, index.json()["default_portfolio"], index.json()["portfolios"]) == (
        200,
        None,
        ["tiny"],
    )
    assert client.post("/tiny/predict", json=ADA).status_code == 200


@pytest.mark.parametrize(
    "content", [b'{"portfolio": "\xff"', b"", b"[]", b'{"portfolio": "atlantis", "models": 7}']
)
def test_a_live_file_of_rubbish_keeps_no_other_portfolio_back(start, tmp_path, booster, content):
    """The service starts, refuses that portfolio alone, and goes on following the others."""
    publish(tmp_path / "published", booster)
    (tmp_path / "published" / "atlantis").mkdir()
    (tmp_path / "published" / "atlantis" / LIVE_FILE).write_bytes(content)
    client = start(default_portfolio="tiny")
    assert list(client.get("/health/ready").json()["refused"]) == ["atlantis"]
    publish_version(tmp_path / "published" / "tiny", 2, booster)
    go_live(tmp_path / "published" / "tiny", "tiny", champion=2)
    eventually(lambda: version(client) == 2)


def test_a_challenger_gets_its_share_of_the_customers_always_the_same(
    client, tmp_path, booster, linear
):
    """Half of the customers are answered by the challenger, the same ones whenever they ask."""
    root = tmp_path / "published" / "tiny"
    publish_version(root, 2, linear)
    direct_traffic(root, challenger=2, weight=0.5)
    ids = [str(name) for name in PEOPLE.customer_ids]
    eventually(lambda: len(client.get("/health").json()["portfolios"]["tiny"]["models"]) == 2)
    first, again = (
        [client.post("/predict", json={"customer_id": name}).json() for name in ids]
        for _ in range(2)
    )
    assert [one["model_version"] for one in first] == [one["model_version"] for one in again]
    share = sum(one["arm"] == "challenger" for one in first) / len(ids)
    assert 0.4 < share < 0.6  # 300 customers: beyond three standard deviations otherwise
    stats = client.get("/ab-test/stats").json()
    counts = {arm["arm"]: arm["predictions"] for arm in stats["arms"]}
    assert counts == {
        "champion": 600 - 2 * round(share * 300),
        "challenger": 2 * round(share * 300),
    }
    assert (
        stats["churn_share_difference"]["challenger 2"]["low"]
        < stats["churn_share_difference"]["challenger 2"]["high"]
    )
    assert client.post("/ab-test/reset").json()["arms"][0]["predictions"] == 0


def test_an_arm_is_counted_from_zero_before_it_is_asked(client):
    """Its counters are made with its model, and not by the first request, which may come on a full
    disk.
    """
    arm = 'predictions_total{arm="champion",model_version="1",portfolio="tiny"} 0.0'
    assert arm in client.get("/metrics").text


def test_a_shadow_scores_but_never_answers(client, tmp_path, linear):
    """Its scores are counted and logged under an id of their own; the answers
    stay the champion's.
    """
    root = tmp_path / "published" / "tiny"
    publish_version(root, 2, linear)
    direct_traffic(root, challenger=2, weight=0.0, shadow=True)
    eventually(lambda: len(client.get("/health").json()["portfolios"]["tiny"]["models"]) == 2)
    answers = [client.post("/predict", json=ADA | SENT).json() for _ in range(5)]
    assert {answer["model_version"] for answer in answers} == {1}
    counts = {arm["arm"]: arm["predictions"] for arm in client.get("/ab-test/stats").json()["arms"]}
    assert counts == {"champion": 5, "shadow": 5}


def test_two_portfolios_are_served_apart(start, tmp_path, booster, linear):
    """Each under its name; the default one, by name or as set, at the root too."""
    publish(tmp_path / "published", booster)
    publish(tmp_path / "published", linear, version=4, name="atlantis")
    client = start(default_portfolio="tiny")
    paths = ("/predict", "/tiny/predict", "/atlantis/predict")
    assert [client.post(path, json=ADA).json()["model_version"] for path in paths] == [1, 1, 4]
    response = client.post("/nowhere/predict", json=ADA)
    assert (response.status_code, response.json()["detail"]) == (
        404,
        "no portfolio 'nowhere'; there are atlantis, tiny",
    )


def test_an_error_that_nobody_foresaw_refuses_its_portfolio_alone(plane, root, monkeypatch):
    """It is counted, shown and tried again; the others are served."""
    shutil.copytree(root, root.parent / "atlantis", symlinks=True)
    for path in (root.parent / "atlantis").rglob("*.json"):
        path.write_text(path.read_text().replace('"portfolio": "tiny"', '"portfolio": "atlantis"'))
    tried = []

    def spoilt(folder: Path, *_: object, **__: object) -> None:
        tried.append(folder.name)
        if folder.name == "atlantis":
            raise ZeroDivisionError("unforeseen")

    with monkeypatch.context() as patched:
        patched.setattr("serving.registry.remove_other_copies", lambda *_: None)
        patched.setattr(
            "serving.registry.check_month", lambda features, *_: spoilt(features.folder.parents[1])
        )
        plane.registry.refresh()
    assert plane.registry.served == ["tiny"]
    assert plane.registry.refusals == {
        "atlantis": "it cannot be loaded: ZeroDivisionError: unforeseen"
    }
    assert b'bundles_refused_total{portfolio="atlantis"} 1.0' in plane.metrics.text()
    for _ in range(32):
        plane.registry.refresh()
    assert plane.registry.served == ["atlantis", "tiny"]
    assert plane.registry.refusals == {}
