"""Tells an error about a file of the lake from every other, by its text: DuckDB has no kind of it,
and Dagster keeps of an error its text alone.
"""

import re

CURE = "`churn check-lake` names damaged files of the lake and the command that heals each"
LAKE_FILE = re.compile(r"\bError: .*\bducklake-[0-9a-f-]+\.parquet")


def damaged_file(error: BaseException) -> str | None:
    """What heals a file of the lake that could not be read; None for any other error."""
    return CURE if LAKE_FILE.search(str(error)) else None
