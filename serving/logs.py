"""Log lines as JSON, one object per line: ids and counts, never what a request says about a
customer.
"""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, the request it belongs to, and what `extra={"fields": ...}`
    adds.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        # A context variable, so that log lines deep inside know the request without being told.
        if known := request_id.get():
            line["request_id"] = known

        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)

        return msgspec.json.encode(line).decode()


def log_config(level: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: the service's lines and the server's to standard
    error.
    """
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "serving.logs.JsonFormatter"}},
        "handlers": {"console": handler},
        "loggers": {
            name: {"handlers": ["console"], "level": level, "propagate": False}
            for name in ("serving", "_granian", "granian.access")
        },
    }
