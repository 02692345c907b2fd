"""What serving looks up for a customer is what the lake holds."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles import features_bundle
from churn_platform.errors import PublicationError
from churn_platform.promotion.publication import record_features
from churn_platform.published.format import (
    FEATURES_FILE,
    FeaturesManifest,
    features_dir,
    pack_customer,
    read_features_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform_tests.bundles.conftest import publish, published
from churn_platform_tests.support.tiny import TINY


def packed(*ids: str) -> list[tuple[str, bytes]]:
    """Customers of two features each."""
    return [
        (customer_id, pack_customer(np.float32([place, 1]), 0.1, []))
        for place, customer_id in enumerate(ids)
    ]


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
