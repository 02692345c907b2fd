{#- The month a model is building, as a DATE: the window that dbt's microbatch strategy hands to each batch. -#}
{% macro batch_month() -%}
    {%- if model.batch -%}
        date '{{ model.batch.event_time_start.strftime("%Y-%m-%d") }}'
    {%- else -%}
        date '{{ model.config.begin }}'
    {%- endif -%}
{%- endmacro %}

{#- First instant after the month being built, as a TIMESTAMP in UTC: no feature may know anything from here on. -#}
{% macro as_of() -%}
    ({{ batch_month() }} + interval 1 month)
{%- endmacro %}

{#- The month so many months before the one being built, as a DATE. -#}
{% macro months_before(months) -%}
    cast({{ batch_month() }} - interval {{ months }} month as date)
{%- endmacro %}

{#- Whether an event is in the days before as_of; the bound on month keeps other partitions unread. -#}
{% macro in_days_before_as_of(event_time, days) -%}
    month between cast(date_trunc('month', {{ as_of() }} - interval {{ days }} day) as date) and {{ batch_month() }}
    and {{ event_time }} >= {{ as_of() }} - interval {{ days }} day
    and {{ event_time }} < {{ as_of() }}
{%- endmacro %}

{#- Days from an event to as_of, with fractions; null for null. -#}
{% macro days_to_as_of(event_time) -%}
    (epoch_us({{ as_of() }}) - epoch_us({{ event_time }})) / 86400e6
{%- endmacro %}

{#- A value against its own past, minus 1; null where the past is zero or unknown. -#}
{% macro relative_change(value, past) -%}
    {{ value }} / nullif({{ past }}, 0) - 1
{%- endmacro %}
