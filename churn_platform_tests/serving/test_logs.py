"""A log line is one JSON object that says which request it belongs to."""

import json
import logging
import sys

from serving.logs import JsonFormatter, log_config, request_id


def line(message: str, **options: object) -> dict:
    """A formatted record of 1970, read back."""
    record = logging.LogRecord(
        "serving", logging.INFO, "file.py", 1, message, (), options.pop("exc_info", None)
    )
    record.created = 0.25
    record.__dict__.update(options)
    return json.loads(JsonFormatter().format(record))


def test_a_line_has_time_level_logger_and_message():
    """The time is UTC with milliseconds; without a request there is no id."""
    assert line("started") == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "INFO",
        "logger": "serving",
        "message": "started",
    }


def test_a_line_names_its_request_and_its_fields():
    """The id comes from the context, fields from `extra`."""
    token = request_id.set("r1")
    try:
        told = line("features pushed", fields={"portfolio": "tiny"})
    finally:
        request_id.reset(token)
    assert (told["request_id"], told["portfolio"]) == ("r1", "tiny")


def test_a_failure_has_its_traceback_in_the_same_line():
    """Newlines of a traceback do not end the line."""
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError:
        told = line("request failed", exc_info=sys.exc_info())
    assert told["traceback"].endswith("ZeroDivisionError: by zero")


def test_the_server_logs_as_the_service_does():
    """One handler and one level for the service's lines and for granian's."""
    loggers = log_config("WARNING")["loggers"]
    assert set(loggers) == {"serving", "_granian", "granian.access"}
    assert {logger["level"] for logger in loggers.values()} == {"WARNING"}
