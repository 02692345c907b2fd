"""A password is kept as a hash, and only the right one opens."""

from pathlib import Path

import pytest

from serving.errors import ServiceSettingsError
from serving.page.users import checked, put_user, read_users

PASSWORD = "correct horse battery"


def test_only_the_right_password_of_a_known_user_opens(tmp_path: Path):
    """Neither a wrong one, nor any of an unknown name, nor one that is very long."""
    path = tmp_path / "page" / "users.json"
    put_user(path, "ada", PASSWORD, ("agent",))
    assert checked(path, "ada", PASSWORD).roles == ("agent",)  # type: ignore[union-attr]
    assert checked(path, "ada", PASSWORD + "!") is None
    assert checked(path, "bob", PASSWORD) is None
    assert checked(path, "ada", "x" * 1_000_000) is None


def test_the_file_tells_no_password_and_is_its_owners_alone(tmp_path: Path):
    """A user of the same name is replaced, with a salt of its own."""
    path = tmp_path / "users.json"
    put_user(path, "ada", PASSWORD, ("agent",))
    before = read_users(path)["ada"]
    put_user(path, "ada", PASSWORD, ("agent", "model"))
    after = read_users(path)["ada"]
    assert PASSWORD.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert before.salt != after.salt
    assert before.password_hash != after.password_hash


def test_what_makes_no_user_is_refused(tmp_path: Path):
    """A role that is not there, and a short password; nothing is written."""
    path = tmp_path / "users.json"
    with pytest.raises(ServiceSettingsError, match="no role king"):
        put_user(path, "ada", PASSWORD, ("king",))
    with pytest.raises(ServiceSettingsError, match="at least 10 characters"):
        put_user(path, "ada", "short", ("agent",))
    assert read_users(path) == {}
    path.write_text("{")
    with pytest.raises(ServiceSettingsError, match="is not a file of users"):
        read_users(path)
