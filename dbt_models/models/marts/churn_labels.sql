with

spine as (
    -- .render(): a plain ref() would be filtered to the batch's own month (microbatch with
    -- event_time), and the spine of a label is an earlier month
    select * from {{ ref('customer_months').render() }}
    where month = {{ months_before(var('label_outcome_months')) }}
),

matured as (
    {% if var('label_policy') == 'inactivity' -%}
    {{ labels_by_inactivity() }}
    {%- elif var('label_policy') == 'non_renewal' -%}
    {{ labels_by_non_renewal() }}
    {%- else -%}
    {{ labels_by_churn_date() }}
    {%- endif %}
)

select * from matured
