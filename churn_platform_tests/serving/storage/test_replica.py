"""A host that only serves takes over what is live, and its answers reach the platform."""

from pathlib import Path
from unittest.mock import Mock

import prometheus_client
import pytest

from churn_platform.errors import StoreUnreachableError
from churn_platform.published.live_file import go_live, read_live
from churn_platform.published.shared import SharedPortfolio
from churn_platform.storage.opening import open_store
from serving.errors import ServiceSettingsError
from serving.settings import load_settings
from serving.storage.replica import LIST_ROUNDS, Replica, options_of, replica_of


class Host:
    """The folders of a service's host, and the platform that publishes to the same store."""

    def __init__(self, folder: Path):
        self.published = open_store(folder / "store" / "published", setting="SERVING_STORE")
        self.log = open_store(folder / "store" / "log", setting="SERVING_STORE")
        self.published_dir, self.log_dir = folder / "b" / "published", folder / "b" / "log"
        self.platform_root = folder / "a"
        self.said: list[str] = []
        self.replica = Replica(
            published=self.published,
            published_dir=self.published_dir,
            log=self.log,
            log_dir=self.log_dir,
            in_step=lambda: self.said.append("in step"),
            failed=lambda: self.said.append("failed"),
        )

    def publish(self, portfolio: str, month: str) -> None:
        """The platform names a month live, without bundles."""
        root = self.platform_root / portfolio
        shared = SharedPortfolio(self.published, root)
        manifest = root / "features" / month / "manifest.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(
            f'{{"portfolio":"{portfolio}","month":"{month}","customers":0,"features":[],'
            '"scored_by":1,"sha256":{}}'
        )
        go_live(root, portfolio, features_month=month, shared=shared)

    def live(self, portfolio: str) -> str | None:
        """The month that is live on the service's host."""
        found = read_live(self.published_dir / portfolio)
        return found.features_month if found else None

    def close_segment(self, portfolio: str, name: str, content: bytes) -> Path:
        """A closed segment of the prediction log."""
        path = self.log_dir / portfolio / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with nothing yet."""
    return Host(tmp_path)


def test_what_goes_live_is_taken_over_at_the_next_look(host: Host):
    """Of a portfolio that was known; a new one is found when the store is listed again."""
    host.publish("tiny", "2025-01")
    host.replica.look()
    assert host.live("tiny") == "2025-01"
    host.publish("tiny", "2025-02")
    host.publish("other", "2025-03")
    host.replica.look()
    assert (host.live("tiny"), host.live("other")) == ("2025-02", None)
    for _ in range(LIST_ROUNDS):
        host.replica.look()
    assert host.live("other") == "2025-03"


def test_a_closed_segment_is_on_the_store_before_it_leaves_the_host(host: Host):
    """Open ones stay; one that a kill left behind after its shipping goes as well."""
    closed = host.close_segment("tiny", "0001-host-1.seg", b"answers")
    being_written = host.close_segment("tiny", "0002-host-1.open", b"more")
    host.replica.look()
    assert not closed.exists()
    assert being_written.exists()
    assert host.log.get("tiny/0001-host-1.seg").data == b"answers"  # type: ignore[union-attr]
    again = host.close_segment("tiny", "0001-host-1.seg", b"answers")
    host.replica.look()
    assert not again.exists()
    assert [found.key for found in host.log.list()] == ["tiny/0001-host-1.seg"]


def test_a_store_that_is_away_changes_nothing_that_serves(host: Host, monkeypatch, caplog):
    """It is said once, counted each time, and made up for when the store is back."""
    host.publish("tiny", "2025-01")
    host.replica.look()
    host.publish("tiny", "2025-02")
    closed = host.close_segment("tiny", "0001-host-1.seg", b"answers")

    def away(*arguments: object, **named: object) -> None:
        raise StoreUnreachableError("the store does not answer")

    with monkeypatch.context() as patch, caplog.at_level("ERROR"):
        patch.setattr(host.published, "get", away)
        patch.setattr(host.log, "upload", away)
        host.replica.look()
        host.replica.look()
    assert host.said == ["in step", "failed", "failed"]
    assert len(caplog.records) == 1
    assert host.live("tiny") == "2025-01"
    assert closed.exists()
    host.replica.look()
    assert host.said[-1] == "in step"
    assert host.live("tiny") == "2025-02"
    assert not closed.exists()


def test_alarms_of_experiments_are_shipped_and_stay(host):
    """The daemon may run on another host, and the workers of this one go by the file."""
    path = host.log_dir / "tiny" / "alarms" / "trial-1.guardrail.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    for _ in range(2):
        host.replica.look()
    assert path.exists()
    assert host.log.read("tiny/alarms/trial-1.guardrail.json") == b"{}"


def test_the_store_is_reached_as_the_platform_reaches_it():
    """Also with a temporary key, and with the bucket before the host."""
    given = {
        "SERVING_STORE": "s3://bucket/prefix",
        "SERVING_STORE_ENDPOINT": "store.internal:8333",
        "SERVING_STORE_KEY_ID": "key",
        "SERVING_STORE_SECRET_KEY": "secret",
        "SERVING_STORE_SESSION_TOKEN": "token",
        "SERVING_STORE_URL_STYLE": "vhost",
    }
    options = options_of(load_settings(given))
    assert (options.session_token, options.style) == ("token", "vhost")


def test_an_address_that_is_none_of_a_store_stops_the_start(monkeypatch):
    """As any setting that is wrong, by its name."""
    for metric in ("Gauge", "Counter"):  # a process may register each of them once
        monkeypatch.setattr(prometheus_client, metric, Mock())
    with pytest.raises(ServiceSettingsError, match=r"SERVING_STORE=ftp://a/b.*not supported"):
        replica_of(load_settings({"SERVING_STORE": "ftp://a/b"}))
