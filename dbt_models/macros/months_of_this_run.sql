{#- Whether a row belongs to the months of this invocation (--event-time-start, --event-time-end); true without them. -#}
{% macro months_of_this_run() -%}
    {%- set start = invocation_args_dict.get('event_time_start') -%}
    {%- set end = invocation_args_dict.get('event_time_end') -%}
    true
    {%- if start %} and month >= date '{{ (start | string)[:10] }}'{% endif -%}
    {%- if end %} and month < date '{{ (end | string)[:10] }}'{% endif -%}
{%- endmacro %}

{#- dbt's hook for the `where` of generic tests: lets them look at the months of this run only, not the whole table. -#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where -%}
        (select * from {{ relation }} where {{ where | replace('__months_of_this_run__', months_of_this_run()) }})
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
