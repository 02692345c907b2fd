"""Tells what a store of files says from every other error of DuckDB, by its text: DuckDB has one
class for all that HTTP meets, and dbt and Dagster keep of an error its text alone.
"""

import re

from churn_platform.errors import StoreError, StoreRefusedError, StoreUnreachableError
from churn_platform.masking import hide
from churn_platform.storage.location import bucket_of, is_url
from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.lake_store import SETTING

HTTP = re.compile(r"\bHTTP (?:Error|GET|PUT|POST|HEAD|DELETE)\b")
REFUSED = re.compile(r"\bHTTP (?:code )?40[13]\b")
NO_BUCKET = re.compile(r"\bNoSuchBucket\b")
NO_FILE = re.compile(r"\bHTTP (?:code )?404\b")  # which is damage of the lake; its store is well


def store_error(error: BaseException, files: str, options: StoreOptions) -> StoreError | None:
    """The one error for whatever the lake's store said; None for an error of another kind."""
    text = str(error)
    if not is_url(files) or isinstance(error, StoreError) or not HTTP.search(text):
        return None
    if NO_FILE.search(text) and not NO_BUCKET.search(text):
        return None
    endpoint = f" at {options.endpoint_url}" if options.endpoint else ""
    place = f"{files} ({SETTING}){endpoint}"
    line = hide(next(iter(text.splitlines()), ""), options.secrets())
    if NO_BUCKET.search(text):
        return StoreRefusedError(
            f"{place} has no bucket {bucket_of(files)}; make it, or correct {SETTING} or "
            "CHURN_STORE_ENDPOINT"
        )
    if REFUSED.search(text):
        return StoreRefusedError(
            f"{place} refused a request: {line}; check CHURN_STORE_KEY_ID, "
            f"CHURN_STORE_SECRET_KEY and the bucket in {SETTING}"
        )
    return StoreUnreachableError(
        f"{place} does not answer: {line}; check CHURN_STORE_ENDPOINT and CHURN_STORE_SSL, and "
        "whether the store is up, and run again"
    )
