"""What the page reads of a month is what the lake holds, and nothing of an erased customer."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec
import pytest

from churn_platform.audit.audit_record import Record
from churn_platform.campaign.contact_decisions import replace_decisions
from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.errors import PublicationError
from churn_platform.months import shift
from churn_platform.published.format import model_dir
from churn_platform.published.page_bundle import page_dir, read_figures, read_page_manifest
from churn_platform.published.regular_files import file_sha256
from churn_platform.read_model.publish import publish_page
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.tiny import JANUARY

DECEMBER = shift(JANUARY, -1)
TINY = with_campaign(control_share=0, capacity=1)
PROMOTION = Record(
    sequence=1,
    at=datetime(2025, 1, 20, tzinfo=UTC),
    by="ann",
    action="promotion",
    portfolio="tiny",
    subject="version 3",
    reason="it is better",
    details={},
    previous="0" * 64,
)


@pytest.fixture
def connection(lake):
    """January with three customers, A new, B risen by two tiers, C as before."""
    with closing(connect(lake)) as connection:
        add_month(connection)
        yield connection


def add_month(connection: duckdb.DuckDBPyConnection) -> None:
    """Scores of December, and of January with its list and decisions."""
    add_scores(connection, {"B": 0.05, "C": 0.5})
    connection.execute("update tiny.monthly_scores set month = ?, risk_tier = 'low'", [DECEMBER])
    add_scores(connection, {"A": 0.7, "B": 0.9, "C": 0.5})
    connection.execute("update tiny.monthly_scores set risk_tier = 'low' where customer_id = 'C'")
    ensure_table(
        connection,
        "tiny.customer_features",
        {"month": "date", "customer_id": "varchar", "usage": "double"},
    )
    ensure_table(
        connection,
        "tiny_raw.customers",
        {"month": "date", "customer_id": "varchar", "phone_number_hash": "ubigint"},
    )
    connection.execute("insert into tiny_raw.customers values (?, 'B', 77)", [JANUARY])
    replace_contact_list(connection, TINY, JANUARY)
    replace_decisions(connection, TINY, JANUARY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A published folder with the manifest of version 3."""
    add_model(tmp_path)
    return tmp_path


def add_model(root: Path) -> None:
    """The manifest of version 3, as far as the page needs it."""
    folder = model_dir(root, 3)
    folder.mkdir(parents=True)
    text, plain = (
        dict.fromkeys(("portfolio", "algorithm"), "tiny"),
        dict.fromkeys(
            ("calibration_slope", "calibration_intercept", "threshold", "base_rate"), 0.5
        ),
    )
    tiers = [("high", 0.4), ("middle", 0.2), ("low", 0.0)]
    manifest = {
        **text,
        **plain,
        "version": 3,
        "features": [],
        "tiers": [{"name": name, "lower_bound": bound} for name, bound in tiers],
        "metrics": {},
        "training_months": [],
        "holdout_month": "2024-12",
        "data_snapshot": 1,
        "mlflow_run_id": "run",
        "code_version": "1",
        "smoke": {"features": [], "churn_probability": 0.5},
        "sha256": {},
    }
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def read(folder: Path, name: str) -> list[dict]:
    """A Parquet file of the bundle as rows."""
    result = duckdb.execute(f"select * from '{folder / name}'")
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def test_a_month_is_published_as_it_is_in_the_lake(connection, root):
    """Scores, history, decisions and phones by customer; champions and counts as small tables;
    hashes that fit.
    """
    manifest = publish_page(connection, root, TINY, JANUARY, [PROMOTION])
    folder = page_dir(root, "2025-01")
    assert read_page_manifest(folder) == manifest
    assert manifest.customers == 3
    assert all(file_sha256(folder / name) == known for name, known in manifest.sha256.items())
    a, b, c = read(folder, "profiles-0000.parquet")
    assert [row["customer_id"] for row in (a, b, c)] == ["A", "B", "C"]
    decisions = [row["decision"] for row in (a, b, c)]
    assert decisions == ["beyond_budget", "contact", "beyond_budget"]
    assert b["history_scores"] == [0.05, 0.9]
    assert [row["is_newly_at_risk"] for row in (a, b, c)] == [False, True, False]
    listed = read(folder, "customers.parquet")
    assert [row["decision"] for row in listed] == decisions and "history_scores" not in listed[0]
    assert manifest.parts == ("A",)
    ranked = read(folder, "plan.parquet")
    assert [row["churn_probability"] for row in ranked] == [0.9, 0.7, 0.5]
    assert "customer_id" not in ranked[0] and not manifest.campaign.is_ranked_by_uplift
    assert read(folder, "phones.parquet") == [{"phone_hash": 77, "customer_id": "B"}]
    tables = read_figures(folder).tables
    assert tables["champions"][0]["version"] == 3
    assert tables["decisions"] == [
        {"decision": "contact", "customers": 1},
        {"decision": "beyond_budget", "customers": 2},
    ]


def test_without_a_bundle_nothing_is_published(connection, tmp_path):
    """The tiers come from the bundle of the version that scored the month."""
    with pytest.raises(PublicationError, match="version 3 scored the month"):
        publish_page(connection, tmp_path, TINY, JANUARY, [])
    assert not page_dir(tmp_path, "2025-01").exists()


def test_an_erased_customer_leaves_every_month(connection, root):
    """The files are written again without the id, with new hashes; another erasure changes
    nothing.
    """
    from churn_platform.erasure.page_files import erase_from_pages

    publish_page(connection, root, TINY, JANUARY, [])
    subject = ErasedCustomer("tiny", "B", (), {})
    assert erase_from_pages(connection, root, subject) == ["2025-01"]
    folder = page_dir(root, "2025-01")
    manifest = read_page_manifest(folder)
    assert manifest.customers == 2
    assert all(file_sha256(folder / name) == known for name, known in manifest.sha256.items())
    assert [row["customer_id"] for row in read(folder, "profiles-0000.parquet")] == ["A", "C"]
    assert read(folder, "phones.parquet") == []
    assert len(read(folder, "plan.parquet")) == 2
    assert erase_from_pages(connection, root, subject) == []
