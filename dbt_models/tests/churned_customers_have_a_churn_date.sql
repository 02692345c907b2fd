-- Labels follow the churn date alone: a file whose dates came empty or late would make everybody who left a stayer.
{{ config(meta={'dagster': {'ref': {'name': 'stg_customers'}}}) }}

with

customers as (
    select * from {{ ref('stg_customers') }}
    where {{ months_of_this_run() }}
),

contradicting as (
    select *
    from customers
    where (status = 'churned') != coalesce(churn_date < month + interval 1 month, false)
)

select * from contradicting
