"""A registered version is read as it was fitted, whatever the spec says today."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn_platform.errors import TrainingError
from churn_platform.governance.evaluated_version import examine
from churn_platform.graph.assets.promotion_assets import _hearing
from churn_platform.portfolios.spec import Feature
from churn_platform.training.training_data import load_holdout
from churn_platform.training.versions import load_version
from churn_platform_tests.support.tiny import APRIL, TINY
from churn_platform_tests.training.test_reproduce import HALVING, trained

__all__ = ["trained"]

NEWCOMER = Feature(name="newcomer", type="number", group="g", description="d", reason="r")
RESEEDED = HALVING.split.model_copy(update={"seed": HALVING.split.seed + 1})
TODAY = HALVING.model_copy(update={"features": (NEWCOMER, *HALVING.features), "split": RESEEDED})


class OneAtATime:
    """A registry's client that refuses to list versions."""

    def __init__(self, client) -> None:
        self._client = client

    def search_model_versions(self, *_: object, **__: object) -> None:
        """Nobody who wants one version should ask for all."""
        raise AssertionError("all versions were asked for")

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


def test_a_version_has_the_catalogue_and_seed_of_then(trained):
    """A feature that was added and another seed since do not change whom it was judged on; one
    version is asked for.
    """
    version = load_version(OneAtATime(trained.client), TODAY, trained.version)
    assert version.number == trained.version
    assert version.record == trained.record
    assert version.portfolio.feature_names == HALVING.feature_names
    assert version.portfolio.split.seed == trained.record.seed
    holdout = version.holdout(trained.connection)
    then = load_holdout(trained.connection, HALVING, version.training_set(trained.connection))
    assert holdout.customer_ids.tolist() == then.customer_ids.tolist()
    np.testing.assert_array_equal(holdout.features, then.features)


def test_a_version_that_does_not_exist_is_told_with_those_that_do(trained):
    """Only then are all versions listed."""
    with pytest.raises(
        TrainingError, match=rf"tiny has no version 999; there are .*{trained.version}"
    ):
        load_version(trained.client, TINY, 999)


def test_an_older_month_is_judged_again_as_it_was(trained):
    """Evaluation and governance of a month do not ask its snapshot for a feature of today."""
    month = date(2025, 4, 1)
    assert month == APRIL
    hearing = _hearing(trained.connection, trained.client, TODAY, month, None)
    assert hearing.challenger.version == trained.version
    found = hearing.challenger.model.churn_probability(hearing.challenger.features)
    examined = examine(trained.client, trained.connection, TODAY, month)
    np.testing.assert_array_equal(examined.probability, found)
    assert len(found) == len(hearing.customers) > 0


def test_a_rival_with_a_feature_of_its_own_is_named(trained):
    """A newer version cannot be judged on a snapshot without its feature; the error says which and
    what to do.
    """
    version = load_version(trained.client, TODAY, trained.version)
    newer = replace(
        version, number=7, model=replace(version.model, features=(NEWCOMER, *HALVING.features))
    )
    with pytest.raises(
        TrainingError, match=r"version 7 of tiny cannot be judged .* lacks newcomer; train 2025-04"
    ):
        version.holdout_as_seen_by(trained.connection, newer)


def test_a_rival_sees_the_same_customers_its_own_way(trained):
    """Rows are the same and in the same order, columns are the rival's."""
    version = load_version(trained.client, TODAY, trained.version)
    names = HALVING.features[::-1]
    rival = replace(version, number=7, model=replace(version.model, features=names))
    seen, own = (
        version.holdout_as_seen_by(trained.connection, rival),
        version.holdout(trained.connection),
    )
    assert seen.customer_ids.tolist() == own.customer_ids.tolist()
    np.testing.assert_array_equal(seen.features, own.features[:, ::-1])
