{{ config(enabled='app_usage' in var('tables')) }}

with

spine as (
    select * from {{ ref('customer_months') }}
),

sessions as (
    -- .render() lifts dbt's filter to the month of the batch: in February 30 days begin in January
    select * from {{ ref('stg_app_usage').render() }}
    where {{ in_days_before_as_of('started_at', 30) }}
),

used as (
    select
        customer_id,
        count(*) as sessions,
        sum(duration_s) as session_seconds,
        count(*) filter (where screen = 'cancellation') as cancellation_views,
        max(started_at) as last_session_at,
    from sessions
    group by customer_id
),

app_use_of_spine as (
    select
        spine.customer_id,
        spine.month,
        coalesce(used.sessions, 0) as sessions,
        cast(coalesce(used.session_seconds, 0) as bigint) as session_seconds,
        coalesce(used.cancellation_views, 0) as cancellation_views,
        used.last_session_at,
    from spine
    left join used using (customer_id)
)

select * from app_use_of_spine
