{#- Each portfolio has schemas of its own: `<portfolio>`, and `<portfolio>_staging` for views. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ var('portfolio') }}{{ '_' ~ custom_schema_name if custom_schema_name }}
{%- endmacro %}
