{{ config(enabled='cdr' in var('tables')) }}

with

usage as (
    select * from {{ ref('int_usage_30d') }}
),

three_months_before as (
    select
        customer_id,
        avg(calls) as calls,
        avg(data_mb) as data_mb,
    -- .render() lifts dbt's filter to the month of the batch: the trend compares with earlier
    -- months
    from {{ ref('int_usage_30d').render() }}
    where month between {{ months_before(3) }} and {{ months_before(1) }}
    group by customer_id
),

features as (
    select
        usage.customer_id,
        usage.month,
        usage.calls as calls_count_30d,
        usage.call_seconds / 60 / nullif(usage.calls, 0) as calls_duration_avg_30d,
        usage.call_seconds / 60 as calls_duration_total_30d,
        cast(usage.data_mb as double) / 1000 as data_usage_gb_30d,
        usage.texts as sms_count_30d,
        usage.international_calls / nullif(usage.calls, 0) as international_calls_ratio,
        usage.outgoing_calls / nullif(usage.calls, 0) as outgoing_calls_ratio,
        usage.peak_hour_calls / nullif(usage.calls, 0) as peak_hour_ratio,
        usage.dropped_calls / nullif(usage.calls, 0) as dropped_calls_ratio,
        usage.contacts as unique_contacts_30d,
        usage.active_days as active_days_30d,
        {{ days_to_as_of('usage.last_used_at') }} as days_since_last_use,
        {{ relative_change('usage.calls', 'three_months_before.calls') }} as calls_trend_3m,
        {{ relative_change('usage.data_mb', 'three_months_before.data_mb') }} as data_usage_trend_3m,
    from usage
    left join three_months_before using (customer_id)
)

select * from features
