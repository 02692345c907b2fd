"""An erased customer is nowhere left, whatever happens on the way; everybody else is as before."""

import errno
import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import msgspec
import pytest

from churn_platform.audit.anchors import HEAD, head_text
from churn_platform.audit.audit_log import AuditLog, read_records
from churn_platform.audit.audit_record import customer_subject
from churn_platform.audit.verify import verify
from churn_platform.erasure import erase as steps
from churn_platform.erasure.erase import Erasure, plan_erasure
from churn_platform.erasure.erasure_record import record_erasure
from churn_platform.errors import ErasureError
from churn_platform.published.format import FEATURES_FILE, features_dir, read_features_manifest
from churn_platform.published.prediction_log import (
    CLOSED_SUFFIX,
    MAGIC,
    OPEN_SUFFIX,
    SCHEMA,
    Prediction,
    SegmentHeader,
    frame,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.warehouse.erased_snapshots import erasure_of_snapshot
from churn_platform.warehouse.lake import connect
from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    KEY,
    OTHERS,
    PHONES,
    World,
    calls,
    customers,
)
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, MARCH, TINY


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


def test_only_the_customers_own_rows_go(world: World) -> None:
    """Every table loses the rows of one customer and no other."""
    count = "select count(*) from {0} where customer_id {1} '" + ADA + "'"
    tables = ["tiny_raw.customers", "tiny_raw.calls", "tiny.customer_features", "tiny.contact_list"]
    others = [world.rows(count.format(table, "<>")) for table in tables]
    done = world.erase()
    assert done.plan.subject.found == {
        "tiny.contact_list": 1,
        "tiny.customer_features": 2,
        "tiny_raw.calls": 2,
        "tiny_raw.customers": 2,
    }
    assert [world.rows(count.format(table, "=")) for table in tables] == [[(0,)]] * 4
    assert [world.rows(count.format(table, "<>")) for table in tables] == others


def test_another_portfolio_keeps_its_customer_of_that_id(world: World) -> None:
    """`tiny_two` is not `tiny`: its rows stay, in a file and in the catalog, and the search does
    not take offence.
    """
    world.write(
        "create schema tiny_two",
        f"create table tiny_two.contact_list as select '{ADA}' as customer_id",
        "create schema tiny_two_raw",
        f"create table tiny_two_raw.customers as select '{ADA}' as customer_id "
        f"from range({OTHERS})",
    )
    assert "tiny_two.contact_list" not in world.erase().plan.subject.found
    assert world.rows(
        f"select count(*) from tiny_two_raw.customers where customer_id = '{ADA}'"
    ) == [(OTHERS,)]
    assert world.rows("select customer_id from tiny_two.contact_list") == [(ADA,)]


def test_the_number_is_emptied_where_others_called_it(world: World) -> None:
    """Bob's calls stay, without the number of the erased customer; the number of somebody else
    stays.
    """
    world.erase()
    found = world.rows(
        "select customer_id, contact_hash is null, count(*) from tiny_raw.calls "
        "group by all order by all"
    )
    assert found == [(BOB, False, 3), (BOB, True, 3)]


def test_a_number_that_two_customers_share_stays_with_the_other(world: World) -> None:
    """A family's number is the other customer's as well: it is neither emptied nor suppressed."""
    world.write(
        f"update tiny_raw.customers set phone_number_hash = {world.number(BOB)} "
        f"where customer_id = '{ADA}'"
    )
    world.erase()
    assert world.rows("select count(*) from tiny_raw.calls where contact_hash is null") == [(0,)]
    assert world.rows("select kind from erasure.suppressed") == [("customer",)]


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


def test_look_ups_keep_everybody_else(world: World) -> None:
    """The month is published anew with a true manifest; months without the
    customer are left alone.
    """
    root = world.installation.settings.published_dir / "tiny"
    january, february = features_dir(root, "2025-01"), features_dir(root, "2025-02")
    untouched = january.resolve()
    assert world.erase().months == ["2025-02"]
    assert january.resolve() == untouched
    manifest = read_features_manifest(february)
    assert (manifest.customers, manifest.scored_by, manifest.month) == (2, 3, "2025-02")
    assert manifest.sha256 == {FEATURES_FILE: file_sha256(february / FEATURES_FILE)}
    assert sorted(
        path.name for path in february.parent.iterdir() if not path.is_symlink()
    ) == sorted(folder.resolve().name for folder in (january, february))


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


def test_what_is_left_is_named_and_nothing_recorded(world: World) -> None:
    """A file that the platform does not know makes the erasure fail by its name, and again until it
    is gone.
    """
    stray = world.folder / "export.txt"
    stray.write_text(f"to call: {ADA}, {BOB}")
    for _ in range(2):
        with pytest.raises(ErasureError, match=r"export\.txt: 1"):
            world.erase()
    assert world.recorded == []
    stray.unlink()
    assert world.erase().plan.subject.found["tiny_raw.calls"] == 2


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_a_further_place_that_is_no_folder_is_refused(world: World, name: str) -> None:
    """A search there would find nothing and prove nothing, so nothing is erased or recorded."""
    (world.folder / "file.txt").touch()
    with pytest.raises(ErasureError, match=rf"{name} is no folder that can be read"):
        world.erase(also=[world.folder / name])
    assert world.rows(f"select count(*) from tiny_raw.customers where customer_id = '{ADA}'") == [
        (2,)
    ]
    assert world.recorded == []
    assert not (world.folder / "erasure").exists()


def test_a_further_folder_is_searched(world: World, tmp_path: Path) -> None:
    """What is left there is named."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "events.log").write_text(f"row of {ADA}\n")
    with pytest.raises(ErasureError, match=r"events\.log: 1"):
        world.erase(also=[tmp_path / "storage"])


def test_a_folder_that_cannot_be_read_fails_the_search(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and the erasure is not recorded."""
    closed = world.folder / "notes" / "closed"
    closed.mkdir(parents=True)

    def scandir(folder: object, scan: Callable[[object], object] = os.scandir) -> object:
        if str(folder) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(closed))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(
        ErasureError, match="notes/closed: Permission denied, so it cannot be searched"
    ):
        world.erase()
    assert world.recorded == []


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


def test_the_audit_trail_keeps_a_pseudonym_and_still_verifies(world: World) -> None:
    """The record has counts and snapshots under the trail's own keyed hash, and no id; the chain is
    intact.

    Its hash is noted in MLflow, so that the record cannot be cut off unseen.
    """
    settings, client = world.installation.settings, Mock()
    client.get_registered_model.return_value.tags = {}
    log = AuditLog(
        settings.audit_path,
        "tester",
        lambda: datetime(2025, 4, 2, tzinfo=UTC),
    )
    log.append("refusal", portfolio="tiny", subject="version 1", reason="not better")
    world.erase(record=lambda done: record_erasure(log, client, done, reason="asked by letter"))
    record = read_records(settings.audit_path)[-1]
    assert record.subject == customer_subject(ADA, key=KEY)
    assert record.details["rows"]["tiny_raw.calls"] == 2
    assert record.details["expired_snapshots"]
    assert ADA not in settings.audit_path.read_text()
    client.set_registered_model_tag.assert_called_once_with("tiny", HEAD, head_text(record))
    assert not verify(settings.audit_path, []).findings
    assert PHONES[ADA] not in settings.audit_path.read_text()


def test_an_erasure_that_was_killed_after_its_record_is_on_record_once(world: World) -> None:
    """The attempt that completes it finds the record of the one before; another erasure gets a
    record of its own.
    """
    settings, client = world.installation.settings, Mock()
    client.get_registered_model.return_value.tags = {}
    log = AuditLog(settings.audit_path, "tester", lambda: datetime(2025, 4, 2, tzinfo=UTC))
    record = partial(record_erasure, log, client, reason="asked by letter")

    def recorded_and_killed(done: Erasure) -> None:
        record(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.erase(record=recorded_and_killed)
    world.erase(record=record)
    assert len(read_records(settings.audit_path)) == 1
    world.erase(record=record)
    assert len(read_records(settings.audit_path)) == 2


def segment(request: str, *names: str) -> bytes:
    """A segment of the prediction log with an answer on each of some customers."""
    shared = (48, "champion", 0.5, "high", b"\0" * 16, "2025-02", (), 1_700_000, 9)
    answers = [Prediction(f"{request}{name}", 0, "tiny", name, *shared) for name in names]
    records = [SegmentHeader(SCHEMA, "w", 1_700_000), *answers]
    return MAGIC + b"".join(frame(msgspec.msgpack.encode(record)) for record in records)


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
