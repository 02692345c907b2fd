"""Opens the newest month of each portfolio's read model, and follows new ones."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from churn_platform.published.page_bundle import (
    CONTACTS_FILE,
    CUSTOMERS_FILE,
    PAGE_DIR,
    PHONES_FILE,
    PLAN_FILE,
    PageManifest,
    Rows,
    page_months,
    part_file,
    plan_sql,
    read_figures,
    read_page_manifest,
)
from churn_platform.published.regular_files import file_sha256
from serving.errors import BundleError, NotFound

# Every request asks for a month; the folders need not be read for each.
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Month:
    """A checked month of a portfolio, read in place."""

    folder: Path
    manifest: PageManifest
    tables: dict[str, Rows]
    connection: duckdb.DuckDBPyConnection
    _kept: dict[str, Any] = field(default_factory=dict)

    def rows(self, query: str, parameters: Any = ()) -> list[dict[str, Any]]:
        """The rows of a query on the views `customers`, `plan`, `phones` and `contacts`."""
        # A cursor is a connection of its own: requests run beside each other.
        with self.connection.cursor() as cursor:
            result = cursor.execute(query, parameters)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def row(self, query: str, parameters: Any = ()) -> dict[str, Any] | None:
        """The first row; None without one."""
        return next(iter(self.rows(query, parameters)), None)

    def customer(self, customer_id: str) -> dict[str, Any] | None:
        """The row of a customer; None if the month has none of that id."""
        # Parts are in the order of ids, so the first id of each says which one to read.
        place = bisect_right(self.manifest.parts, customer_id) - 1
        if place < 0:
            return None

        # One part alone: to look in all of them would read the footer of each.
        part = quoted(self.folder / part_file(place))
        query = f"from read_parquet({part}) where customer_id = ?"
        return self.row(query, [customer_id])

    def kept(self, name: str, compute: Callable[[], Any]) -> Any:
        """What was computed once of this month, which never changes."""
        # Without a lock: two requests at once compute the same twice, and no one waits.
        if name not in self._kept:
            self._kept[name] = compute()
        return self._kept[name]


class Bundles:
    """What is published for the page. A month that fails its checks is refused, and the one before
    goes on being shown.
    """

    def __init__(self, published: Path, *, threads: int = 2):
        self._published = published
        self._threads = threads
        self._months: dict[str, Month] = {}
        self._refused: dict[str, tuple[Path, str]] = {}
        self._looked_at = -LOOK_SECONDS
        self._mutex = threading.Lock()

    @property
    def portfolios(self) -> list[str]:
        """The names of the portfolios that have a month."""
        self._follow()
        return sorted(self._months)

    def refusal(self, portfolio: str) -> str | None:
        """Why the newest month of a portfolio is not shown; None if it is."""
        found = self._refused.get(portfolio)
        return found[1] if found else None

    def month(self, portfolio: str) -> Month:
        """The newest month of a portfolio; NotFound if it has none."""
        self._follow()
        if portfolio not in self._months:
            raise NotFound(f"nothing is published of {portfolio[:60]!r} for the page")

        return self._months[portfolio]

    def _follow(self) -> None:
        with self._mutex:
            now = time.monotonic()
            if now - self._looked_at < LOOK_SECONDS:
                return

            self._looked_at = now
            for root in sorted(self._published.glob(f"*/{PAGE_DIR}")):
                self._look(root)

    def _look(self, root: Path) -> None:
        portfolio = root.parent.name
        months = page_months(root.parent)
        if not months:
            return

        # The link's target, not its name: publishing a month again makes a new folder.
        newest = months[-1].resolve()

        known = self._months.get(portfolio)
        if known and known.folder == newest:
            return

        # Not tried once more: its files would be read again at every look.
        refused = self._refused.get(portfolio)
        if refused and refused[0] == newest:
            return

        try:
            self._months[portfolio] = open_month(newest, threads=self._threads)
            self._refused.pop(portfolio, None)
        except (BundleError, OSError, msgspec.MsgspecError, duckdb.Error) as error:
            self._refused[portfolio] = (newest, str(error))


def open_month(folder: Path, *, threads: int) -> Month:
    """A month whose files are as they were written; BundleError names one that is not."""
    manifest = read_page_manifest(folder)
    changed = []
    for name, known in manifest.sha256.items():
        if _hash(folder / name) != known:
            changed.append(name)

    if changed:
        names = ", ".join(changed)
        raise BundleError(f"{folder}: {names} is not as published; publish it again")

    connection = duckdb.connect(config={"threads": threads})
    # Footers of the files are read once.
    connection.execute("set parquet_metadata_cache = true")
    connection.execute("set enable_progress_bar = false")
    views = {"customers": CUSTOMERS_FILE, "phones": PHONES_FILE, "contacts": CONTACTS_FILE}
    for view, name in views.items():
        file = quoted(folder / name)
        connection.execute(f"create view {view} as from read_parquet({file})")

    # A month that was published before this file was has all that it holds among the customers.
    if PLAN_FILE in manifest.sha256:
        plan = f"from read_parquet({quoted(folder / PLAN_FILE)})"
    else:
        plan = plan_sql("customers")

    connection.execute(f"create view plan as {plan}")

    return Month(
        folder,
        manifest,
        read_figures(folder).tables,
        connection,
    )


def quoted(path: Path) -> str:
    """A path as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _hash(path: Path) -> str | None:
    return file_sha256(path) if path.exists() else None
