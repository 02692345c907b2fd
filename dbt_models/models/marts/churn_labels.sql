with

outcomes as (
    select * from {{ ref('stg_customers') }}
),

spine as (
    -- .render(): a plain ref() would be filtered to the batch's own month (microbatch with
    -- event_time), and the spine of a label is an earlier month
    select * from {{ ref('customer_months').render() }}
    where month = {{ months_before(1 + var('label_gap_months')) }}
),

-- a customer of the spine without an outcome is a broken feed (a test fails), never a label
matured as (
    select
        spine.customer_id,
        -- keyed by the month of the outcome: keyed by features_month, a month would depend on the
        -- next one
        outcomes.month,
        spine.month as features_month,
        -- leaving is an explicit date: absence from a file cannot be told from a broken feed
        coalesce(outcomes.churn_date < {{ as_of() }}, false) as churned,
    from spine
    inner join outcomes using (customer_id)
    where outcomes.churn_date is null or outcomes.churn_date >= outcomes.month
)

select * from matured
