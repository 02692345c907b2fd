with

outcomes as (
    select * from {{ ref('stg_customers') }}
),

spine as (
    select * from {{ ref('customer_months').render() }}
    where month = {{ months_before(1 + var('label_gap_months')) }}
),

-- a customer of the spine without an outcome is a broken feed (a test fails), never a label
matured as (
    select
        spine.customer_id,
        outcomes.month,
        spine.month as features_month,
        coalesce(outcomes.churn_date < {{ as_of() }}, false) as churned,
    from spine
    inner join outcomes using (customer_id)
    where outcomes.churn_date is null or outcomes.churn_date >= outcomes.month
)

select * from matured
