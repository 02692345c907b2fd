"""Several hosts serve what one of them publishes, whole or not at all."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from churn_platform.errors import NoSuchObjectError, PublicationError
from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import FeaturesManifest, features_dir, model_dir
from churn_platform.published.live_file import Live, direct_traffic, go_live, read_live
from churn_platform.published.page_bundle import page_dir, page_months
from churn_platform.published.shared import SharedIndex, SharedPortfolio
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store


class Sums(msgspec.Struct):
    """As much of a model's manifest as sharing reads."""

    sha256: dict[str, str]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of its own."""
    return open_store(tmp_path / "store", setting="CHURN_STORE")


def host(tmp_path: Path, name: str, store: Store) -> tuple[Path, SharedPortfolio]:
    """The portfolio's published folder of a host, and its part in the store."""
    root = tmp_path / name / "tiny"
    root.mkdir(parents=True)
    return root, SharedPortfolio(store, root)


def sums(**files: str) -> dict[str, str]:
    """SHA-256 of texts."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}


def publish_version(root: Path, version: int, text: str) -> None:
    """A model's bundle with one file."""
    with new_folder(model_dir(root, version)) as draft:
        (draft / "model").write_text(text)
        write_manifest(draft, Sums(sums(model=text)))


def publish_month(root: Path, month: str, text: str, *, scored_by: int) -> None:
    """A month's look-ups, of one file."""
    with new_folder(features_dir(root, month)) as draft:
        (draft / "customers").write_text(text)
        write_manifest(
            draft, FeaturesManifest("tiny", month, 1, (), scored_by, sums(customers=text))
        )


def contents(store: Store) -> set[str]:
    """Every text that the store holds, but for the index and manifests."""
    found = {store.get(each.key).data.decode() for each in store.list("tiny/objects")}  # type: ignore[union-attr]
    return {text for text in found if not text.startswith("{")}


def test_another_host_gets_what_is_live(tmp_path, store):
    """Models, month and live.json; a second look at the same costs one answer without content."""
    root, shared = host(tmp_path, "a", store)
    publish_version(root, 1, "first")
    publish_month(root, "2025-02", "customers", scored_by=1)
    live = go_live(root, "tiny", champion=1, features_month="2025-02", shared=shared)
    there, copy = host(tmp_path, "b", store)
    assert copy.pull()
    assert read_live(there) == live
    assert (model_dir(there, 1) / "model").read_text() == "first"
    assert (features_dir(there, "2025-02") / "customers").read_text() == "customers"
    assert not copy.pull()


def test_a_store_without_the_portfolio_changes_nothing(tmp_path, store):
    """What was published before there was a store stays, and is shared by the next change."""
    root, shared = host(tmp_path, "a", store)
    publish_version(root, 1, "first")
    go_live(root, "tiny", champion=1)
    assert not shared.pull()
    assert read_live(root).champion == 1
    publish_month(root, "2025-02", "customers", scored_by=1)
    assert go_live(root, "tiny", features_month="2025-02", shared=shared).champion == 1
    assert contents(store) == {"first", "customers"}


def test_two_hosts_that_change_at_once_both_count(tmp_path, store):
    """The second one finds the index changed, takes over the first one's change, and adds its
    own.
    """
    (here, one), (there, two) = host(tmp_path, "a", store), host(tmp_path, "b", store)
    publish_version(here, 1, "first")
    go_live(here, "tiny", champion=1, shared=one)
    two.pull()
    publish_month(here, "2025-02", "customers", scored_by=1)
    publish_version(there, 2, "second")
    made: list[Live | None] = []

    class Late:
        """The second host's part, whose first attempt comes after the other's change."""

        def change(self, make):
            """Let the other host be first."""

            def meanwhile(live):
                if not made:
                    go_live(here, "tiny", features_month="2025-02", shared=one)
                made.append(live)
                return make(live)

            return two.change(meanwhile)

    live = go_live(there, "tiny", champion=2, shared=Late())
    assert len(made) == 2
    assert (live.champion, live.previous, live.features_month) == (2, 1, "2025-02")
    one.pull()
    assert read_live(here) == live


def test_what_is_replaced_while_a_host_fetches_it_is_fetched_anew(tmp_path, store, monkeypatch):
    """The objects of the index that it has read are gone then; the new index names others."""
    (here, one), (there, two) = host(tmp_path, "a", store), host(tmp_path, "b", store)
    publish_version(here, 1, "first")
    go_live(here, "tiny", champion=1, shared=one)
    fetch = type(store).download

    def late(self: Store, key: str, target: Path) -> str:
        """Bytes, which are asked for after the other host's change."""
        monkeypatch.undo()
        publish_version(here, 1, "first, fitted again")
        one.wrote(model_dir(here, 1))
        go_live(here, "tiny", champion=1, shared=one)
        return fetch(self, key, target)

    monkeypatch.setattr(type(store), "download", late)
    assert two.pull()
    assert (model_dir(there, 1) / "model").read_text() == "first, fitted again"


def test_an_object_that_is_missing_is_named(tmp_path, store):
    """While the index that names it stays, nobody has replaced it: it was removed."""
    (here, one), (there, two) = host(tmp_path, "a", store), host(tmp_path, "b", store)
    publish_version(here, 1, "first")
    go_live(here, "tiny", champion=1, shared=one)
    (digest,) = sums(model="first").values()
    store.delete(f"tiny/objects/{digest}")
    with pytest.raises(NoSuchObjectError, match=digest):
        two.pull()
    assert read_live(there) is None


def test_a_host_that_only_serves_keeps_what_is_live(tmp_path, store):
    """What is live no more goes; the version before stays, for a rollback."""
    root, shared = host(tmp_path, "a", store)
    there, copy = host(tmp_path, "b", store)
    for version in (1, 2, 3):
        publish_version(root, version, f"model {version}")
        go_live(root, "tiny", champion=version, shared=shared)
        copy.pull(prune=True)
    assert sorted(folder.name for folder in (there / "models").glob("[0-9]*")) == ["2", "3"]
    assert contents(store) == {"model 2", "model 3"}
    assert (model_dir(root, 1) / "model").exists()


def test_an_erased_customer_leaves_the_store_at_once(tmp_path, store):
    """The month is published again under its own name; the contents of before are on no host."""
    root, shared = host(tmp_path, "a", store)
    there, copy = host(tmp_path, "b", store)
    publish_version(root, 1, "first")
    publish_month(root, "2025-02", "ada and bob", scored_by=1)
    go_live(root, "tiny", champion=1, features_month="2025-02", shared=shared)
    copy.pull()
    publish_month(root, "2025-02", "bob", scored_by=1)
    go_live(root, "tiny", features_month="2025-02", shared=shared)
    assert contents(store) == {"first", "bob"}
    copy.pull()
    assert (features_dir(there, "2025-02") / "customers").read_text() == "bob"


def test_what_a_host_has_written_anew_is_not_replaced_by_the_store(tmp_path, store):
    """A later run publishes the month again, by a connection of its own: the store gets it, also
    where another host was first with a change.
    """
    root, shared = host(tmp_path, "a", store)
    there, other = host(tmp_path, "b", store)
    publish_version(root, 1, "first")
    publish_month(root, "2025-02", "ada and bob", scored_by=1)
    go_live(root, "tiny", champion=1, features_month="2025-02", shared=shared)
    publish_month(root, "2025-02", "bob", scored_by=1)
    later = SharedPortfolio(store, root)
    later.wrote(features_dir(root, "2025-02"))
    other.pull()
    publish_version(there, 2, "second")
    go_live(there, "tiny", champion=2, shared=other)
    go_live(root, "tiny", features_month="2025-02", shared=later)
    assert contents(store) == {"first", "second", "bob"}
    other.pull()
    assert (features_dir(there, "2025-02") / "customers").read_text() == "bob"


def publish_page(root: Path, month: str, text: str) -> None:
    """A month of the page, of one file."""
    with new_folder(page_dir(root, month)) as draft:
        (draft / "figures").write_text(text)
        write_manifest(draft, Sums(sums(figures=text)))


def test_the_newest_month_of_the_page_reaches_other_hosts(tmp_path, store):
    """With what is live; one that is no longer the newest goes where a host only serves."""
    root, shared = host(tmp_path, "a", store)
    there, copy = host(tmp_path, "b", store)
    publish_version(root, 1, "first")
    go_live(root, "tiny", champion=1, shared=shared)
    for month in ("2025-02", "2025-03"):
        publish_page(root, month, month)
        shared.wrote(page_dir(root, month))
        go_live(root, "tiny", shared=shared)
        copy.pull(prune=True)
    assert [folder.name for folder in page_months(there)] == ["2025-03"]
    assert (page_dir(there, "2025-03") / "figures").read_text() == "2025-03"
    assert contents(store) == {"first", "2025-03"}
    publish_version(there, 2, "second")
    go_live(there, "tiny", champion=2, shared=copy)
    assert contents(store) == {"first", "second", "2025-03"}
    assert [folder.name for folder in page_months(root)] == ["2025-02", "2025-03"]


def test_what_is_not_as_its_name_says_does_not_go_live(tmp_path, store):
    """An object that was changed on the store is refused, and the host goes on with what it has."""
    root, shared = host(tmp_path, "a", store)
    there, copy = host(tmp_path, "b", store)
    publish_version(root, 1, "first")
    go_live(root, "tiny", champion=1, shared=shared)
    copy.pull()
    publish_version(root, 2, "second")
    live = go_live(root, "tiny", champion=2, shared=shared)
    (digest,) = sums(model="second").values()
    store.put(f"tiny/objects/{digest}", b"another")
    with pytest.raises(PublicationError, match="is not what its name says"):
        copy.pull()
    assert read_live(there).champion == 1
    store.put(f"tiny/objects/{digest}", b"second")
    assert copy.pull()
    assert read_live(there) == live


def test_a_damaged_index_is_named(tmp_path, store):
    """It is an error with the next step, not a traceback of a decoder."""
    _, shared = host(tmp_path, "a", store)
    store.put("tiny/index.json", b"{")
    with pytest.raises(PublicationError, match=r"tiny/index\.json on the store is damaged"):
        shared.pull()


def test_an_experiment_reaches_every_host(tmp_path, store):
    """The challenger's bundle comes with its share."""
    root, shared = host(tmp_path, "a", store)
    there, copy = host(tmp_path, "b", store)
    for version in (1, 2):
        publish_version(root, version, f"model {version}")
    go_live(root, "tiny", champion=1, shared=shared)
    live = direct_traffic(root, challenger=2, weight=0.25, shared=shared)
    copy.pull()
    assert read_live(there) == live
    index = msgspec.json.decode(store.get("tiny/index.json").data, type=SharedIndex)  # type: ignore[union-attr]
    assert set(index.bundles) == {"models/1", "models/2"}


def test_what_a_killed_publication_left_is_swept(tmp_path, store):
    """Objects that no bundle names go once they are old; a fresh one may be of a publication that
    is running.
    """
    root, shared = host(tmp_path, "a", store)
    publish_version(root, 1, "first")
    go_live(root, "tiny", champion=1, shared=shared)
    store.put("tiny/objects/orphan", b"of a killed publication")
    begun = datetime.now(UTC)
    assert shared.sweep(before=begun - timedelta(days=1)) == 0
    assert shared.sweep(before=begun + timedelta(minutes=1)) == 1
    assert contents(store) == {"first"}


def test_every_object_can_be_searched(tmp_path, store):
    """Under the names of its bundle, also one that nothing names."""
    root, shared = host(tmp_path, "a", store)
    publish_version(root, 1, "first")
    go_live(root, "tiny", champion=1, shared=shared)
    store.put("tiny/objects/orphan", b"names a customer")
    paths = shared.download_all(tmp_path / "copies")
    assert {path.name for path in paths} == {"model", "manifest.json", "unnamed"}
    assert "names a customer" in {path.read_text() for path in paths}
