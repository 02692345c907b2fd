"""What dbt's profile and plugin read from the environment."""

import os

from churn_platform.warehouse.lake import Lake


def dbt_environment(lake: Lake) -> dict[str, str]:
    """The variables of `dbt_models/profiles.yml` for a lake, and for a dbt that ends with this
    process.
    """
    return {
        "DBT_LAKE": f"ducklake:{lake.catalog}",
        "DBT_LAKE_FILES": lake.files,
        "DBT_EXTENSION_DIRECTORY": str(lake.extension_dir),
        "DBT_DUCKDB_THREADS": str(lake.threads),
        "DBT_DUCKDB_MEMORY_LIMIT": lake.memory_limit,
        "DBT_DUCKDB_TEMP_DIRECTORY": str(lake.temp_dir),
        "DBT_STARTED_BY": str(os.getpid()),
        "DO_NOT_TRACK": "1",
    }
