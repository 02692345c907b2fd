"""Shares of an experiment: a customer keeps a model, and a live file must make sense."""

import pytest

from churn_platform.published.live_file import LiveModel
from serving.errors import BundleError
from serving.traffic.split import Traffic


def traffic(weight: float, versions: tuple[int, ...] = (1, 2)) -> Traffic:
    """A champion, and a challenger with a share."""
    named = [
        LiveModel(versions[0], "champion", 1 - weight),
        LiveModel(versions[1], "challenger", weight),
    ]

    class Loaded:
        def __init__(self, version: int):
            self.version = version

    return Traffic("tiny", named, {version: Loaded(version) for version in versions}, key="k")  # type: ignore[misc]


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
