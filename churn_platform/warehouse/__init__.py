"""The DuckLake warehouse: opening it, writing a month in one transaction, and the dbt project that runs on it."""
