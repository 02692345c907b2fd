"""What serving looks up for a customer is what the lake holds."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import lmdb
import msgspec
import numpy as np
import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles import features_bundle
from churn_platform.bundles.customer_rows import packed_customers, scored_by
from churn_platform.bundles.features_bundle import publish_features
from churn_platform.errors import PublicationError
from churn_platform.portfolios.encoding import encode_row
from churn_platform.promotion.publication import record_features
from churn_platform.published.format import (
    FEATURES_FILE,
    FeaturesManifest,
    StoredCustomer,
    features_dir,
    pack_customer,
    read_features_manifest,
    unpack_customer,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.scoring.score import Champion, replace_scores, score_month
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.training.conftest import add_month, labelled_rows

TIERS = [("high", 0.4), ("low", 0.0)]


def publish(root: Path, customers) -> int:
    """Publish January's customers."""
    return publish_features(
        root,
        portfolio="tiny",
        month="2025-01",
        features=TINY.feature_names,
        scored_by=3,
        customers=customers,
    )


def packed(*ids: str) -> list[tuple[str, bytes]]:
    """Customers of two features each."""
    return [
        (customer_id, pack_customer(np.float32([place, 1]), 0.1, []))
        for place, customer_id in enumerate(ids)
    ]


def published(root: Path, feature_count: int) -> dict[str, StoredCustomer]:
    """Every customer of the published file."""
    path = str(features_dir(root, "2025-01") / FEATURES_FILE)
    with (
        lmdb.open(path, subdir=False, readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        return {
            key.decode(): unpack_customer(value, feature_count)
            for key, value in transaction.cursor()
        }


def test_a_look_up_equals_the_table(tmp_path, lake, model):
    """Features, score and reasons of every customer in the file are those in the lake; none is
    missing.

    Scores of another version, made since, are refused and what was published stays.
    """
    with closing(connect(lake)) as connection:
        add_month(connection, lake, JANUARY, 2)
        scores = score_month(
            connection, TINY, lambda: Champion(3, model, TIERS), JANUARY, batch_rows=1000, threads=2
        )
        write(connection, lake, lambda: replace_scores(connection, TINY, JANUARY, scores))
        assert scored_by(connection, TINY, JANUARY) == 3
        assert (
            publish(tmp_path, packed_customers(connection, TINY, JANUARY, 3, batch_rows=30)) == 200
        )
        with pytest.raises(
            PublicationError, match=r"2025-01 was scored by version 3 while version 2's scores"
        ):
            publish(tmp_path, packed_customers(connection, TINY, JANUARY, 2, batch_rows=30))
    stored = published(tmp_path, 4)
    rows = {row["customer_id"]: row for row in labelled_rows(JANUARY, 2).to_pylist()}
    expected = {row["customer_id"]: row for row in scores.to_pylist()}
    assert stored.keys() == rows.keys() == expected.keys()
    for customer_id, customer in stored.items():
        np.testing.assert_array_equal(
            customer.features, encode_row(rows[customer_id], TINY.features)
        )
        assert customer.churn_probability == expected[customer_id]["churn_probability"]
        assert list(customer.reasons) == expected[customer_id]["reasons"]


def test_the_manifest_describes_the_file(tmp_path):
    """Month, number, order of features, scoring version and hash stand beside it."""
    publish(tmp_path, packed("A", "B"))
    manifest = read_features_manifest(features_dir(tmp_path, "2025-01"))
    assert (manifest.portfolio, manifest.month, manifest.customers, manifest.scored_by) == (
        "tiny",
        "2025-01",
        2,
        3,
    )
    assert manifest.features == tuple(TINY.feature_names)
    assert manifest.sha256 == {
        FEATURES_FILE: file_sha256(features_dir(tmp_path, "2025-01") / FEATURES_FILE)
    }


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize(("ids", "wrong"), [("ABB", 1), ("ACB", 1), ("CBA", 1), ("ABBA", 1)])
def test_ids_twice_or_out_of_order_are_refused(tmp_path, monkeypatch, ids, wrong, batch):
    """A wrong customer is never served: nothing is published, whichever transaction the id falls
    into.
    """
    monkeypatch.setattr(features_bundle, "TRANSACTION_ROWS", batch)
    publish(tmp_path, packed("OLD"))
    with pytest.raises(PublicationError, match="customer ids came twice or out of order"):
        publish(tmp_path, packed(*ids))
    assert list(published(tmp_path, 2)) == ["OLD"]


def test_ids_are_ordered_by_their_bytes(tmp_path):
    """Ids with other letters than ASCII's keep the order that DuckDB gives them."""
    assert publish(tmp_path, packed("Z", "a", "é", "名")) == 4
    assert list(published(tmp_path, 2)) == ["Z", "a", "é", "名"]


@pytest.mark.parametrize("customer_id", ["", "x" * 512, "é" * 256])
def test_an_id_that_is_no_key_is_refused(tmp_path, customer_id):
    """Ids of no byte or more than 511 are named."""
    with pytest.raises(PublicationError, match=r"has (0|512) bytes; 1 to 511 are possible"):
        publish(tmp_path, packed(customer_id))
    assert list(tmp_path.rglob("customers.lmdb")) == []


def test_the_file_grows_as_it_needs(tmp_path, monkeypatch):
    """More customers than the first size holds, in many transactions, are all there."""
    monkeypatch.setattr(features_bundle, "GROWTH", 64 * 1024)
    monkeypatch.setattr(features_bundle, "TRANSACTION_ROWS", 500)
    ids = [f"C{number:05d}" for number in range(6000)]
    assert publish(tmp_path, packed(*ids)) == 6000
    assert list(published(tmp_path, 2)) == ids
    assert (features_dir(tmp_path, "2025-01") / FEATURES_FILE).stat().st_size > 2 * 64 * 1024


def test_long_ids_of_small_customers_find_room(tmp_path, monkeypatch):
    """Room is made for the ids as well as for what is stored under them."""
    monkeypatch.setattr(features_bundle, "GROWTH", 64 * 1024)
    ids = [f"{number:05d}".rjust(500, "x") for number in range(2000)]
    assert publish(tmp_path, packed(*ids)) == 2000


def test_nobody_to_publish_is_an_empty_file(tmp_path):
    """A month without customers is a file that finds nobody."""
    assert publish(tmp_path, []) == 0
    assert published(tmp_path, 2) == {}


def test_a_month_scored_by_none_or_several_is_refused(lake, model):
    """Before scoring, and after scoring by two versions, publication says what to materialize."""
    with closing(connect(lake)) as connection:
        with pytest.raises(
            PublicationError,
            match="tiny 2025-01 is scored by 0 versions; materialize tiny/monthly_s",
        ):
            scored_by(connection, TINY, JANUARY)
        add_month(connection, lake, JANUARY, 2)
        scores = score_month(
            connection, TINY, lambda: Champion(3, model, TIERS), JANUARY, batch_rows=1000, threads=2
        )
        write(connection, lake, lambda: replace_scores(connection, TINY, JANUARY, scores))
        connection.execute(
            "update tiny.monthly_scores set model_version = 4 where customer_id = 'C001'"
        )
        with pytest.raises(PublicationError, match="is scored by 2 versions"):
            scored_by(connection, TINY, JANUARY)
        with pytest.raises(PublicationError, match="is scored by 0 versions"):
            scored_by(connection, TINY, FEBRUARY)


def test_months_published_again_are_no_new_facts(tmp_path):
    """A run after a kill publishes its months anew: the same files are on record once, other files
    once more.
    """
    log = AuditLog(tmp_path / "audit.jsonl", "ada", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    months = [
        FeaturesManifest("tiny", month, 3, ("age",), 1, {"customers.lmdb": month})
        for month in ("2025-01", "2025-02")
    ]
    for manifest in [*months, *months]:
        record_features(log, manifest)
    assert [record.subject for record in log.records()] == ["month 2025-01", "month 2025-02"]
    record_features(log, msgspec.structs.replace(months[0], scored_by=2))
    record_features(log, months[0])
    assert [record.details["scored_by"] for record in log.records()] == [1, 1, 2, 1]
