{{ config(enabled='transactions' in var('tables')) }}

with

spine as (
    select * from {{ ref('customer_months') }}
),

-- decimal sums are exact: a re-run gives the same digits, and equal payments have a deviation of exactly zero
payments as (
    select
        *,
        cast(amount_eur as decimal(18, 4)) as exact_eur,
    from {{ ref('stg_transactions') }}
),

paid as (
    select
        customer_id,
        count(*) as payments,
        sum(exact_eur) as paid_eur,
        sum(exact_eur * exact_eur) as paid_eur_squared,
        max(transacted_at) as last_paid_at,
        count(*) filter (where days_late > 0) as late_payments,
        count(*) filter (where is_failed) as failed_payments,
    from payments
    group by customer_id
),

payments_of_spine as (
    select
        spine.customer_id,
        spine.month,
        coalesce(paid.payments, 0) as payments,
        cast(coalesce(paid.paid_eur, 0) as decimal(18, 4)) as paid_eur,
        cast(coalesce(paid.paid_eur_squared, 0) as decimal(38, 8)) as paid_eur_squared,
        paid.last_paid_at,
        coalesce(paid.late_payments, 0) as late_payments,
        coalesce(paid.failed_payments, 0) as failed_payments,
    from spine
    left join paid using (customer_id)
)

select * from payments_of_spine
