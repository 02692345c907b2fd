"""Monthly churn scores from raw operator tables, as one graph of Dagster assets over a DuckLake."""
