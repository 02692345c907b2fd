{{ config(enabled='transactions' in var('tables')) }}

with

payments as (
    select * from {{ ref('int_payments_monthly') }}
),

six_months as (
    -- .render() lifts dbt's filter to the month of the batch: sums are over six months
    select * from {{ ref('int_payments_monthly').render() }}
    where month between {{ months_before(5) }} and {{ batch_month() }}
),

totals as (
    select
        customer_id,
        sum(payments) as payments,
        sum(paid_eur) as paid_eur,
        sum(paid_eur_squared) as paid_eur_squared,
        max(last_paid_at) as last_paid_at,
        sum(late_payments) as late_payments,
        sum(failed_payments) as failed_payments,
        avg(payments) filter (where month between {{ months_before(3) }} and {{ months_before(1) }}) as payments_before,
    from six_months
    group by customer_id
),

features as (
    select
        payments.customer_id,
        payments.month,
        {{ days_to_as_of('totals.last_paid_at') }} as recency_days,
        cast(totals.payments as bigint) as frequency,
        cast(totals.paid_eur as double) as monetary_total,
        totals.paid_eur / nullif(totals.payments, 0) as monetary_avg,
        sqrt(
            (totals.payments * totals.paid_eur_squared - totals.paid_eur * totals.paid_eur)
            / nullif(totals.payments * (totals.payments - 1), 0)
        ) as monetary_std,
        payments.payments as recent_frequency,
        cast(payments.paid_eur as double) as recent_monetary,
        {{ relative_change('payments.payments', 'totals.payments_before') }} as activity_trend,
        cast(totals.late_payments as bigint) as late_payments_6m,
        cast(totals.failed_payments as bigint) as failed_payments_6m,
    from payments
    inner join totals using (customer_id)
)

select * from features
