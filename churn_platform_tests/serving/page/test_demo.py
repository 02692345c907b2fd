"""Whom a new user is told to look for."""

from serving.page.demo import announcement, example_customer


def test_a_new_user_is_told_of_a_customer_on_the_list(settings):
    """Nobody knows a customer number of a simulated operator."""
    assert example_customer(settings) == "C-contact"
    told = announcement("http://127.0.0.1:8090", "secret", "C-contact")
    assert "user: demo   password: secret" in told and "find customer C-contact" in told


def test_without_a_list_nobody_is_named(settings, tmp_path):
    """Nothing is published there."""
    import msgspec

    empty = msgspec.structs.replace(settings, published_dir=tmp_path / "nothing")
    assert example_customer(empty) is None
    assert "find customer" not in announcement("http://127.0.0.1:8090", "secret", None)
