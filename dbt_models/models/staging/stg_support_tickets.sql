{{ config(enabled='support_tickets' in var('tables')) }}

with

landed as (
    select * from {{ source('raw', 'support_tickets') }}
),

renamed as (
    select
        month,
        ticket_id,
        customer_id,
        opened_at,
        category,
        escalated_at,
        resolved_at,
    from landed
)

select * from renamed
