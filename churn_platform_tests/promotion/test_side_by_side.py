"""Two versions on the newest hold-out, whatever the spec says today."""

from dataclasses import replace

import numpy as np
import pytest

from churn_platform.errors import TrainingError
from churn_platform.promotion.side_by_side import Compared, SideBySide, compare, read_version
from churn_platform.training.versions import newest_version
from churn_platform_tests.training.test_reproduce import HALVING, Trained, trained
from churn_platform_tests.training.test_versions import NEWCOMER, TODAY

__all__ = ["trained"]


def compared(trained: Trained, first: Compared, second: Compared) -> SideBySide:
    """Both on the newest hold-out, under today's spec."""
    newest = newest_version(trained.client, TODAY)
    return compare(trained.connection, (first, second), newest, TODAY, replicates=1_000)


def test_the_newest_hold_out_is_read_as_it_was(trained: Trained) -> None:
    """A feature that was added since and another seed change neither the customers nor what a
    version reaches.
    """
    own = read_version(trained.client, TODAY, trained.version)
    found = compared(trained, own, own)
    assert (found.judged_on, found.customers) == (
        trained.version,
        len(own.holdout(trained.connection)),
    )
    assert found.metrics[0].auc == pytest.approx(trained.record.holdout["auc"])
    assert found.difference.estimate == 0.0


def test_each_version_sees_its_own_features(trained: Trained) -> None:
    """The same customers, in the order of columns that a version was fitted with."""
    own = read_version(trained.client, TODAY, trained.version)
    other = replace(own, number=2, model=replace(own.model, features=HALVING.features[::-1]))
    seen = own.holdout_as_seen_by(trained.connection, other).features
    expected = own.model.churn_probability(seen)
    assert not np.allclose(expected, own.model.churn_probability(seen[:, ::-1]))
    found = compared(trained, own, other)
    assert found.metrics[0].auc > found.metrics[1].auc


def test_a_version_that_cannot_be_judged_there_is_named(trained: Trained) -> None:
    """The snapshot has no column of a newer feature."""
    own = read_version(trained.client, TODAY, trained.version)
    newer = replace(own, number=7, model=replace(own.model, features=(NEWCOMER, *HALVING.features)))
    with pytest.raises(
        TrainingError, match=r"version 7 of tiny cannot be judged .* lacks newcomer"
    ):
        compared(trained, own, newer)


def test_without_versions_there_is_no_hold_out(trained: Trained) -> None:
    """The error says what to materialize."""
    nobody = TODAY.model_copy(update={"name": "nobody"})
    with pytest.raises(
        TrainingError, match="nobody has no version; materialize nobody/challenger first"
    ):
        newest_version(trained.client, nobody)
