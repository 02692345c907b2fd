"""Shares of an experiment: a customer keeps a model, and a live file must make sense."""

from types import SimpleNamespace

import pytest

from churn_platform.published.assignment import assigned_arm
from churn_platform.published.live_file import LiveModel
from churn_platform_tests.support.trials import trial_of
from serving.errors import BundleError
from serving.loading.bundles import Model
from serving.traffic.split import Traffic


def loaded(version: int) -> Model:
    """A model of which only the version matters."""
    return SimpleNamespace(version=version)  # type: ignore[return-value]


def traffic(weight: float, versions: tuple[int, ...] = (1, 2)) -> Traffic:
    """A champion, and a challenger with a share."""
    named = [
        LiveModel(versions[0], "champion", 1 - weight),
        LiveModel(versions[1], "challenger", weight),
    ]
    models = {version: loaded(version) for version in versions}
    return Traffic("tiny", named, models, key="k")


def test_a_share_that_grows_keeps_its_customers():
    """Whoever had the challenger at a tenth has it at a half; about that share of the customers has
    it.
    """
    ids = [f"C{number}" for number in range(4000)]
    tenth, half = (
        {name for name in ids if traffic(w).choose(name).role == "challenger"} for w in (0.1, 0.5)
    )
    assert tenth < half
    assert (len(tenth) / 4000, len(half) / 4000) == (
        pytest.approx(0.1, abs=0.02),
        pytest.approx(0.5, abs=0.03),
    )


def test_another_challenger_deals_anew():
    """Those who had the last challenger are not those who get the next."""
    ids = [f"C{number}" for number in range(4000)]
    second, third = (
        {n for n in ids if traffic(0.5, (1, v)).choose(n).role == "challenger"} for v in (2, 3)
    )
    assert len(second & third) / len(ids) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(
    "named",
    [
        [LiveModel(1, "challenger", 1.0)],
        [LiveModel(1, "champion", 0.5)],
        [LiveModel(1, "champion", 1.2), LiveModel(2, "challenger", -0.2)],
        [LiveModel(1, "champion", 1.0), LiveModel(1, "shadow", 0.0)],
        [LiveModel(1, "champion", 1.0), LiveModel(2, "king", 0.0)],
    ],
)
def test_a_live_file_that_makes_no_sense_is_refused(named):
    """One champion, known roles, each version once, shares that add up."""
    with pytest.raises(BundleError, match=r"live\.json of tiny"):
        Traffic("tiny", named, {}, key="k")


def dealt(weight: float, **fields: object) -> Traffic:
    """The traffic of an experiment of version 2 against champion 1."""
    trial = trial_of(weight, **fields)
    role = "challenger" if weight else "shadow"
    named = [LiveModel(1, "champion", 1 - weight), LiveModel(2, role, weight)]
    models = {version: loaded(version) for version in (1, 2)}
    return Traffic("tiny", named, models, key="k", experiment=trial)


def test_an_experiment_deals_as_the_published_rule_does():
    """Every customer has the arm that lists and analysis find, and only arms are judged."""
    traffic, trial = dealt(0.2), trial_of(0.2)
    for number in range(300):
        share = traffic.choose(f"C{number}")
        assert share.arm == share.stream == assigned_arm(trial, f"C{number}")
        assert share.model.version == (2 if share.arm == "challenger" else 1)
        assert share.experiment == trial.start_id


def test_in_shadow_the_champion_answers_everyone_and_is_the_control():
    """Nobody is in an arm."""
    traffic = dealt(0.0)
    share = traffic.choose("C1")
    assert (share.model.version, share.arm, share.stream) == (1, None, "control")
    (shadow,) = traffic.shadows
    assert (shadow.model.version, shadow.arm, shadow.stream) == (2, None, "challenger")


def test_an_experiment_that_does_not_fit_the_models_is_refused():
    """A live file that someone wrote by hand."""
    named = [LiveModel(1, "champion", 0.5), LiveModel(2, "challenger", 0.5)]
    models = {version: loaded(version) for version in (1, 2)}
    for trial in (trial_of(0.1), trial_of(0.0), trial_of(0.5, name="../up")):
        with pytest.raises(BundleError, match=r"live\.json of tiny: experiment"):
            Traffic("tiny", named, models, key="k", experiment=trial)
