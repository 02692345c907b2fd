{{ config(meta={'dagster': {'ref': {'name': 'features_support'}}}) }}

with

out_of_range as (
    select * from {{ ref('features_support') }}
    where {{ months_of_this_run() }}
    and (frustration_index is null or frustration_index not between 0 and 1)
)

select * from out_of_range
