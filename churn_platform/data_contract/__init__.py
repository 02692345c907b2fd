"""Does a landed month look like the operator's own months?

Begin with `judge.py` (pure: which findings stop a month, which warn). `measure.py` scans a month
once, `profile_tables.py` keeps the figures. Whether a single file can be read at all is decided
earlier, in `ingest/`.
"""
