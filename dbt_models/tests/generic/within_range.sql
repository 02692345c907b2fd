{#- Fails for every value below `low` or above `high`, both inclusive; either may be none. -#}
{% test within_range(model, column_name, low, high) %}
with

outside as (
    select * from {{ model }}
    where false
    {%- if low is not none %}
    or {{ column_name }} < {{ low }}
    {%- endif %}
    {%- if high is not none %}
    or {{ column_name }} > {{ high }}
    {%- endif %}
)

select * from outside
{% endtest %}
