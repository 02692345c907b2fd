"""The DuckLake: how it is opened, locked, written a month at a time, and kept small.

Begin with `lake.py` (open) and `tables.py` (replace a month in one transaction). `maintenance.py`
merges and expires files. What the tables mean is said in the packages that write them; dbt models
are in `dbt_models/`.
"""
