"""What the page keeps in SQLite."""

import sqlite3
from contextlib import closing

from serving.page.store import Store


def test_a_sign_in_is_taken_once_by_its_browser_and_in_time(tmp_path):
    """Another browser leaves it where it is; too late, it is gone."""
    store = Store(tmp_path / "page.sqlite")
    content = ("nonce", "verifier", "/there")
    state = store.begin_sign_in("mine", content, now=0, life=600)
    assert store.take_sign_in(state, "other", now=1, life=600) is None
    assert store.take_sign_in(state, "mine", now=1, life=600) == content
    assert store.take_sign_in(state, "mine", now=1, life=600) is None
    late = store.begin_sign_in("mine", content, now=2, life=600)
    assert store.take_sign_in(late, "mine", now=602, life=600) is None
    store.close()


def test_what_waited_when_the_page_ended_is_told_as_lost(tmp_path):
    """Nobody will settle it any more; what was settled stays."""
    store = Store(tmp_path / "page.sqlite")
    given = {"user": "ann", "kind": "k", "reason": "r", "now": 1.0}
    store.note_request(subject="waits", **given)
    done = store.note_request(subject="done", **given)
    store.settle_request(done, state="done", told="")
    store.close()
    again = Store(tmp_path / "page.sqlite")
    states = {each["subject"]: each["state"] for each in again.requests("k")}
    assert states == {"waits": "lost", "done": "done"}
    again.close()


def test_a_database_from_before_goes_on(tmp_path):
    """Its sessions have no ID token, and stay valid."""
    store = Store(tmp_path / "page.sqlite")
    token = store.begin_session("ann", ("agent",), now=1.0)
    store.close()
    with closing(sqlite3.connect(tmp_path / "page.sqlite")) as connection:
        connection.execute("alter table sessions drop column id_token")
    again = Store(tmp_path / "page.sqlite")
    session = again.session(token, now=2.0, idle=60, life=60)
    assert session is not None and session.user == "ann"
    assert again.end_session(token) == ""
    again.close()
