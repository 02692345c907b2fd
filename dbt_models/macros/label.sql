{#- Customer and time of the events that the label's policy counts, from one day up to, but without, another. -#}
{% macro label_events(first, end) -%}
    {%- for events in var('label_events') %}
        {%- if not loop.first %}
        union all
        {%- endif %}
        select
            {{ events.customer }} as customer_id,
            {{ events.event_time }} as happened_at,
        from {{ ref('stg_' ~ events.table).render() }}
        where month between cast(date_trunc('month', {{ first }}) as date) and {{ batch_month() }}
        and {{ events.event_time }} >= {{ midnight(first) }}
        and {{ events.event_time }} < {{ midnight(end) }}
        {%- for column, values in events.where.items() %}
        and cast({{ column }} as varchar) in ('{{ values | join("', '") }}')
        {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{#- First day of the window in which a customer leaves or stays, of the label that matures in the month being built. -#}
{% macro label_window() -%}
    {{ months_before(var('label_outcome_months') - 1 - var('label_gap_months')) }}
{%- endmacro %}

{#- First day on which each customer is known to have left since the month of the features, by customer. -#}
{% macro departures() -%}
    select
        customer_id,
        min(churn_date) as churn_date,
    from {{ ref('stg_customers').render() }}
    where month > {{ months_before(var('label_outcome_months')) }} and month <= {{ batch_month() }}
    group by customer_id
{%- endmacro %}

{#- Whether every month of the window is there: in one that did not land, no customer would have done anything. -#}
{% macro label_months_have_landed() -%}
    (
        select count(distinct month)
        from {{ ref('stg_customers').render() }}
        where month between {{ label_window() }} and {{ batch_month() }}
    ) = {{ var('label_outcome_months') - var('label_gap_months') }}
{%- endmacro %}
