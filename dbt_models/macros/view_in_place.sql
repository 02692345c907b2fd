{#-
  A view is replaced in place, by one statement. dbt would make another one, rename both and drop the old: four commits
  that fail if two hosts run at once, and of which a kill leaves some undone.
-#}
{% materialization view, adapter='duckdb' -%}
    {%- set relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') -%}
        create or replace view {{ relation }} as (
            {{ sql }}
        )
    {%- endcall %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{%- endmaterialization %}
