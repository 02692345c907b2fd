"""What goes back to an operator's systems is an asset after its result, and on record."""

import sqlite3
from contextlib import closing

from dagster import AssetKey, materialize

from churn_platform.graph.assets.destination_assets import destination_assets
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import replace_dicts
from churn_platform_tests.support.tiny import JANUARY, SPEC

SCORE = {
    "customer_id": "C1",
    "churn_probability": 0.5,
    "risk_tier": "high",
    "decile": 1,
    "reasons": ["first"],
    "model_version": 1,
}


def test_a_month_is_sent_and_on_record(tmp_path, lake):
    """The asset depends on the table that it sends; the audit trail has place and rows."""
    sqlite3.connect(tmp_path / "crm.db").close()
    portfolio = Portfolio.model_validate(
        {
            **SPEC,
            "sources": {"crm": {"kind": "sqlite", "path": str(tmp_path / "crm.db")}},
            "destinations": [
                {"name": "crm", "result": "monthly_scores", "to": "crm", "table": "scores"}
            ],
        }
    )
    data = tmp_path / "data"
    data.mkdir()
    (data / "duckdb_extensions").symlink_to(lake.extension_dir)
    settings = load_settings(data_dir=data)
    with closing(connect(lake)) as connection:
        replace_dicts(connection, "tiny.monthly_scores", SCORE_COLUMNS, JANUARY, [SCORE])

    (asset,) = destination_assets(portfolio, settings)
    assert asset.key == AssetKey(["tiny", "to_crm"])
    assert AssetKey(["tiny", "monthly_scores"]) in asset.dependency_keys
    trail = tmp_path / "audit.jsonl"
    assert materialize(
        [asset],
        partition_key=str(JANUARY),
        resources={
            "warehouse": Warehouse.of(lake),
            "audit": AuditTrail(path=str(trail), store=""),
        },
    ).success
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        assert crm.execute("select customer_id, reason_1 from scores").fetchall() == [
            ("C1", "first")
        ]
    (record,) = AuditTrail(path=str(trail)).log("test").records()
    assert (record.action, record.subject) == ("delivery", "month 2025-01")
    assert record.details == {"destination": "crm", "rows": 1}
