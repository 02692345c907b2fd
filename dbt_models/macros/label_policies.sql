{#- A policy each: the customers of `spine` whose label matures in the month being built, and whether they left. Who
    left between the features and the window has none: such a customer could not leave in it. -#}

{#- Left by a date of leaving in the month being built. -#}
{% macro labels_by_churn_date() -%}
    with

    outcomes as (
        select * from {{ ref('stg_customers') }}
    )

    -- a customer of the spine without an outcome is a broken feed (a test fails), never a label
    select
        spine.customer_id,
        -- keyed by the month of the outcome: keyed by features_month, a month would depend on the
        -- next one
        outcomes.month,
        spine.month as features_month,
        -- leaving is an explicit date: absence from a file cannot be told from a broken feed
        coalesce(outcomes.churn_date < {{ as_of_date() }}, false) as churned,
    from spine
    inner join outcomes using (customer_id)
    where outcomes.churn_date is null or outcomes.churn_date >= outcomes.month
{%- endmacro %}

{#- Left by no chargeable event in the days from the begin of the window on, or by a date of leaving in them. -#}
{% macro labels_by_inactivity() -%}
    {%- set days = var('label_days') -%}
    {%- set silent_since = label_window() ~ ' - ' ~ days -%}
    {%- set silent_until = label_window() ~ ' + ' ~ days -%}
    with

    activity as (
        select
            customer_id,
            bool_or(happened_at < {{ midnight(label_window()) }}) as is_active_before,
            bool_or(happened_at >= {{ midnight(label_window()) }}) as is_active_within,
        from ({{ label_events(silent_since, silent_until) }})
        group by customer_id
    ),

    departures as (
        {{ departures() }}
    )

    select
        spine.customer_id,
        {{ batch_month() }} as month,
        spine.month as features_month,
        not coalesce(activity.is_active_within, false)
            or coalesce(departures.churn_date < {{ silent_until }}, false) as churned,
    from spine
    left join activity using (customer_id)
    left join departures using (customer_id)
    where (departures.churn_date is null or departures.churn_date >= {{ label_window() }})
    -- silent for so many days before the window already, though not yet at as_of
    and (coalesce(activity.is_active_before, false) or spine.signup_date > {{ silent_since }})
    and {{ label_months_have_landed() }}
{%- endmacro %}

{#- Left by a commitment that ended in the month of the window and was not renewed, or by a date of leaving in it. -#}
{% macro labels_by_non_renewal() -%}
    {%- set end_of_window = 'cast(' ~ label_window() ~ ' + interval 1 month as date)' -%}
    {%- set days = var('label_days') -%}
    with

    commitments as (
        -- as known when the window begins: within a gap one may have been renewed
        select
            customer_id,
            contract_end_date,
        from {{ ref('stg_customers').render() }}
        where month = cast({{ label_window() }} - interval 1 month as date)
    ),

    {% if var('label_events') -%}
    renewals as (
        select distinct commitments.customer_id
        from commitments
        inner join ({{ label_events(label_window(), end_of_window ~ ' + ' ~ days) }}) as events
            using (customer_id)
        where cast({{ local_time('happened_at') }} as date)
            between contract_end_date and contract_end_date + {{ days }}
    ),
    {%- else -%}
    renewals as (
        -- a row of customers says how things stand at the end of its month
        select distinct commitments.customer_id
        from commitments
        inner join {{ ref('stg_customers').render() }} as later using (customer_id)
        where later.month between {{ label_window() }} and {{ batch_month() }}
        and later.contract_end_date > commitments.contract_end_date
    ),
    {%- endif %}

    departures as (
        {{ departures() }}
    )

    select
        spine.customer_id,
        {{ batch_month() }} as month,
        spine.month as features_month,
        (commitments.contract_end_date < {{ end_of_window }} and renewals.customer_id is null)
            or coalesce(departures.churn_date < {{ end_of_window }}, false) as churned,
    from spine
    inner join commitments using (customer_id)
    left join renewals using (customer_id)
    left join departures using (customer_id)
    where (departures.churn_date is null or departures.churn_date >= {{ label_window() }})
    and commitments.contract_end_date >= {{ label_window() }}
    and {{ label_months_have_landed() }}
{%- endmacro %}
