with

customers as (
    select * from {{ ref('stg_customers') }}
),

active_at_as_of as (
    select
        customer_id,
        month,
        {{ as_of() }} as as_of,
        signup_date,
        contract_type,
        contract_end_date,
        payment_method,
        age_group,
        gender,
        region,
        plan_monthly_eur,
    from customers
    -- who has left before as_of cannot leave again, so such a customer is not scored and has no
    -- label
    where churn_date is null or churn_date >= {{ as_of() }}
)

select * from active_at_as_of
