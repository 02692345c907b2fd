"""An operator's own features: SQL beside a catalogue entry, and the tests that they must pass.

Begin with `portfolios/own_entries.py` (what is in the folder) and `checks.py` (what is tested).
`rendering.py` makes of a model the SQL that dbt makes of it for one month, without dbt.
"""
