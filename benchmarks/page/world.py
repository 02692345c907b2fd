"""A published month of many customers, made up in SQL: the columns and sizes are those of
`read_model/publish.py`, the values mean nothing.
"""

from pathlib import Path

import duckdb
import msgspec

from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import Tier
from churn_platform.published.page_bundle import (
    CONTACTS_FILE,
    FIGURES_FILE,
    PHONES_FILE,
    Fact,
    Figures,
    PageManifest,
    PublishedCampaign,
    PublishedOffer,
    page_dir,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.read_model.parts import LOOK_UP_ROWS, parquet_options, write_customers

PORTFOLIO, MONTH = "telecomit", "2026-10"
TIERS = (Tier("critical", 0.3), Tier("high", 0.1), Tier("medium", 0.03), Tier("low", 0.0))
OFFERS = (
    PublishedOffer("call", "phone", 35.0, 0.4),
    PublishedOffer("message", "sms", 2.0, 0.1),
    PublishedOffer("letter", "post", 5.0, 0.15),
)
FACTS = tuple(
    Fact(name, kind, unit, f"Fact {name}.", (), (None, None), True)
    for name, kind, unit in (
        ("contract_type", "category", None),
        ("payment_method", "category", None),
        ("plan_monthly_eur", "number", "EUR"),
        ("days_to_contract_end", "integer", "days"),
        ("dropped_calls_ratio", "number", "ratio"),
    )
)
CUSTOMERS = """
    with drawn as (
        select
            'T' || lpad(number::varchar, 8, '0') as customer_id,
            -- mean 2.3 %, a long tail
            least(0.97, 0.023 * -ln(1 - (hash(number) % 1000003) / 1000004.0)
                * (1 + (hash(number, 1) % 100) / 25.0) / 3) as churn_probability,
            number,
        from range({customers}) as numbers(number)
    )
    select
        customer_id,
        churn_probability,
        case when churn_probability >= 0.3 then 'critical' when churn_probability >= 0.1
            then 'high' when churn_probability >= 0.03 then 'medium' else 'low' end as risk_tier,
        case when churn_probability >= 0.3 then 1 when churn_probability >= 0.1
            then 2 when churn_probability >= 0.03 then 3 else 4 end as tier_place,
        (hash(number, 2) % 10 + 1)::integer as decile,
        case when churn_probability < 0.03 then []::varchar[] else [
            (hash(number, 3) % 9)::varchar || ' visits to the cancellation screen',
            'Calls fell ' || (hash(number, 4) % 90)::varchar || ' % against the last three months',
            'Contract: month to month'
        ] end as reasons,
        churn_probability * (hash(number, 5) % 200) / 100.0 as previous_probability,
        'low' as previous_tier,
        4 as previous_tier_place,
        list_transform(range(12), lambda month: date '2025-11-01' + to_months(month::integer))
            as history_months,
        list_transform(range(12), lambda month: churn_probability
            * (50 + hash(number, month) % 100) / 100.0) as history_scores,
        case hash(number, 6) % 20 when 0 then 'opted_out' when 1 then 'recently_contacted'
            else case when churn_probability < 0.2 then 'not_worth_it' when number % 20 = 0
            then 'control' else 'contact' end end as decision,
        case when churn_probability >= 0.2 then number end as list_rank,
        null::bigint as ranks_beyond,
        case when churn_probability < 0.2 then 35 - churn_probability * 72 end as shortfall_eur,
        null::date as last_contact_month,
        'call' as offer,
        'phone' as channel,
        churn_probability * 72 - 35 as expected_profit_eur,
        35.0::double as contact_cost_eur,
        120.0 + hash(number, 7) % 400 as customer_value_eur,
        'month_to_month' as fact_contract_type,
        'direct_debit' as fact_payment_method,
        (9 + hash(number, 8) % 60)::double as fact_plan_monthly_eur,
        (hash(number, 9) % 700)::bigint as fact_days_to_contract_end,
        (hash(number, 10) % 100) / 1000.0 as fact_dropped_calls_ratio,
        hash(number, 11) % 50 = 0 as is_newly_at_risk,
    from drawn
    order by customer_id
"""
PHONES = """
    select hash(number)::ubigint as phone_hash, 'T' || lpad(number::varchar, 8, '0') as customer_id
    from range({customers}) as numbers(number)
    order by phone_hash
"""
CONTACTS = """
    select
        'k' || number as outcome_id,
        'T' || lpad((number * 7)::varchar, 8, '0') as customer_id,
        timestamp '2026-03-01 10:00' as contacted_at,
        'phone' as channel,
        'call' as offer,
        'declined' as answer,
        null::varchar as reason,
        null::date as call_back_on,
        false as do_not_contact,
    from range({customers} // 10) as numbers(number)
    order by customer_id
"""
TABLES = (
    *("campaign_economics", "campaign_sensitivity", "campaign_outcome", "uplift_challenger"),
    *("fairness_report", "explanations", "retraining_decision", "prediction_drift"),
    *("model_performance", "feature_drift", "evaluations", "waiting", "champions", "months"),
    "decisions",
)


def publish(published: Path, customers: int) -> Path:
    """Write the month; its folder."""
    target = page_dir(published / PORTFOLIO, MONTH)
    with new_folder(target) as draft:
        with duckdb.connect() as connection:
            made = CUSTOMERS.format(customers=customers)
            _, parts = write_customers(connection, draft, made)
            options = parquet_options(LOOK_UP_ROWS)
            for name, query in ((PHONES_FILE, PHONES), (CONTACTS_FILE, CONTACTS)):
                made = query.format(customers=customers)
                connection.execute(f"copy ({made}) to '{draft / name}' ({options})")
        figures = Figures({name: [] for name in TABLES})
        (draft / FIGURES_FILE).write_bytes(msgspec.json.encode(figures))
        manifest = PageManifest(
            portfolio=PORTFOLIO,
            title="A large operator",
            month=MONTH,
            customers=customers,
            scored_by=1,
            tiers=TIERS,
            facts=FACTS,
            campaign=PublishedCampaign(OFFERS, 500_000.0, None, 20, 3, "handed over", "made up"),
            parts=parts,
            sha256={path.name: file_sha256(path) for path in sorted(draft.iterdir())},
        )
        write_manifest(draft, manifest)
    return target
