{{ config(enabled='app_usage' in var('tables')) }}

with

app_use as (
    select * from {{ ref('int_app_30d') }}
),

three_months_before as (
    select
        customer_id,
        avg(sessions) as sessions,
    -- .render() lifts dbt's filter to the month of the batch: the trend compares with earlier
    -- months
    from {{ ref('int_app_30d').render() }}
    where month between {{ months_before(3) }} and {{ months_before(1) }}
    group by customer_id
),

features as (
    select
        app_use.customer_id,
        app_use.month,
        app_use.sessions as app_sessions_30d,
        app_use.session_seconds / 60 as app_minutes_30d,
        app_use.cancellation_views as cancellation_views_30d,
        {{ relative_change('app_use.sessions', 'three_months_before.sessions') }} as app_sessions_trend_3m,
        {{ days_to_as_of('app_use.last_session_at') }} as days_since_last_app_session,
    from app_use
    left join three_months_before using (customer_id)
)

select * from features
