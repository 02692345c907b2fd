with

landed as (
    select * from {{ source('telecomit_raw', 'app_usage') }}
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
