"""Exported contact lists without the customer: each that holds one is exported
again from its table.
"""

from pathlib import Path

import duckdb

from churn_platform.campaign.export import export_contact_list
from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import find
from churn_platform.months import parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.atomic_files import remove_stale


def erase_from_exports(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    exports_dir: Path,
    subject: ErasedCustomer,
) -> list[str]:
    """The months whose lists were exported again; the customer's rows must have left the table."""
    rewritten = []
    for folder in sorted((exports_dir / portfolio.name / "contact_list").glob("[0-9]*")):
        remove_stale(folder)  # a kill between the new folder and the removal of the old one
        if find(connection, folder.iterdir(), subject):
            export_contact_list(connection, portfolio, parse_month(folder.name), exports_dir)
            rewritten.append(folder.name)

    return rewritten
