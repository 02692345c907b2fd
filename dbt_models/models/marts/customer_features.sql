{#- The model with the features of each landed table; what a portfolio has not landed, it has no features of. -#}
{%- set models_of = {
    'transactions': 'features_rfm',
    'cdr': 'features_usage',
    'support_tickets': 'features_support',
    'app_usage': 'features_app',
} -%}
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

{% for table, model in models_of.items() if table in var('tables') -%}
{{ model }} as (
    select * from {{ ref(model) }}
),

{% endfor -%}
{% for name in var('own_features') -%}
own_{{ name }} as (
    select * from {{ ref('own_' ~ name) }}
),

{% endfor -%}
-- every join is one to one: each table has at most one row per customer of the spine
features as (
    select
        spine.customer_id,
        spine.month,
        date_diff('day', spine.signup_date, {{ as_of_date() }}) as tenure_days,
        {%- for table, model in models_of.items() if table in var('tables') %}
        {{ model }}.* exclude (customer_id, month),
        {%- endfor %}
        {%- for name in var('own_features') %}
        own_{{ name }}.{{ name }},
        {%- endfor %}
        spine.contract_type,
        spine.payment_method,
        spine.age_group,
        spine.region,
        spine.plan_monthly_eur,
        spine.plan_monthly_eur - spine_three_months_ago.plan_monthly_eur as price_change_3m_eur,
        date_diff('day', {{ as_of_date() }}, spine.contract_end_date) as days_to_contract_end,
        coalesce(spine.contract_end_date < {{ as_of_date() }}, false) as is_out_of_contract,
    from spine
    left join spine_three_months_ago using (customer_id)
    {%- for table, model in models_of.items() if table in var('tables') %}
    left join {{ model }} using (customer_id)
    {%- endfor %}
    {%- for name in var('own_features') %}
    left join own_{{ name }} using (customer_id)
    {%- endfor %}
),

-- in the order of the catalogue, whatever the order above
in_catalogue_order as (
    select
        customer_id,
        month,
        {%- for name in var('features') %}
        {{ name }},
        {%- endfor %}
    from features
)

select * from in_catalogue_order
