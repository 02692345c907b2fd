"""Samples of customers and of requests."""

from contextlib import closing
from functools import partial

import numpy as np
import pytest

from churn_platform.monitoring.sampling import (
    answered_from,
    labelled_sample,
    sample_features,
    sample_requests,
)
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.training.conftest import add_month

MAY = JANUARY.replace(month=5)


@pytest.fixture
def connection(lake: Lake):
    """Two months of 200 customers."""
    with closing(connect(lake)) as opened:
        for tickets, month in enumerate((JANUARY, FEBRUARY)):
            add_month(opened, lake, month, tickets)
        yield opened


def test_a_sample_is_about_as_large_as_asked_and_always_the_same(connection):
    """Half of the customers, the same ones each time, and all of them where more are asked for."""
    half = sample_features(connection, TINY, JANUARY, rows=100)
    assert 70 < len(half) < 130
    np.testing.assert_array_equal(half, sample_features(connection, TINY, JANUARY, rows=100))
    assert len(sample_features(connection, TINY, JANUARY, rows=10_000)) == 200


def test_features_come_encoded_in_catalogue_order(connection):
    """As models see them: tickets of February are 1, unheard-of plans are missing."""
    features = sample_features(connection, TINY, FEBRUARY, rows=10_000)
    assert (features[:, 1] == 1).all()
    assert np.isnan(features[:, 3]).sum() == 4


def test_labelled_samples_are_customers_of_the_same_sample(connection):
    """Labels and features are sampled alike, so two months differ by what customers did, not by who
    they are.
    """
    snapshot = current_snapshot(connection)
    labelled = labelled_sample(connection, TINY, JANUARY, rows=100, snapshot=snapshot)
    assert len(labelled) == len(sample_features(connection, TINY, JANUARY, rows=100))
    assert set(labelled.churned) == {0, 1}


def test_a_month_that_is_not_there_has_no_rows(connection, lake):
    """Neither a missing month nor a missing table is an error."""
    assert sample_features(connection, TINY, MAY, rows=10).shape == (0, 4)
    assert answered_from(connection, TINY, JANUARY, version=1) is None


def test_requests_are_read_as_logged(connection):
    """Those of the month, the version and the live features, with missing values as NaN, at most as
    many as asked.
    """
    connection.execute(
        "create table tiny.serving_log as select * from (values "
        "(date '2025-02-01', 'r1', 0, 1, '2025-01', [1, null, 0, 2]::float[]), "
        "(date '2025-02-01', 'r2', 0, 1, '2025-01', [3, 4, 1, null]::float[]), "
        "(date '2025-02-01', 'r0', 0, 1, '2024-12', [7, 7, 7, 7]::float[]), "
        "(date '2025-02-01', 'r3', 0, 2, '2024-12', [9, 9, 9, 9]::float[]), "
        "(date '2025-03-01', 'r4', 0, 1, '2025-02', [8, 8, 8, 8]::float[])) "
        "as _(month, request_id, item, model_version, features_month, features)"
    )
    read = partial(sample_requests, connection, TINY, FEBRUARY, version=1, features_month=JANUARY)
    assert answered_from(connection, TINY, FEBRUARY, version=1) == JANUARY
    assert answered_from(connection, TINY, FEBRUARY, version=3) is None
    requests = read(rows=10)
    assert sorted(requests[:, 0].tolist()) == [1, 3]
    assert np.isnan(requests).sum() == 2
    assert len(read(rows=1)) == 1
