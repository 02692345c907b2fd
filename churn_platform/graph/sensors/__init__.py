"""What starts a run by itself: a landed month, a flag of monitoring, a new champion, a failure.

Each sensor reads state, asks a pure function what to do, and returns run requests. The pure
functions are in `ingest/landed_months.py` and `monitoring/decision.py`.
"""
