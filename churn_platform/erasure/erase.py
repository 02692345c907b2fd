"""Erases a customer, step by step; each step may be interrupted, and running all of them again
completes the rest.
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb

from churn_platform.bundles.shared_portfolio import shared_portfolio
from churn_platform.campaign.shared_exports import send_list
from churn_platform.erasure import (
    answer_logs,
    erased_files,
    exported_lists,
    lookups,
    page_files,
    pushed_stores,
    served_answers,
)
from churn_platform.erasure.erased_customer import (
    ErasedCustomer,
    Request,
    merged,
    own_number_hashes,
)
from churn_platform.erasure.lake_rows import (
    count_rows,
    erase_rows,
    foreign_tables,
    owner,
    tables_of_customers,
)
from churn_platform.erasure.proof import files_in, left_of, require_searchable
from churn_platform.erasure.search import find, find_in_lake
from churn_platform.erasure.shared_store import copied_from_store
from churn_platform.errors import ErasureError
from churn_platform.ingest.hashing import set_keys
from churn_platform.ingest.shared_landing import send_landed
from churn_platform.ingest.suppression import is_suppressed, pseudonym
from churn_platform.months import parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.format import features_dir
from churn_platform.published.live_file import go_live
from churn_platform.published.lookup_copy import COPIES_DIR
from churn_platform.published.page_bundle import page_dir
from churn_platform.published.pushed_features import is_overlay
from churn_platform.serving_log.shipped_segments import shipped_here
from churn_platform.settings import Settings
from churn_platform.warehouse.erased_snapshots import note_expired
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.purge import Purged, data_files, purge
from churn_platform.warehouse.tables import write


@dataclass(frozen=True)
class Installation:
    """What an erasure goes through: the settings, every portfolio's name, and folders that are not
    the platform's.
    """

    settings: Settings
    portfolios: tuple[str, ...]
    foreign: tuple[Path, ...]

    @property
    def lake(self) -> Lake:
        """The warehouse."""
        return Lake.of(self.settings)

    def folders_of_others(self, portfolio: str) -> set[Path]:
        """What other portfolios keep in the lake and publish: an id there is another customer's."""
        others = {name for name in self.portfolios if name != portfolio}
        copies = self.settings.serving_log_dir.parent / COPIES_DIR
        roots = (
            self.settings.published_dir,
            self.settings.exports_dir,
            self.settings.serving_log_dir,
            self.settings.outcome_log_dir,
            copies,
        )

        folders: set[Path] = set()
        for root in roots:
            folders.update(root / name for name in others)

        schemas = [] if self.lake.opened.is_remote else list(Path(self.lake.files).glob("*"))
        for schema in schemas:
            if owner(schema.name, self.portfolios) in others:
                folders.add(schema)

        return folders

    def lake_files(self, portfolio: str) -> list[str]:
        """The keys of the lake's Parquet files, without those of other portfolios."""
        return self._without_others(data_files(self.lake), portfolio)

    def objects(self, portfolio: str) -> list[str]:
        """The key of everything in the lake's store, without what is of other portfolios; nothing
        where the lake is in a folder, which `files` goes through.
        """
        if not self.lake.opened.is_remote:
            return []
        keys = [found.key for found in self.lake.opened.list()]
        return self._without_others(keys, portfolio)

    def _without_others(self, keys: list[str], portfolio: str) -> list[str]:
        others = {name for name in self.portfolios if name != portfolio}
        kept = []
        for key in keys:
            schema, _, _ = key.partition("/")
            if owner(schema, self.portfolios) not in others:
                kept.append(key)
        return kept

    def files(self, portfolio: str, also: Sequence[Path] = ()) -> list[Path]:
        """Every file in which a customer of the portfolio may be, `also`
        further folders included.
        """
        settings, catalog = self.settings, self.lake.sqlite_path
        folders = [settings.root, settings.serving_log_dir, settings.page_dir, *also]
        folders += [] if self.lake.opened.is_remote else [Path(settings.lake_files)]
        folders += [catalog.parent] if catalog else []
        without = {settings.extension_dir, *self.foreign, *self.folders_of_others(portfolio)}
        return files_in(folders, without=without)


@dataclass(frozen=True)
class ErasurePlan:
    """The customer to erase, and where from; `pseudonym` names the customer in the audit trail."""

    portfolio: Portfolio
    subject: ErasedCustomer
    pseudonym: str
    request: Request


@dataclass(frozen=True)
class Erasure:
    """What an erasure did, and how much it has searched to find nothing."""

    plan: ErasurePlan
    purged: Purged
    months: list[str]
    overlays: list[Path]
    exports: list[str]
    logs: list[Path]
    deliveries: list[Path]
    searched: int


def plan_erasure(
    installation: Installation, portfolio: Portfolio, customer_id: str, *, unknown: bool = False
) -> ErasurePlan:
    """What there is of the customer; ErasureError for one no table knows, unless `unknown` ones
    are wanted.
    """
    settings, lake = installation.settings, installation.lake
    with closing(connect(lake, read_only=True)) as connection:
        set_keys(connection, settings.hash_key())
        tables = tables_of_customers(connection, portfolio.name, installation.portfolios)
        name = pseudonym(connection, customer_id)
        request = Request(settings.root / "erasure", name)
        subject = ErasedCustomer(
            portfolio.name,
            customer_id,
            numbers=own_number_hashes(connection, portfolio, customer_id),
            found=count_rows(connection, tables, customer_id),
            request_id=uuid.uuid4().hex,
        )
        earlier = request.read()
        known = bool(subject.found or earlier or unknown)
        known = known or is_suppressed(connection, portfolio.name, customer_id)
        # The past counts too: a snapshot may hold a customer whose rows have left every table.
        if not known and not _was_known(installation, portfolio, connection, subject):
            raise ErasureError(
                f"{portfolio.name} has no customer {customer_id!r}, neither now nor in its past; "
                "check the id, or give "
                "--even-if-unknown to keep that id out of later deliveries"
            )

    return ErasurePlan(portfolio, merged(subject, earlier), name, request)


def _was_known(
    installation: Installation,
    portfolio: Portfolio,
    connection: duckdb.DuckDBPyConnection,
    subject: ErasedCustomer,
) -> bool:
    """Whether a file of the lake, a look-up or pushed features name the customer."""
    lake, folder = installation.lake, installation.settings.published_dir / portfolio.name
    pushed = filter(is_overlay, installation.files(portfolio.name))
    paths = [*folder.glob("features/[0-9]*/*.lmdb"), *pushed]
    in_lake = find_in_lake(connection, lake, installation.lake_files(portfolio.name), subject)
    return bool(in_lake or find(connection, paths, subject))


def erase(
    installation: Installation,
    plan: ErasurePlan,
    *,
    month: date,
    rewrite_landing: bool,
    also: Sequence[Path] = (),
    record: Callable[[Erasure], None],
    show: Callable[[str], None],
) -> Erasure:
    """Remove the customer and prove it, then `record` the erasure; ErasureError says where
    something is left.

    `month` is the current one. `also` are further folders to search; where one of them cannot be,
    nothing is erased. What the customer's own month of data gave to fitted models stays in their
    parameters.
    """
    settings, lake, subject = installation.settings, installation.lake, plan.subject
    require_searchable(also)
    # First of all: after the tables are done nothing else remembers the customer's numbers, and an
    # interrupted erasure could not be completed.
    plan.request.keep(subject)
    show("tables")

    with closing(connect(lake)) as connection:
        set_keys(connection, settings.hash_key())
        # Before the tables: a segment that is ingested later would bring the customer's rows back.
        name = plan.portfolio.name
        with shipped_here(settings.shared("log"), name, settings.serving_log_dir / name):
            served_answers.take_over(connection, lake, plan.portfolio, settings, subject)

        tables = tables_of_customers(connection, plan.portfolio.name, installation.portfolios)
        delete = partial(erase_rows, connection, plan.portfolio, tables, subject, month)
        write(
            connection,
            lake,
            delete,
            note=f"{plan.portfolio.name}: erasure of {plan.pseudonym[:12]}",
        )

    # A delete only hides rows. They are still in Parquet files, in catalog tables, in the smallest
    # and largest values of columns and in SQLite's free pages; `purge` removes all four.
    show("files of the lake")
    # After the rows are deleted: only then do old files hold the customer and nothing needed.
    purged = purge(lake, partial(_holding, installation, plan), partial(_note, month))
    show("published look-ups")
    root = settings.published_dir / plan.portfolio.name
    shared = shared_portfolio(settings, plan.portfolio.name)
    if shared is not None:
        # What another host has published since, or a run before this one left on the store.
        shared.pull()
    months = lookups.erase_from_lookups(root, subject.customer_id)
    show("pages")
    with closing(connect(lake, read_only=True)) as connection:
        pages = page_files.erase_from_pages(connection, root, subject)

    if shared is not None:
        for month_name in months:
            shared.wrote(features_dir(root, month_name))
        for month_name in pages:
            shared.wrote(page_dir(root, month_name))
        # The store keeps no object that its index does not name: the ones before go with this.
        go_live(root, plan.portfolio.name, shared=shared)

    # Listed after the look-ups: publishing them again has made new files.
    files = installation.files(plan.portfolio.name, also)
    lookups.erase_from_copies(files, plan.portfolio.name, subject.customer_id)
    show("pushed features")
    pushed = pushed_stores.erase_from_overlays(files, plan.portfolio.name, subject.customer_id)
    show("exports")

    with closing(connect(lake, read_only=True)) as connection:
        exported = exported_lists.erase_from_exports(
            connection,
            plan.portfolio,
            settings.exports_dir,
            subject,
        )

    for month_again in exported:
        send_list(
            settings.shared("exports"),
            plan.portfolio,
            parse_month(month_again),
            settings.exports_dir,
        )

    show("logs")
    changed = answer_logs.erase_from_logs(settings.root / "logs", subject)
    changed += page_files.erase_from_state(settings.page_dir, subject)
    show("landed files")
    deliveries = _deliveries(installation, plan, rewrite=rewrite_landing)
    send_landed(settings.shared("landing"), settings.landing_dir, plan.portfolio.name)
    show("search")
    searched = _prove(installation, plan, also)
    erasure = Erasure(plan, purged, months, pushed, exported, changed, deliveries, searched)
    # Only once the search has found nothing: the record says that the erasure is complete.
    record(erasure)
    plan.request.drop()
    return erasure


def _holding(
    installation: Installation, plan: ErasurePlan, connection: duckdb.DuckDBPyConnection
) -> list[str]:
    keys = installation.lake_files(plan.portfolio.name)
    return list(find_in_lake(connection, installation.lake, keys, plan.subject))


def _note(month: date, connection: duckdb.DuckDBPyConnection, snapshots: Sequence[int]) -> None:
    note_expired(connection, month, snapshots)


def _deliveries(installation: Installation, plan: ErasurePlan, *, rewrite: bool) -> list[Path]:
    settings, lake = installation.settings, installation.lake
    paths = []
    with closing(connect(lake, read_only=True)) as connection:
        set_keys(connection, settings.hash_key())
        deliveries = erased_files.deliveries_to_clean(
            connection,
            lake,
            settings.landing_dir,
            plan.portfolio,
        )
        for delivery in deliveries:
            if rewrite:
                erased_files.clean(connection, delivery)

            paths.append(delivery.file.path)

    return paths


def _prove(installation: Installation, plan: ErasurePlan, also: Sequence[Path]) -> int:
    """Number of files searched; ErasureError names every place where the customer is left."""
    lake, name = installation.lake, plan.portfolio.name
    paths = [path for path in installation.files(name, also) if path != plan.request.path]
    keys = installation.objects(name)
    with (
        copied_from_store(installation.settings, name) as copies,
        closing(connect(lake, read_only=True)) as connection,
    ):
        paths += copies
        foreign = foreign_tables(connection, name, installation.portfolios)
        left = left_of(connection, lake, plan.subject, paths, keys, foreign=foreign)

    if left:
        listed = "; ".join(f"{place}: {count}" for place, count in left.items())
        raise ErasureError(
            f"the customer is still to be found ({listed}); a run may have written meanwhile, "
            "or serving has a log "
            "open: run the command again, and remove by hand what it names again"
        )

    return len(paths) + len(keys)
