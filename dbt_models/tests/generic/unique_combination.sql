{#- Fails for every combination of the columns that occurs more than once. -#}
{% test unique_combination(model, columns) %}
with

duplicates as (
    select
        {{ columns | join(', ') }},
        count(*) as row_count,
    from {{ model }}
    group by all
    having count(*) > 1
)

select * from duplicates
{% endtest %}
