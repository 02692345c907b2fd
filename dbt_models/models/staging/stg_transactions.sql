{{ config(enabled='transactions' in var('tables')) }}

with

landed as (
    select * from {{ source('raw', 'transactions') }}
),

renamed as (
    select
        month,
        transaction_id,
        customer_id,
        transacted_at,
        transaction_type,
        amount_eur,
        days_late,
        is_failed,
    from landed
)

select * from renamed
