"""What a key is asked for over HTTP: before the body, by portfolio, by what is sent and by the
number of customers.
"""

import asyncio
import json
import threading

import pytest

from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.waiting import eventually
from serving.app import create_app
from serving.security.api_keys import revoke_key

ADA = {"customer_id": "C00001"}
TYPE = (b"content-type", b"application/json")


def answer_of(app, headers: list[tuple[bytes, bytes]], body: bytes | None) -> tuple[int, dict]:
    """(status, body) of `POST /predict` with exactly these headers; None where the body must not be
    read.
    """

    async def receive() -> dict:
        assert body is not None, "the body is read before the key is asked for"
        return {"type": "http.request", "body": body, "more_body": False}

    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        **{
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": "POST",
        },
        **{
            "path": "/predict",
            "raw_path": b"/predict",
            "root_path": "",
            "query_string": b"",
            "headers": headers,
        },
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080)},
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize(
    "headers", [[], [(b"x-api-key", b"churn_wrong")], [(b"content-length", b"1000000")]]
)
def test_a_body_without_a_known_key_is_not_read(tmp_path, key, headers):
    """Nobody can fill memory without one."""
    key()
    status, _ = answer_of(create_app(settings_in(tmp_path)), [TYPE, *headers], None)
    assert status == 401


def test_a_small_body_of_a_refused_request_is_dropped(tmp_path, key):
    """Or the server would have to close the connection, as for every request of a key over its
    rate.
    """
    key()
    headers = [TYPE, (b"content-length", b"2")]
    read = []

    class Body(bytes):
        def __len__(self) -> int:
            read.append(self)
            return super().__len__()

    assert answer_of(create_app(settings_in(tmp_path)), headers, Body(b"{}"))[0] == 401
    assert read


def test_a_header_that_decides_is_sent_once(tmp_path, key):
    """A proxy may have looked at the other one of two; which of them comes
    first changes nothing.
    """
    app_key = key()["x-api-key"].encode()
    app = create_app(settings_in(tmp_path))
    good, wrong, bearer = (
        (b"x-api-key", app_key),
        (b"x-api-key", b"x"),
        (b"authorization", b"Bearer " + app_key),
    )
    for pair in (
        [good, wrong],
        [wrong, good],
        [good, good],
        [bearer, bearer],
        [(b"host", b"a"), (b"host", b"b"), good],
    ):
        status, problem = answer_of(app, [TYPE, *pair], b"{}")
        assert (status, "is there twice" in problem["detail"]) == (400, True)


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_key_hides_no_bearer_token(start, key, empty):
    """It says nothing, as a proxy or a form may add it."""
    headers = {"authorization": f"Bearer {key()['x-api-key']}", "x-api-key": empty}
    assert start().post("/predict", json=ADA, headers=headers).status_code == 200


def test_a_key_is_revoked_while_the_published_folder_hangs(start, key, tmp_path, monkeypatch):
    """As on a share that is gone: what protects does not wait for what it protects against."""
    hanging, free = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        hanging.set()
        free.wait(60)

    crm, client = key(), start()
    monkeypatch.setattr("serving.answer.dataplane.Dataplane.refresh", hang)
    try:
        assert hanging.wait(20)
        revoke_key(settings_in(tmp_path).keys_file, name="crm")
        eventually(lambda: client.post("/predict", json=ADA, headers=crm).status_code == 401)
    finally:
        free.set()


def test_the_age_of_the_keys_is_told(start, key):
    """By health and by the metrics, so that a thread that hangs can be alerted on."""
    crm, client = key(), start()
    assert 0 <= client.get("/health").json()["keys_age_seconds"] < 60
    (line,) = [
        line
        for line in client.get("/metrics", headers=crm).text.splitlines()
        if line.startswith("keys_age")
    ]
    assert 0 <= float(line.split()[1]) < 60
