-- A customer of the spine leaves by a churn date, never by vanishing from the file: that is a broken feed.
{{ config(meta={'dagster': {'ref': {'name': 'customer_months'}}}) }}

with

customers as (
    select customer_id, month from {{ ref('stg_customers') }}
    where {{ months_of_this_run() }}
),

expected as (
    select
        customer_id,
        cast(month + interval 1 month as date) as month,
    from {{ ref('customer_months') }}
    where month >= (select min(month) - interval 1 month from customers)
),

missing as (
    select expected.*
    from expected
    semi join customers on expected.month = customers.month
    anti join customers using (customer_id, month)
)

select * from missing
