"""The assets, a module per stage of the story. An asset fetches, calls one function, and records.

The order of a month: ingest, data contract, features (`graph/dbt.py`), training, promotion,
publication, scoring, campaign, monitoring. What an asset computes is in the package of the same
name, without Dagster.
"""
