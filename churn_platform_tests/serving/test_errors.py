"""What the service's errors say, and that each has an answer."""

from serving.errors import (
    BundleError,
    Fault,
    InvalidRequest,
    ServiceSettingsError,
    ServingError,
    TooManyRequests,
)
from serving.http.problems import STATUS


def test_an_invalid_request_names_every_fault():
    """Field, value and what is allowed, in the order in which they were found."""
    faults = [Fault("tickets", -1, "at least 0"), Fault("plan", "x", "prepaid, monthly")]
    assert str(InvalidRequest(faults)) == (
        "tickets: -1, allowed is at least 0; plan: 'x', allowed is prepaid, monthly"
    )


def test_who_asks_too_often_learns_how_long_to_wait():
    """The message is for people, the seconds are for the header."""
    error = TooManyRequests("key 'crm' is over its rate", wait_seconds=3)
    assert (str(error), error.wait_seconds) == ("key 'crm' is over its rate", 3)


def test_each_error_that_a_request_can_meet_has_a_status():
    """A setting and a bundle are met at the start and when loading, never by a request."""
    errors = [each for each in ServingError.__subclasses__() if not of_the_page(each)]
    assert set(errors) - set(STATUS) == {ServiceSettingsError, BundleError}


def of_the_page(error: type[ServingError]) -> bool:
    """Whether the page raises it, which is a process of its own and answers it by itself."""
    return error.__module__.startswith("serving.page.")
