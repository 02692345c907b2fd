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
    CONTACTS_FILE,
    PAGE_DIR,
    PARQUET,
    PHONES_FILE,
    PROFILE_FILES,
    read_page_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.read_model.parts import LOOK_UP_ROWS, parquet_options, write_customers
from churn_platform.sql import literal, reader_pattern

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
    others = f"where customer_id <> {literal(subject.customer_id)}"
    with new_folder(folder) as draft:
        # All parts again: the manifest names the first customer of each.
        profiles = f"{reader_pattern(folder)}/{PROFILE_FILES}"
        query = f"from read_parquet({literal(profiles)}) {others} order by customer_id"
        count, parts = write_customers(connection, draft, query)
        options = parquet_options(LOOK_UP_ROWS)
        for name in (PHONES_FILE, CONTACTS_FILE):
            source = f"read_parquet({literal(reader_pattern(folder / name))})"
            target = literal(draft / name)
            connection.execute(f"copy (from {source} {others}) to {target} ({options})")
        for name in manifest.sha256:
            if not name.endswith(PARQUET):
                shutil.copyfile(folder / name, draft / name)
        hashes = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
        fresh = msgspec.structs.replace(manifest, customers=count, parts=parts, sha256=hashes)
        write_manifest(draft, fresh)
