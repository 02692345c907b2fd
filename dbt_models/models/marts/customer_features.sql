with

spine as (
    select * from {{ ref('customer_months') }}
),

spine_three_months_ago as (
    select
        customer_id,
        plan_monthly_eur,
    -- .render(): without it dbt filters the ref to the month of the batch, and this reads an
    -- earlier one
    from {{ ref('customer_months').render() }}
    where month = {{ months_before(3) }}
),

rfm as (
    select * from {{ ref('features_rfm') }}
),

usage as (
    select * from {{ ref('features_usage') }}
),

support as (
    select * from {{ ref('features_support') }}
),

app as (
    select * from {{ ref('features_app') }}
),

-- every join is one to one: each table has at most one row per customer of the spine
features as (
    select
        spine.customer_id,
        spine.month,
        rfm.recency_days,
        rfm.frequency,
        rfm.monetary_total,
        rfm.monetary_avg,
        rfm.monetary_std,
        date_diff('day', spine.signup_date, cast(spine.as_of as date)) as tenure_days,
        rfm.recent_frequency,
        rfm.recent_monetary,
        rfm.activity_trend,
        rfm.late_payments_6m,
        rfm.failed_payments_6m,
        usage.* exclude (customer_id, month),
        support.* exclude (customer_id, month),
        app.* exclude (customer_id, month),
        spine.contract_type,
        spine.payment_method,
        spine.age_group,
        spine.region,
        spine.plan_monthly_eur,
        spine.plan_monthly_eur - spine_three_months_ago.plan_monthly_eur as price_change_3m_eur,
        date_diff('day', cast(spine.as_of as date), spine.contract_end_date) as days_to_contract_end,
        coalesce(spine.contract_end_date < spine.as_of, false) as is_out_of_contract,
    from spine
    left join spine_three_months_ago using (customer_id)
    left join rfm using (customer_id)
    left join usage using (customer_id)
    left join support using (customer_id)
    left join app using (customer_id)
)

select * from features
