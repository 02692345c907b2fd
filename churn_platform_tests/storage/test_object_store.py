"""What a store says that cannot be used: one error, which names place and setting and no secret."""

from dataclasses import replace

import pytest

from churn_platform.errors import StoreError, StoreRefusedError, StoreUnreachableError
from churn_platform.storage.opening import open_store
from churn_platform.storage.options import StoreOptions
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.s3_server import SECRET_KEY, S3Server

CALLS = {
    "get": lambda store: store.get("a"),
    "put": lambda store: store.put("a", b"x"),
    "list": lambda store: list(store.list()),
    "head": lambda store: store.head("a"),
    "delete": lambda store: store.delete("a"),
}


@pytest.fixture(params=CALLS)
def call(request):
    """A call of each kind."""
    return CALLS[request.param]


def test_a_store_that_is_not_there_does_not_answer(call):
    """The message names the address, its setting, the endpoint and that setting."""
    (port,) = free_ports(1)
    options = replace(S3Server(port, process=0).options, retries=0)
    store = open_store("s3://bucket/lake", options, setting="CHURN_PLACE")
    with pytest.raises(StoreUnreachableError) as error:
        call(store)
    for part in ("s3://bucket/lake", "CHURN_PLACE", f"http://127.0.0.1:{port}"):
        assert part in str(error.value)
    assert "CHURN_STORE_ENDPOINT" in str(error.value)


def test_a_wrong_key_is_refused(call, s3_server, s3_url):
    """The message names the settings of the key, and shows no secret."""
    options = s3_server.options_of("test-key-id", "another-secret")
    with pytest.raises(StoreRefusedError, match="CHURN_STORE_SECRET_KEY") as error:
        call(open_store(s3_url, options, setting="CHURN_PLACE"))
    assert s3_url in str(error.value)
    assert "another-secret" not in str(error.value)


def test_a_wrong_bucket_is_refused(call, s3_server):
    """By a key that may not use it."""
    admin = s3_server.options_of("admin-key-id", "admin-secret")
    open_store("s3://other/lake", admin, setting="CHURN_PLACE").put("a", b"x")
    store = open_store("s3://other/lake", s3_server.options, setting="CHURN_PLACE")
    with pytest.raises(StoreRefusedError, match="CHURN_PLACE") as error:
        call(store)
    assert "s3://other/lake" in str(error.value)


def test_a_bucket_that_does_not_exist_is_said_to_be_missing(s3_server):
    """To a key that may see it."""
    options = s3_server.options_of("admin-key-id", "admin-secret")
    store = open_store("s3://none/lake", options, setting="CHURN_PLACE")
    with pytest.raises(StoreRefusedError, match="no bucket none"):
        list(store.list())


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "s3://", "s3://key:secret@bucket/x", "s3://bucket/a//b"]
)
def test_an_address_that_can_be_no_store_is_refused_at_once(url):
    """With the setting and a form that can."""
    with pytest.raises(StoreError, match=r"CHURN_PLACE.*s3://bucket/prefix"):
        open_store(url, setting="CHURN_PLACE")


def test_options_show_no_secret(s3_server):
    """They are in tracebacks and in objects that are logged."""
    assert SECRET_KEY not in repr(replace(s3_server.options, session_token=SECRET_KEY))


def test_the_bucket_is_where_the_style_puts_it():
    """AWS has it before the host, servers of one's own behind it, unless one is set."""
    assert StoreOptions().style == "vhost"
    assert StoreOptions(endpoint="minio:9000").style == "path"
    assert StoreOptions(endpoint="minio:9000", url_style="vhost").style == "vhost"
