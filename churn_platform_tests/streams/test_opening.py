"""Which broker is opened, and how it is reached."""

import builtins
import ssl

import pytest

from churn_platform.errors import SettingsError
from churn_platform.streams.opening import (
    Access,
    Kind,
    kafka_options,
    nats_options,
    open_broker,
)

SECRET = Access("host:1", user="churn", password="hush", sasl="SCRAM-SHA-256", tls=True)


@pytest.mark.parametrize("kind", list(Kind))
def test_without_an_address_there_is_nothing_to_open(kind):
    """The setting is named, with an example."""
    with pytest.raises(SettingsError, match=r"CHURN_STREAM_ADDRESS is empty; set it, .*host:"):
        open_broker(kind, Access(""), topic="events", group="a")


@pytest.mark.parametrize(("kind", "package"), [(Kind.KAFKA, "kafka"), (Kind.NATS, "nats")])
def test_a_client_that_is_not_installed_is_named(kind, package, monkeypatch):
    """With the extra that has it."""
    imported = builtins.__import__

    def without(name: str, *arguments: object, **options: object) -> object:
        if name == f"churn_platform.streams.{package}":
            raise ModuleNotFoundError(name="its_client")
        return imported(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingsError, match=r"its_client is not installed; .* extra `streams`"):
        open_broker(kind, Access("host:1"), topic="events", group="a")


def test_kafka_is_told_how_to_encrypt_and_to_sign_in():
    """By librdkafka's names."""
    assert kafka_options(Access("host:1")) == {"security.protocol": "PLAINTEXT"}
    assert kafka_options(Access("host:1", tls=True, ca_file="ca.pem")) == {
        "security.protocol": "SSL",
        "ssl.ca.location": "ca.pem",
    }
    assert kafka_options(SECRET) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "churn",
        "sasl.password": "hush",
    }


def test_nats_is_told_how_to_encrypt_and_to_sign_in():
    """By the names of its client."""
    assert nats_options(Access("nats://host:1")) == {}
    options = nats_options(SECRET)
    assert (options["user"], options["password"]) == ("churn", "hush")
    assert options["tls"].verify_mode == ssl.CERT_REQUIRED
