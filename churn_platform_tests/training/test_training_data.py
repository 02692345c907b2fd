"""A training set is the same rows whenever it is read."""

from contextlib import closing

import numpy as np
import pytest

from churn_platform.errors import DataError, TrainingError
from churn_platform.own_features.feature_months import note_built
from churn_platform.training.splits import LabelledMonth
from churn_platform.training.training_data import (
    load_labelled,
    load_training_data,
    matured_months,
    read_training_set,
    stream_training_rows,
)
from churn_platform.training.training_plan import as_markdown, replace_training_set
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import current_snapshot, write
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY
from churn_platform_tests.training.conftest import add_month

MAY = APRIL.replace(month=5)


def test_labels_count_once_they_have_matured(labelled_lake):
    """By March, the features of January and February are labelled; April's are not known yet."""
    assert matured_months(labelled_lake, TINY, MARCH) == [
        LabelledMonth(JANUARY, 200, 50),
        LabelledMonth(FEBRUARY, 200, 50),
    ]


def test_features_arrive_encoded_with_their_labels(labelled_lake):
    """Rows come in the order of customers; missing values and levels unheard of are NaN."""
    data = load_labelled(labelled_lake, TINY, FEBRUARY, snapshot=current_snapshot(labelled_lake))
    assert data.customer_ids[:2].tolist() == ["C000", "C001"]
    assert data.churned[:5].tolist() == [1, 0, 0, 0, 1]
    expected = [[np.nan, 1, 1, 1], [1, 1, 0, np.nan], [2, 1, 1, 1]]
    np.testing.assert_array_equal(data.features[:3], np.array(expected, dtype=np.float32))
    assert data.features.dtype == np.float32


def test_a_sample_keeps_the_same_customers_in_every_month(labelled_lake):
    """Half the customers are about half, the same ones each month, and all of them among a larger
    share.
    """
    snapshot = current_snapshot(labelled_lake)
    half, other, most = (
        set(load_labelled(labelled_lake, TINY, month, snapshot=snapshot, share=share).customer_ids)
        for month, share in ((JANUARY, 0.5), (MARCH, 0.5), (MARCH, 0.8))
    )
    assert 70 < len(half) < 130
    assert half == other
    assert half < most


def test_a_month_without_features_is_named(labelled_lake):
    """Loading what is not there says which features are missing."""
    with pytest.raises(DataError, match="tiny features of 2025-05: there are no rows"):
        load_labelled(labelled_lake, TINY, MAY, snapshot=current_snapshot(labelled_lake))


@invariant("Training", "A recorded training set keeps its rows, whatever is written later.")
def test_later_writes_do_not_change_a_training_set(lake):
    """Rows of a recorded training set are those of its snapshot, also after its months are written
    anew.
    """
    with closing(connect(lake)) as connection:
        for tickets, month in enumerate((JANUARY, FEBRUARY, MARCH, APRIL)):
            add_month(connection, lake, month, tickets)
        rows = replace_training_set(connection, TINY, MAY, rows_max=1000)
        before = load_training_data(connection, TINY, read_training_set(connection, TINY, MAY))
        for month in (JANUARY, FEBRUARY, MARCH, APRIL):
            add_month(connection, lake, month, 40)
        after = load_training_data(connection, TINY, read_training_set(connection, TINY, MAY))
    assert [(row["features_month"], row["split"]) for row in rows] == [
        (JANUARY, "train"),
        (FEBRUARY, "train"),
        (MARCH, "validation"),
        (APRIL, "holdout"),
    ]
    assert [
        sorted(set(part.features[:, 1]))
        for part in (before.train, before.validation, before.holdout)
    ] == [
        [0, 1],
        [2],
        [3],
    ]
    np.testing.assert_array_equal(before.train.features, after.train.features)
    np.testing.assert_array_equal(before.holdout.features, after.holdout.features)


def test_only_training_rows_are_sampled(lake):
    """Above the limit of rows, customers to fit on are sampled; those who judge stay all."""
    with closing(connect(lake)) as connection:
        for month in (JANUARY, FEBRUARY, MARCH, APRIL):
            add_month(connection, lake, month, 0)
        replace_training_set(connection, TINY, MAY, rows_max=200)
        training_set = read_training_set(connection, TINY, MAY)
        data = load_training_data(connection, TINY, training_set)
    assert training_set.train_share == 0.5
    assert 140 < len(data.train) < 260
    assert (len(data.validation), len(data.holdout)) == (200, 200)


def test_training_rows_weigh_by_their_age(lake):
    """With a half-life of one month, February's rows count twice January's, also streamed; others
    are not weighed.
    """
    halving = TINY.model_copy(
        update={"split": TINY.split.model_copy(update={"half_life_months": 1.0})}
    )
    with closing(connect(lake)) as connection:
        for month in (JANUARY, FEBRUARY, MARCH, APRIL):
            add_month(connection, lake, month, 0)
        rows = replace_training_set(connection, halving, MAY, rows_max=1000)
        training_set = read_training_set(connection, halving, MAY)
        data = load_training_data(connection, halving, training_set)
        batches = list(stream_training_rows(connection, halving, training_set, batch_rows=150))
    assert training_set.half_life_months == 1
    assert data.train.weights.tolist() == pytest.approx([2 / 3] * 200 + [4 / 3] * 200)
    assert (
        np.concatenate([batch.weights for batch in batches]).tolist() == data.train.weights.tolist()
    )
    assert (data.validation.weights, data.holdout.weights) == (None, None)
    assert as_markdown(rows).splitlines()[2] == "| 2025-01 | train | 200 | 50 | 0.667 |"


def test_a_training_set_from_before_weights_is_read(lake):
    """The table of a lake that knows no weights is read as it is, and gains
    them with the next set.
    """
    with closing(connect(lake)) as connection:
        for month in (JANUARY, FEBRUARY, MARCH):
            add_month(connection, lake, month, 0)
        replace_training_set(connection, TINY, APRIL, rows_max=1000)
        for column in ("weight", "half_life_months"):
            connection.execute(f"alter table tiny.training_set drop column {column}")
        training_set = read_training_set(connection, TINY, APRIL)
        assert (training_set.half_life_months, training_set.weights) == (None, {})
        assert load_training_data(connection, TINY, training_set).train.weights is None
        replace_training_set(connection, TINY, MAY, rows_max=1000)
        assert read_training_set(connection, TINY, APRIL) == training_set


def test_recording_a_training_set_twice_keeps_one(lake):
    """A month has one training set, the newest; its table can be read by people."""
    with closing(connect(lake)) as connection:
        for month in (JANUARY, FEBRUARY, MARCH):
            add_month(connection, lake, month, 0)
        for _ in range(2):
            rows = replace_training_set(connection, TINY, APRIL, rows_max=1000)
        assert connection.execute("select count(*) from tiny.training_set").fetchall() == [(3,)]
    assert as_markdown(rows).splitlines()[-1] == "| 2025-03 | holdout | 200 | 50 | 1 |"


def test_a_training_set_that_was_not_recorded_is_named(lake):
    """Reading before materializing says what to materialize."""
    with (
        closing(connect(lake)) as connection,
        pytest.raises(TrainingError, match="materialize tiny/training_set"),
    ):
        read_training_set(connection, TINY, APRIL)


def test_months_come_oldest_first_however_they_were_stored(lake):
    """The order of rows, on which a fit depends, does not depend on the order in which a table was
    written.
    """
    with closing(connect(lake)) as connection:
        for month in (JANUARY, FEBRUARY, MARCH):
            add_month(connection, lake, month, 0)
        replace_training_set(connection, TINY, APRIL, rows_max=1000)
        connection.execute(
            "create temp table turned as select * from tiny.training_set "
            "order by features_month desc"
        )
        connection.execute("delete from tiny.training_set")
        connection.execute("insert into tiny.training_set select * from turned")
        assert list(read_training_set(connection, TINY, APRIL).months) == [JANUARY, FEBRUARY, MARCH]


@pytest.mark.parametrize(("gap", "touched"), [(0, ["C000", "C001"]), (1, ["C000", "C001", "C002"])])
def test_whom_a_campaign_contacted_is_marked(lake, gap, touched):
    """From the month of the features to that of the label, also over a gap; as the snapshot knows
    them.
    """
    portfolio = TINY.model_copy(update={"label": TINY.label.model_copy(update={"gap_months": gap})})
    with closing(connect(lake)) as connection:
        add_month(connection, lake, JANUARY, 0)
        before = current_snapshot(connection)
        contact(connection, {JANUARY: "C000", FEBRUARY: "C001", MARCH: "C002", APRIL: "C003"})
        found = load_labelled(connection, portfolio, JANUARY, snapshot=current_snapshot(connection))
        assert found.customer_ids[found.is_contacted].tolist() == touched
        assert found.untouched.customer_ids.tolist() == [
            it for it in found.customer_ids if it not in touched
        ]
        assert load_labelled(connection, portfolio, JANUARY, snapshot=before).is_contacted is None


def test_whom_a_campaign_contacted_is_not_fitted_on(lake):
    """They are left out of the training rows, in memory and streamed, and stay in those that judge,
    marked.
    """
    with closing(connect(lake)) as connection:
        for tickets, month in enumerate((JANUARY, FEBRUARY, MARCH, APRIL)):
            add_month(connection, lake, month, tickets)
        contact(connection, {FEBRUARY: "C000", MARCH: "C001", APRIL: "C004", MAY: "C005"})
        write(
            connection, lake, lambda: replace_training_set(connection, TINY, MAY, rows_max=10_000)
        )
        training_set = read_training_set(connection, TINY, MAY)
        data = load_training_data(connection, TINY, training_set)
        streamed = list(stream_training_rows(connection, TINY, training_set))
    assert [list(data.train.customer_ids).count(name) for name in ("C000", "C001", "C002")] == [
        0,
        1,
        2,
    ]
    assert (len(data.train), sum(map(len, streamed))) == (397, 397)
    assert (
        np.concatenate([part.customer_ids for part in streamed]).tolist()
        == data.train.customer_ids.tolist()
    )
    assert data.validation.customer_ids[data.validation.is_contacted].tolist() == ["C001", "C004"]
    assert (len(data.holdout), len(data.holdout.untouched)) == (200, 198)


def contact(connection, contacts: dict) -> None:
    """Land contacts, one customer in each month."""
    connection.execute("create schema if not exists tiny_raw")
    connection.execute("create table tiny_raw.campaign_contacts (month date, customer_id varchar)")
    connection.executemany(
        "insert into tiny_raw.campaign_contacts values (?, ?)", list(contacts.items())
    )


def test_a_training_uses_the_months_that_know_its_features(lake):
    """January was built before `tickets` was thought of: the model is fitted without it, unless the
    feature has a default, which stands for it then.
    """
    with closing(connect(lake)) as connection:
        for tickets, month in enumerate((JANUARY, FEBRUARY, MARCH, APRIL)):
            add_month(connection, lake, month, tickets)
        known = [name for name in TINY.feature_names if name != "tickets"]
        before = TINY.model_copy(update={"features": tuple(map(TINY.feature, known))})
        note_built(connection, lake, before, [JANUARY])
        note_built(connection, lake, TINY, [FEBRUARY, MARCH, APRIL])

        rows = replace_training_set(connection, TINY, MAY, rows_max=10_000)
        assert [row["features_month"] for row in rows] == [FEBRUARY, MARCH, APRIL]
        with pytest.raises(
            TrainingError,
            match="1 months, 2025-01 to 2025-01, were built without tickets: run `churn features "
            "backfill tiny --feature tickets`",
        ):
            replace_training_set(connection, TINY, APRIL, rows_max=10_000)

        features = []
        for feature in TINY.features:
            is_new = feature.name == "tickets"
            features.append(feature.model_copy(update={"default": 7}) if is_new else feature)
        with_default = TINY.model_copy(update={"features": tuple(features)})
        rows = replace_training_set(connection, with_default, APRIL, rows_max=10_000)
        assert [row["features_month"] for row in rows] == [JANUARY, FEBRUARY, MARCH]
        read = load_labelled(
            connection, with_default, JANUARY, snapshot=current_snapshot(connection)
        )
        assert set(read.features[:, TINY.feature_names.index("tickets")]) == {7.0}
