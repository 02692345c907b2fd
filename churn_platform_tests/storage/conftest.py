"""A store of every kind."""

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from churn_platform.storage.object_store import ObjectStore
from churn_platform.storage.opening import open_store
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import Store
from churn_platform_tests.support.s3_server import S3Server

SETTING = "CHURN_PLACE"


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store."""
    if request.param == "folder":
        return open_store(tmp_path / "store", setting=SETTING)
    if request.param == "memory":
        return ObjectStore(MemoryStore(), "memory://", StoreOptions(), SETTING)
    server: S3Server = request.getfixturevalue("s3_server")
    return open_store(server.new_url(), server.options, setting=SETTING)
