"""What is measured of an installation for Prometheus, by reading what the platform keeps.

Begin with `readings.py`, which lists every metric. `sources.py` reads each store by itself and
keeps what it read; `collector.py` hands all of it to Prometheus. What Dagster knows is read in
`churn_platform/graph/dagster_readings.py`.
"""
