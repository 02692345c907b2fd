"""Opens the broker that is meant."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from churn_platform.errors import SettingsError
from churn_platform.streams.broker import ADDRESS, Broker


class Kind(StrEnum):
    """Brokers that are known."""

    KAFKA = "kafka"
    NATS = "nats"


@dataclass(frozen=True)
class Access:
    """How to reach brokers; the password is in no message. sasl: of Kafka alone."""

    address: str
    user: str = ""
    password: str = ""
    sasl: str = "PLAIN"
    tls: bool = False
    ca_file: str = ""


def open_broker(kind: Kind, access: Access, *, topic: str, group: str) -> Broker:
    """The broker as a member of a group; it need not answer yet. SettingsError without an address,
    or without its client.
    """
    if not access.address:
        example = "host:9092" if kind is Kind.KAFKA else "nats://host:4222"
        raise SettingsError(f"{ADDRESS} is empty; set it, for example to {example}")
    # The clients are an extra of their own: only a host with a stream needs them.
    try:
        if kind is Kind.KAFKA:
            from churn_platform.streams.kafka import KafkaBroker

            options = kafka_options(access)
            return KafkaBroker(access.address, topic=topic, group=group, options=options)

        from churn_platform.streams.nats import NatsBroker

        options = nats_options(access)
        return NatsBroker(access.address, topic=topic, group=group, options=options)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} is not installed; install the package with its extra `streams`"
        ) from error


def kafka_options(access: Access) -> dict[str, Any]:
    """What librdkafka wants to know beside the address."""
    encryption = "SSL" if access.tls else "PLAINTEXT"
    protocol = f"SASL_{encryption}" if access.user else encryption
    options = {"security.protocol": protocol}
    if access.user:
        options["sasl.mechanism"] = access.sasl
        options["sasl.username"] = access.user
        options["sasl.password"] = access.password
    if access.ca_file:
        options["ssl.ca.location"] = access.ca_file

    return options


def nats_options(access: Access) -> dict[str, Any]:
    """What nats-py wants to know beside the address."""
    options: dict[str, Any] = {}
    if access.user:
        options["user"] = access.user
        options["password"] = access.password
    if access.tls:
        ca_file = access.ca_file or None
        options["tls"] = ssl.create_default_context(cafile=ca_file)

    return options
