{#- The month a model is building, as a DATE: the window that dbt's microbatch strategy hands to each batch. -#}
{% macro batch_month() -%}
    {%- if model.batch -%}
        date '{{ model.batch.event_time_start.strftime("%Y-%m-%d") }}'
    {%- else -%}
        date '{{ model.config.begin }}'
    {%- endif -%}
{%- endmacro %}

{#- First day after the month being built, in the operator's calendar, as a DATE: for columns that are days. -#}
{% macro as_of_date() -%}
    cast({{ batch_month() }} + interval 1 month as date)
{%- endmacro %}

{#- First instant after the month being built, as a TIMESTAMP in UTC: no feature may know anything from here on. -#}
{% macro as_of() -%}
    {{ midnight(as_of_date()) }}
{%- endmacro %}

{#- The instant at which a day of the operator begins, as a TIMESTAMP in UTC. -#}
{% macro midnight(day) -%}
    {%- if var('timezone') == 'UTC' -%}
        cast({{ day }} as timestamp)
    {%- else -%}
        timezone('UTC', timezone('{{ var("timezone") }}', cast({{ day }} as timestamp)))
    {%- endif -%}
{%- endmacro %}

{#- A TIMESTAMP in UTC as the operator's clock shows it: for hours and days of events. By the newest changes of the
    clock before the end of the month; looking each instant up takes 25 times as long. -#}
{% macro local_time(event_time) -%}
    {%- if var('timezone') == 'UTC' -%}
        {{ event_time }}
    {%- else -%}
        {%- set month = model.batch.event_time_start.strftime('%Y-%m') if model.batch else '9999' -%}
        {%- set begun = [] -%}
        {%- for began, seconds in var('timezone_offsets') if began[:7] <= month -%}
            {%- do begun.append((began, seconds)) -%}
        {%- endfor -%}
        case
        {%- for began, seconds in begun[-4:] | reverse %}
            when {{ event_time }} >= timestamp '{{ began }}' then {{ event_time }} + interval ({{ seconds }}) second
        {%- endfor %}
            else timezone('{{ var("timezone") }}', timezone('UTC', {{ event_time }}))
        end
    {%- endif -%}
{%- endmacro %}

{#- The month so many months before the one being built, as a DATE. -#}
{% macro months_before(months) -%}
    cast({{ batch_month() }} - interval {{ months }} month as date)
{%- endmacro %}

{#- Whether an event is in the days before as_of; the bound on month keeps other partitions unread. -#}
{% macro in_days_before_as_of(event_time, days) -%}
    month between cast(date_trunc('month', {{ as_of_date() }} - {{ days }}) as date) and {{ batch_month() }}
    and {{ event_time }} >= {{ midnight(as_of_date() ~ ' - ' ~ days) }}
    and {{ event_time }} < {{ as_of() }}
{%- endmacro %}

{#- Days from an event to as_of by the operator's clock, with fractions; null for null. By the clock and not by
    the instants: at the end of summer time 90 days would be 90.04. -#}
{% macro days_to_as_of(event_time) -%}
    (epoch_us(cast({{ as_of_date() }} as timestamp)) - epoch_us({{ local_time(event_time) }})) / 86400e6
{%- endmacro %}

{#- A value against its own past, minus 1; null where the past is zero or unknown. -#}
{% macro relative_change(value, past) -%}
    {{ value }} / nullif({{ past }}, 0) - 1
{%- endmacro %}
