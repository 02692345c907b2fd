{{ config(enabled='support_tickets' in var('tables')) }}

with

spine as (
    select * from {{ ref('customer_months') }}
),

tickets as (
    -- .render() lifts dbt's filter to the month of the batch: 90 days reach into earlier months
    select * from {{ ref('stg_support_tickets').render() }}
    where {{ in_days_before_as_of('opened_at', 90) }}
),

-- what happens to a ticket at as_of or later has not happened yet
known_at_as_of as (
    select
        customer_id,
        opened_at,
        category = 'complaint' as is_complaint,
        coalesce(escalated_at < {{ as_of() }}, false) as is_escalated,
        case when resolved_at < {{ as_of() }} then resolved_at end as resolved_at,
    from tickets
),

counted as (
    select
        customer_id,
        count(*) as tickets,
        count(*) filter (where is_escalated) as escalations,
        count(*) filter (where is_complaint) as complaints,
        count(*) filter (where resolved_at is null) as unresolved,
        avg(epoch_us(resolved_at) - epoch_us(opened_at)) / 3600e6 as resolution_h,
        max(opened_at) as last_opened_at,
    from known_at_as_of
    group by customer_id
),

features as (
    select
        spine.customer_id,
        spine.month,
        coalesce(counted.tickets, 0) as support_tickets_90d,
        coalesce(counted.escalations, 0) as support_escalations_90d,
        counted.resolution_h as avg_resolution_time_h,
        counted.complaints / counted.tickets as complaint_ratio,
        coalesce(counted.unresolved, 0) as unresolved_tickets,
        least(2 * support_tickets_90d + 5 * support_escalations_90d + 3 * unresolved_tickets, 20) / 20
            as frustration_index,
        {{ days_to_as_of('counted.last_opened_at') }} as days_since_last_ticket,
    from spine
    left join counted using (customer_id)
)

select * from features
