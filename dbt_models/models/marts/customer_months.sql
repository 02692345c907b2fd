with

customers as (
    select * from {{ ref('stg_customers') }}
),

{% if var('label_policy') == 'inactivity' -%}
active as (
    select distinct customer_id
    from ({{ label_events(as_of_date() ~ ' - ' ~ var('label_days'), as_of_date()) }})
),

{% endif -%}

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
    where (churn_date is null or churn_date >= {{ as_of_date() }})
    {%- if var('label_policy') == 'inactivity' %}
    -- who has joined within these days has had no time to be silent for so long
    and (
        customer_id in (select customer_id from active)
        or signup_date > {{ as_of_date() }} - {{ var('label_days') }}
    )
    {%- elif var('label_policy') == 'non_renewal' %}
    -- who has no running commitment has none to renew
    and contract_end_date >= {{ as_of_date() }}
    {%- endif %}
)

select * from active_at_as_of
