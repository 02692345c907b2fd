"""What dbt's profile and plugin read from the environment."""

import os
from dataclasses import replace

import msgspec

from churn_platform.storage.location import is_url
from churn_platform.warehouse.dbt_plugin import RETRIES, SECRET_KEY, SESSION_TOKEN, STORE
from churn_platform.warehouse.lake import Lake


def dbt_environment(lake: Lake) -> dict[str, str]:
    """The variables of `dbt_models/profiles.yml` for a lake."""
    return {
        "DBT_LAKE": f"ducklake:{lake.catalog}",
        "DBT_LAKE_FILES": lake.files,
        "DBT_EXTENSION_DIRECTORY": str(lake.extension_dir),
        "DBT_DUCKDB_THREADS": str(lake.threads),
        "DBT_DUCKDB_MEMORY_LIMIT": lake.memory_limit,
        "DBT_DUCKDB_TEMP_DIRECTORY": str(lake.temp_dir),
        "DO_NOT_TRACK": "1",
        RETRIES: str(lake.catalog_retries),
        **_store_environment(lake),
    }


def set_dbt_environment(lake: Lake) -> None:
    """Set them in this process, in which dbt runs and has no other way to be told."""
    os.environ.update(dbt_environment(lake))


def _store_environment(lake: Lake) -> dict[str, str]:
    """How dbt reaches the store of the lake's files; nothing where they are in a folder."""
    if not is_url(lake.files):
        return {}
    shown = replace(lake.store, secret_key="", session_token="")
    return {
        STORE: msgspec.json.encode(shown).decode(),
        SECRET_KEY: lake.store.secret_key,
        SESSION_TOKEN: lake.store.session_token,
    }
