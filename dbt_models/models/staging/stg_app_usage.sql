{{ config(enabled='app_usage' in var('tables')) }}

with

landed as (
    select * from {{ source('raw', 'app_usage') }}
),

renamed as (
    select
        month,
        session_id,
        customer_id,
        started_at,
        duration_s,
        screen,
    from landed
)

select * from renamed
