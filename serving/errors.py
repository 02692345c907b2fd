"""What the service refuses, free of HTTP; `serving/http/problems.py` gives each its status."""

import msgspec


class ServingError(Exception):
    """Base of every error that the service raises on purpose."""


class ServiceSettingsError(ServingError):
    """A setting is missing or unusable; the service does not start."""


class BundleError(ServingError):
    """A published bundle failed its checks; what was served before stays."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong in a request: where, what was sent, what is allowed."""

    field: str
    value: object
    allowed: str


class MalformedRequest(ServingError):
    """The body is not what the endpoint takes at all."""


class InvalidRequest(ServingError):
    """The request can be read but some of its values are not allowed."""

    def __init__(self, faults: list[Fault]):
        self.faults = faults
        super().__init__(faults)

    def __str__(self) -> str:
        told = []
        for fault in self.faults:
            told.append(f"{fault.field}: {fault.value!r}, allowed is {fault.allowed}")

        return "; ".join(told)


class NotFound(ServingError):
    """There is no such customer, portfolio, model or report."""


class NotReady(ServingError):
    """No checked model is loaded yet, or answers cannot be logged."""


class NotAuthenticated(ServingError):
    """The request carries no API key, or one that is not known."""


class NotAllowed(ServingError):
    """The API key lacks the scope that the endpoint asks for."""


class TooManyRequests(ServingError):
    """The API key is over its rate."""

    def __init__(self, message: str, *, wait_seconds: int):
        self.wait_seconds = wait_seconds
        super().__init__(message)


class RequestTimeout(ServingError):
    """The request did not arrive in time."""


class HungUp(ServingError):
    """The client is gone, so that no one waits for the answer any more."""


class TooLarge(ServingError):
    """A batch holds more customers than it may."""


class NotJson(ServingError):
    """The body is said to be something other than JSON."""


class LogUnavailable(ServingError):
    """The prediction log cannot take a record; nothing of it was kept, so the answer must not be
    sent.
    """


class OverlayFull(ServingError):
    """The overlay of pushed features, or its disk, has no space for more; the push was not kept."""
