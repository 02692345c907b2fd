"""A month of the read model by hand: a few customers, one for each thing that a page says."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import Tier, model_dir
from churn_platform.published.page_bundle import (
    CUSTOMERS_FILE,
    FIGURES_FILE,
    Fact,
    Figures,
    PageManifest,
    PublishedCampaign,
    PublishedOffer,
    page_dir,
    part_file,
)
from churn_platform.published.regular_files import file_sha256

PORTFOLIO, MONTH = "tiny", "2026-10"
CALL = PublishedOffer("call", "phone", 35.0, 0.4)
LETTER = PublishedOffer("letter", "post", 5.0, 0.2)
TIERS = (Tier("high", 0.5), Tier("medium", 0.2), Tier("low", 0.0))
FACTS = (
    Fact("plan", "category", None, "Plan.", ("prepaid", "monthly"), (None, None), True),
    Fact("usage", "number", "GB", "Use.", (), (0, 100), True),
)
TABLES = (
    *("campaign_economics", "campaign_sensitivity", "campaign_outcome", "uplift_challenger"),
    *("fairness_report", "explanations", "retraining_decision", "prediction_drift"),
    *("model_performance", "feature_drift", "evaluations", "waiting", "champions", "decisions"),
    "months",
)
CUSTOMERS: dict[str, tuple[float, str]] = {
    "C-contact": (0.9, "contact"),
    "C-control": (0.88, "control"),
    "C-opted": (0.8, "opted_out"),
    "C-beyond": (0.6, "beyond_budget"),
    "C-low": (0.01, "not_worth_it"),
}
PHONE_HASH = 1_234_567


def tier_of(probability: float) -> str:
    """The tier of a probability."""
    return next(tier.name for tier in TIERS if probability >= tier.lower_bound)


def customer_row(customer_id: str, probability: float, decision: str) -> dict[str, Any]:
    """A customer as published, with ten months of history."""
    tier = tier_of(probability)
    listed = decision in ("contact", "control", "beyond_budget")
    return {
        "customer_id": customer_id,
        "churn_probability": probability,
        "risk_tier": tier,
        "tier_place": [each.name for each in TIERS].index(tier) + 1,
        "decile": 1,
        "reasons": [] if tier == "low" else ["Used 3 GB"],
        "previous_probability": probability / 3,
        "previous_tier": "low",
        "previous_tier_place": 3,
        "history_months": [date(2026, month, 1) for month in range(1, 11)],
        "history_scores": [probability] * 10,
        "decision": decision,
        "list_rank": 1 if listed else None,
        "ranks_beyond": 4 if decision == "beyond_budget" else None,
        "shortfall_eur": 3.5 if decision == "not_worth_it" else None,
        "last_contact_month": None,
        "offer": "call",
        "channel": "phone",
        "expected_profit_eur": probability * 0.4 * 180 - 35,
        "contact_cost_eur": 35.0,
        "customer_value_eur": 180.0,
        "fact_plan": "monthly",
        "fact_usage": 12.5,
        "is_newly_at_risk": tier != "low",
    }


def publish(
    root: Path,
    *,
    list_state: str = "handed over",
    month: str = MONTH,
    more: dict[str, tuple[float, str]] | None = None,
) -> Path:
    """Write month and model of the portfolio under the published folder; the month's folder."""
    portfolio_root = root / PORTFOLIO
    with new_folder(page_dir(portfolio_root, month)) as draft:
        customers = CUSTOMERS | (more or {})
        rows = [customer_row(name, *each) for name, each in sorted(customers.items())]
        with duckdb.connect() as connection:
            _write_rows(draft, rows)
            phone = f"select {PHONE_HASH}::ubigint as phone_hash, 'C-contact' as customer_id"
            connection.execute(f"copy ({phone}) to '{draft}/phones.parquet'")
            contacts = (
                "select 'k1' as outcome_id, 'C-opted' as customer_id, "
                "timestamp '2026-05-04 10:00' as contacted_at, 'phone' as channel, "
                "'call' as offer, 'declined' as answer, null::varchar as reason, "
                "null::date as call_back_on, false as do_not_contact"
            )
            connection.execute(f"copy ({contacts}) to '{draft}/contacts.parquet'")
        tables = {name: [] for name in TABLES} | _tables()
        (draft / FIGURES_FILE).write_bytes(msgspec.json.encode(Figures(tables)))
        manifest = PageManifest(
            portfolio=PORTFOLIO,
            title="A tiny operator",
            month=month,
            customers=len(rows),
            scored_by=3,
            tiers=TIERS,
            facts=FACTS,
            campaign=PublishedCampaign((CALL, LETTER), 1000.0, None, 20, 3, list_state, list_state),
            parts=(rows[0]["customer_id"], rows[3]["customer_id"]),
            sha256={path.name: file_sha256(path) for path in sorted(draft.iterdir())},
        )
        write_manifest(draft, manifest)
    _publish_model(portfolio_root)
    return page_dir(portfolio_root, month)


def _write_rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    """All in one file, and the same in two parts; a column is of one type in each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    every = pa.Table.from_pylist(rows)
    pq.write_table(every, folder / CUSTOMERS_FILE)
    pq.write_table(every.slice(0, 3), folder / part_file(0))
    pq.write_table(every.slice(3), folder / part_file(1))


def _tables() -> dict[str, list[dict[str, Any]]]:
    measured = {"month": MONTH, "segment": "all", "auc": 0.83, "promised_auc": 0.84, "recall": 0.7}
    return {
        "decisions": [{"decision": each, "customers": 1} for _, each in CUSTOMERS.values()],
        "months": [{"month": MONTH, "customers": 5, "score_mean": 0.6, "model_version": 3}],
        "model_performance": [measured],
        "feature_drift": [{"month": MONTH, "feature": "usage", "psi": 0.04}],
        "explanations": [{"feature": "usage", "rank": 1, "share": 0.8}],
        "waiting": [{"challenger_version": 4, "reason": "it is better by 0.01"}],
        "experiments": [
            {
                "name": "boosting",
                "question": "Does boosting rank better?",
                "control": 3,
                "challenger": 4,
                "status": "running",
                "step": "slice",
                "weight": 0.05,
                "since": "2026-10-05T00:00:00+00:00",
                "started_at": "2026-10-01T00:00:00+00:00",
                "next_step": "ramp",
                "needs_approval": True,
                "decision": None,
                "reason": "looks well",
                "by": "ada",
            }
        ],
        "champions": [
            {
                "version": 3,
                "at": "2026-09-01T04:00:00+00:00",
                "action": "promotion",
                "by": "ann",
                "reason": "better",
            }
        ],
    }


def _publish_model(root: Path) -> None:
    folder = model_dir(root, 3)
    folder.mkdir(parents=True, exist_ok=True)
    plain = dict.fromkeys(
        ("calibration_slope", "calibration_intercept", "threshold", "base_rate"), 0.5
    )
    manifest = {
        **plain,
        "portfolio": PORTFOLIO,
        "version": 3,
        "algorithm": "xgboost",
        "features": [],
        "tiers": [],
        "metrics": {"auc": 0.83, "recall": 0.7},
        "training_months": ["2026-08"],
        "holdout_month": "2026-09",
        "data_snapshot": 1,
        "mlflow_run_id": "run",
        "code_version": "1",
        "smoke": {"features": [], "churn_probability": 0.5},
        "sha256": {},
    }
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    card = b"<html><body><h1>Card</h1><style>h1 { color: red; }</style></body></html>"
    (folder / "model_card.html").write_bytes(card)
