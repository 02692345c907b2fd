"""An erased customer is nowhere left, whatever happens on the way; everybody else is as before."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from churn_platform.bundles.shared_portfolio import shared_portfolio
from churn_platform.erasure import erase as steps
from churn_platform.erasure.erase import plan_erasure
from churn_platform.errors import ErasureError
from churn_platform.published.live_file import go_live
from churn_platform.published.page_bundle import page_dir
from churn_platform.published.prediction_log import (
    CLOSED_SUFFIX,
    OPEN_SUFFIX,
    PREDICTIONS,
    SCHEMA,
    Prediction,
    SegmentHeader,
    frame,
)
from churn_platform.published.shared import SharedPortfolio
from churn_platform.settings import load_settings
from churn_platform.warehouse.erased_snapshots import erasure_of_snapshot
from churn_platform.warehouse.lake import connect
from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    KEY,
    World,
    calls,
    customers,
    make_world,
)
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.outcomes import closed_segment, outcome
from churn_platform_tests.support.published_page import publish as publish_page
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, MARCH, TINY
from serving.page.access_log import Access, newest_accesses, note_access
from serving.page.bundle import open_month
from serving.page.store import Store


@invariant("Care", "After an erasure no file holds the customer's id or phone number.")
def test_no_file_holds_the_customer_afterwards(world: World) -> None:
    """Neither id nor number hash is in the bytes of any file but the operator's own; before, many
    files held them.
    """
    number = str(world.number(ADA))
    before = world.files_with(ADA, number)
    assert {path.split("/")[-1].split(".")[0] for path in before} >= {
        "catalog",
        "customers",
        "tiny_features",
    }
    done = world.erase()
    assert world.files_with(ADA, number) == []
    assert done.searched > 10
    assert world.recorded == [done]


@invariant("Care", "A delivery does not bring an erased customer back.")
def test_a_delivery_does_not_bring_the_customer_back(world: World) -> None:
    """Old files and a new month load without rows and number, although the files hold both."""
    world.erase()
    world.land("customers", APRIL, customers(APRIL))
    world.land("calls", APRIL, calls(APRIL))
    for month in (FEBRUARY, APRIL):
        world.load("customers", month)
        world.load("calls", month)
    assert world.rows(f"select count(*) from tiny_raw.customers where customer_id = '{ADA}'") == [
        (0,)
    ]
    assert world.rows(
        "select month, count(contact_hash), count(*) from tiny_raw.calls group by all order by all"
    )[1:] == [
        (FEBRUARY, 1, 2),
        (MARCH, 1, 2),
        (APRIL, 1, 2),
    ]
    assert world.files_with(ADA) == []


def test_the_next_owner_of_the_number_is_somebody_else(world: World) -> None:
    """A number is suppressed up to the month of the erasure: later it may have been given away."""
    number = world.number(ADA)
    world.erase()
    may = MARCH.replace(month=5)
    world.land("customers", may, customers(may))
    world.land("calls", may, calls(may))
    world.load("customers", may)
    world.load("calls", may)
    assert world.rows(f"select customer_id from tiny_raw.calls where contact_hash = {number}") == [
        (BOB,)
    ]


@invariant("Care", "After an erasure no file of the page names the customer.")
def test_the_page_forgets_the_customer_while_it_runs(world: World) -> None:
    """Two published months, the access log, what agents recorded, in the log and shown, and a list
    that was handed over: all of Ada goes, all of Bob stays.
    """
    settings = world.installation.settings
    names = {ADA: (0.7, "contact"), BOB: (0.6, "contact")}
    for month in ("2025-02", "2025-03"):
        publish_page(settings.published_dir, month=month, more=names)
    store = Store(settings.page_dir / "page.sqlite")
    for name in names:
        made = outcome(outcome_id=f"of-{name}", customer_id=name)
        store.put_outcome(made)
        closed_segment(settings.page_dir / "outcomes" / "tiny", made)
        note_access(
            settings.page_dir / "access",
            Access("2025-03-04T10:00:00+00:00", "ann", "view", "tiny", name),
        )
    handed_over = settings.page_dir / "handed_over" / "tiny" / "2025-03.csv"
    handed_over.parent.mkdir(parents=True)
    handed_over.write_text(f"customer_id\n{ADA}\n{BOB}\n")

    world.erase()
    assert world.files_with(ADA) == []
    for month in ("2025-02", "2025-03"):
        read = open_month(page_dir(settings.published_dir / "tiny", month), threads=1)
        assert read.customer(ADA) is None and read.customer(BOB)
    assert store.outcomes("tiny", ADA) == [] and len(store.outcomes("tiny", BOB)) == 1
    (access,) = newest_accesses(settings.page_dir / "access", count=9)
    assert access.customer_id == BOB
    assert handed_over.read_text() == f"customer_id\n{BOB}\n"
    store.close()


def test_what_hosts_share_forgets_the_customer(tmp_path: Path, extensions: Path) -> None:
    """Look-ups and the page's month on the store are those that were written again here, and do
    not come back from there.
    """
    settings = load_settings(
        data_dir=tmp_path / "data",
        store=str(tmp_path / "store"),
        phone_hash_key=KEY,
        duckdb_threads=1,
    )
    world = make_world(settings, extensions)
    root = settings.published_dir / "tiny"
    publish_page(settings.published_dir, month="2025-03", more={ADA: (0.7, "contact")})
    go_live(root, "tiny", features_month="2025-02", shared=shared_portfolio(settings, "tiny"))
    stored = list((tmp_path / "store").rglob("*"))
    assert any(path.is_file() and ADA.encode() in path.read_bytes() for path in stored)
    world.erase()
    assert world.files_with(ADA) == []
    other = tmp_path / "other" / "tiny"
    assert SharedPortfolio(settings.shared("published"), other).pull()  # type: ignore[arg-type]
    copies = [path for path in other.rglob("*") if path.is_file()]
    assert len(copies) > 5
    assert [path for path in copies if ADA.encode() in path.read_bytes()] == []
    assert open_month(page_dir(other, "2025-03"), threads=1).customer(ADA) is None


def test_snapshots_from_before_the_customer_stay(world: World) -> None:
    """What January was can still be read; every snapshot that saw the customer is gone, and it is
    known why.
    """
    number = world.number(ADA)
    done = world.erase()
    kept = [
        row[0]
        for row in world.rows("select snapshot_id from ducklake_snapshots('lake') order by 1")
    ]
    assert set(done.purged.snapshots).isdisjoint(kept)
    before = max(snapshot for snapshot in kept if snapshot < done.purged.snapshots[0])
    january = (
        f"select count(*), count_if(phone_number_hash = {number}) "
        f"from tiny_raw.customers at (version => {before})"
    )
    assert world.rows(january)[0][1] == 0
    with closing(connect(world.installation.lake, read_only=True)) as connection:
        assert erasure_of_snapshot(connection, done.purged.snapshots[-1]) == APRIL
        assert erasure_of_snapshot(connection, before) is None


def test_a_log_loses_the_line_that_names_the_customer(world: World) -> None:
    """The other lines stay."""
    assert len(world.erase().logs) == 1
    assert (world.folder / "logs" / "tiny_features.log").read_text() == "loaded\ndone\n"


@pytest.mark.parametrize("broken", ["erase_rows", "purge", "left_of"])
@invariant("Care", "An interrupted erasure is completed by the next run.")
def test_running_again_completes_an_interrupted_erasure(
    world: World, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step fails, a second run ends with nothing left, and reports what the first had
    found.
    """
    number = str(world.number(ADA))

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(steps, broken, fail)
        with pytest.raises(RuntimeError, match="killed"):
            world.erase()
    request = next((world.folder / "erasure").iterdir())
    assert request.stat().st_mode & 0o777 == 0o600
    assert json.loads(request.read_text())["numbers"] == [int(number)]
    done = world.erase()
    assert done.plan.subject.found["tiny_raw.customers"] == 2
    assert world.files_with(ADA, number) == []
    assert not (world.folder / "erasure").exists()


@pytest.mark.parametrize("step", ["files of the lake", "published look-ups", "exports", "search"])
@invariant("Care", "A killed erasure is completed by the next run.")
def test_running_again_completes_a_killed_erasure(world: World, step: str) -> None:
    """kill -9 at the beginning of a step leaves the request; the next run ends
    with nothing left.
    """
    number = str(world.number(ADA))
    child = os.fork()
    if child == 0:
        world.erase(
            show=lambda begun: os.kill(os.getpid(), signal.SIGKILL) if begun == step else None
        )
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert len(list((world.folder / "erasure").iterdir())) == 1
    assert world.erase().plan.subject.found["tiny_raw.customers"] == 2
    assert world.files_with(ADA, number) == []
    assert not (world.folder / "erasure").exists()


def test_an_unknown_customer_is_refused(world: World) -> None:
    """A typing error suppresses nobody; nothing is written."""
    with pytest.raises(
        ErasureError,
        match="tiny has no customer 'C-1003', neither now nor in its past; check the id",
    ):
        plan_erasure(world.installation, TINY, "C-1003")
    assert not (world.folder / "erasure").exists()


def test_an_unknown_customer_can_be_kept_out_of_later_deliveries(world: World) -> None:
    """Asked for on purpose, the id goes on the list before anything of the customer has come."""
    world.erase("C-1003", unknown=True)
    eve = customers(APRIL)[0] | {"customer_id": "C-1003"}
    world.land("customers", APRIL, [*customers(APRIL), eve])
    world.load("customers", APRIL)
    assert world.rows("select count(*) from tiny_raw.customers where customer_id = 'C-1003'") == [
        (0,)
    ]


def test_a_customer_of_the_past_is_known(world: World) -> None:
    """Rows that only older snapshots hold are the customer's all the same."""
    tables = ("tiny_raw.customers", "tiny_raw.calls", "tiny.customer_features", "tiny.contact_list")
    world.write(*(f"delete from {table} where customer_id = 'D00007'" for table in tables))
    done = world.erase("D00007")
    assert done.plan.subject.found == {}
    assert done.purged.snapshots
    assert world.files_with("D00007") == []


def test_erasing_twice_is_harmless(world: World) -> None:
    """The second run finds nothing, and suppresses nobody twice."""
    world.erase()
    assert world.erase().plan.subject.found == {}
    assert world.rows("select kind from erasure.suppressed order by kind") == [
        ("customer",),
        ("number",),
    ]


def test_ids_with_quotes_blanks_and_accents_are_erased(world: World) -> None:
    """An id is data, never SQL or a pattern."""
    odd = "O'Neil (é) [1].*"
    world.land("customers", APRIL, [*customers(APRIL), customers(APRIL)[0] | {"customer_id": odd}])
    world.load("customers", APRIL)
    assert world.erase(odd).plan.subject.found == {"tiny_raw.customers": 1}
    world.load("customers", APRIL)
    assert world.rows("select count(*) from tiny_raw.customers where customer_id like 'O%'") == [
        (0,)
    ]


def segment(request: str, *names: str) -> bytes:
    """A segment of the prediction log with an answer on each of some customers."""
    shared = (48, "champion", 0.5, "high", b"\0" * 16, "2025-02", (), 1_700_000, 9)
    answers = [Prediction(f"{request}{name}", 0, "tiny", name, *shared) for name in names]
    records = [SegmentHeader(SCHEMA, "w", 1_700_000), *answers]
    return PREDICTIONS.magic + b"".join(frame(msgspec.msgpack.encode(record)) for record in records)


@pytest.mark.parametrize("lost", [1, 40])
def test_a_torn_record_of_the_customer_goes(world: World, lost: int) -> None:
    """A worker was killed while it wrote: the half record names the customer, and no whole one
    does.
    """
    folder = world.installation.settings.serving_log_dir / "tiny"
    folder.mkdir(parents=True)
    torn = segment("r", BOB, ADA)[:-lost]
    (folder / f"1-w{CLOSED_SUFFIX}").write_bytes(torn)
    is_open = folder / f"2-w{OPEN_SUFFIX}"
    is_open.write_bytes(torn)
    with pytest.raises(ErasureError, match=r"found \(\S+2-w\.open: \d\)"):
        world.erase()
    is_open.rename(is_open.with_suffix(CLOSED_SUFFIX))
    world.erase()
    assert world.rows("select customer_id from tiny.serving_log") == [
        (BOB,)
    ]  # one request, told twice
    assert world.files_with(ADA) == []


def test_logged_answers_of_the_service_go(world: World) -> None:
    """Closed segments lose the customer's answers and keep the others'; an open one is named until
    it is closed.
    """
    folder = world.installation.settings.serving_log_dir / "tiny"
    folder.mkdir(parents=True)
    (folder / f"1-w{CLOSED_SUFFIX}").write_bytes(segment("r", ADA, BOB))
    is_open = folder / f"2-w{OPEN_SUFFIX}"
    is_open.write_bytes(segment("s", ADA, BOB))
    with pytest.raises(ErasureError, match=r"2-w\.open: 1"):
        world.erase()
    is_open.rename(is_open.with_suffix(CLOSED_SUFFIX))
    world.erase()
    assert world.rows("select distinct customer_id from tiny.serving_log") == [(BOB,)]
    assert world.files_with(ADA) == []
