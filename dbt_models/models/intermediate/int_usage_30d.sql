{{ config(enabled='cdr' in var('tables')) }}

with

spine as (
    select * from {{ ref('customer_months') }}
),

records as (
    -- .render() lifts dbt's filter to the month of the batch: in February 30 days begin in January
    select * from {{ ref('stg_cdr').render() }}
    where {{ in_days_before_as_of('started_at', 30) }}
),

marked as (
    select
        *,
        record_type = 'voice' as is_call,
        -- summed exactly, so that the order in which threads add up cannot change the last digit
        cast(data_mb as decimal(18, 6)) as exact_mb,
        1::bigint << date_diff('day', {{ as_of_date() }} - 30, cast({{ local_time('started_at') }} as date)) as day_bit,
    from records
),

used as (
    select
        customer_id,
        count(*) filter (where is_call) as calls,
        sum(duration_s) filter (where is_call) as call_seconds,
        count(*) filter (where is_call and is_international) as international_calls,
        count(*) filter (where is_call and is_outgoing) as outgoing_calls,
        count(*) filter (where is_call and hour({{ local_time('started_at') }}) between 8 and 19) as peak_hour_calls,
        count(*) filter (where is_call and is_dropped) as dropped_calls,
        count(*) filter (where record_type = 'sms') as texts,
        sum(exact_mb) as data_mb,
        -- approximate (HyperLogLog): an exact count costs several times as much, and a model does
        -- not need it
        approx_count_distinct(contact_number_hash) filter (where is_outgoing) as contacts,
        -- one bit for each of 30 days: counts distinct days without a hash table for each customer
        bit_count(bit_or(day_bit)) as active_days,
        max(started_at) as last_used_at,
    from marked
    group by customer_id
),

usage_of_spine as (
    select
        spine.customer_id,
        spine.month,
        coalesce(used.calls, 0) as calls,
        cast(coalesce(used.call_seconds, 0) as bigint) as call_seconds,
        coalesce(used.international_calls, 0) as international_calls,
        coalesce(used.outgoing_calls, 0) as outgoing_calls,
        coalesce(used.peak_hour_calls, 0) as peak_hour_calls,
        coalesce(used.dropped_calls, 0) as dropped_calls,
        coalesce(used.texts, 0) as texts,
        cast(coalesce(used.data_mb, 0) as decimal(18, 6)) as data_mb,
        cast(coalesce(used.contacts, 0) as bigint) as contacts,
        cast(coalesce(used.active_days, 0) as bigint) as active_days,
        used.last_used_at,
    from spine
    left join used using (customer_id)
)

select * from usage_of_spine
