"""Whom a new user is told to look for."""

import socket

import msgspec
import pytest

from serving.errors import ServiceSettingsError
from serving.page.demo import announcement, example_customer, run_demo
from serving.page.settings import PREFIX
from serving.security.ownership import state_claimed


def test_a_new_user_is_told_of_a_customer_on_the_list(settings):
    """Nobody knows a customer number of a simulated operator."""
    assert example_customer(settings) == "C-contact"
    told = announcement("http://127.0.0.1:8090", "secret", "C-contact")
    assert "user: demo   password: secret" in told and "find customer C-contact" in told


def test_without_a_list_nobody_is_named(settings, tmp_path):
    """Nothing is published there."""
    empty = msgspec.structs.replace(settings, published_dir=tmp_path / "nothing")
    assert example_customer(empty) is None
    assert "find customer" not in announcement("http://127.0.0.1:8090", "secret", None)


def test_a_second_demo_does_not_change_the_password_of_the_first(settings):
    """It is refused before anything is written."""
    known = settings.users_file.read_bytes()
    # The first one holds the folder; the second asks for the same.
    with (
        state_claimed(settings.state_dir, prefix=PREFIX),
        # A service that answers already is not started; any listener is one.
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(ServiceSettingsError, match="serves from"),
    ):
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        run_demo(msgspec.structs.replace(settings, service_url=address))
    assert settings.users_file.read_bytes() == known
