with

landed as (
    select * from {{ source('raw', 'customers') }}
),

renamed as (
    select
        month,
        customer_id,
        signup_date,
        status,
        churn_date,
        contract_type,
        contract_end_date,
        payment_method,
        age_group,
        gender,
        region,
        plan_monthly_eur,
    from landed
)

select * from renamed
