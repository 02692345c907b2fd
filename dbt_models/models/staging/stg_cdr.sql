{{ config(enabled='cdr' in var('tables')) }}

with

landed as (
    select * from {{ source('raw', 'cdr') }}
),

renamed as (
    select
        month,
        record_id,
        customer_id,
        started_at,
        record_type,
        is_outgoing,
        contact_number_hash,
        duration_s,
        data_mb,
        is_international,
        is_dropped,
    from landed
)

select * from renamed
