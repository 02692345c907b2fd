"""The page's files without the customer: each published month that holds the id is written again;
lines of the access log and of lists that were handed over, and recorded outcomes that the page
shows, go.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import msgspec

from churn_platform.erasure.answer_logs import erase_from_logs
from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.search import find
from churn_platform.published.atomic_files import new_folder, remove_stale, write_manifest
from churn_platform.published.page_bundle import (
    CUSTOMER_FILES,
    CUSTOMERS_FILE,
    PAGE_DIR,
    read_page_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.read_model.publish import PARQUET
from churn_platform.sql import literal, read_parquet

LINES = ("access", "handed_over")
"""Folders of the page's state with text files, a line for each customer."""
DATABASE = "page.sqlite"


def erase_from_pages(
    connection: duckdb.DuckDBPyConnection, root: Path, subject: ErasedCustomer
) -> list[str]:
    """The months of a portfolio's read model that were written again without the customer."""
    rewritten = []
    for folder in sorted((root / PAGE_DIR).glob("[0-9]*")):
        remove_stale(folder)  # a kill between the new folder and the removal of the old one
        if find(connection, folder.iterdir(), subject):
            _write_others(connection, folder, subject)
            rewritten.append(folder.name)
    return rewritten


def erase_from_state(page_dir: Path, subject: ErasedCustomer) -> list[Path]:
    """The files of the page's own state that named the customer; the page may be running."""
    changed = []
    for name in LINES:
        if (page_dir / name).is_dir():
            changed += erase_from_logs(page_dir / name, subject)
    database = page_dir / DATABASE
    if database.is_file() and _erase_outcomes(database, subject):
        changed.append(database)
    return changed


def _erase_outcomes(database: Path, subject: ErasedCustomer) -> int:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("pragma secure_delete = on")
        deleted = connection.execute(
            "delete from outcomes where portfolio = ? and customer_id = ?",
            (subject.portfolio, subject.customer_id),
        ).rowcount
        # What was deleted still stands in the write-ahead log.
        connection.execute("pragma wal_checkpoint(truncate)")
    return deleted


def _write_others(
    connection: duckdb.DuckDBPyConnection, folder: Path, subject: ErasedCustomer
) -> None:
    manifest = read_page_manifest(folder)
    customers = manifest.customers
    with new_folder(folder) as draft:
        for name in manifest.sha256:
            if name not in CUSTOMER_FILES:
                shutil.copyfile(folder / name, draft / name)
                continue
            row = connection.execute(
                f"copy (from {read_parquet(folder / name)} where customer_id <> "
                f"{literal(subject.customer_id)}) to {literal(draft / name)} ({PARQUET})"
            ).fetchone()
            if row and name == CUSTOMERS_FILE:
                customers = row[0]
        hashes = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
        write_manifest(draft, msgspec.structs.replace(manifest, customers=customers, sha256=hashes))
