"""The command `churn`: each module reads arguments, the clock and the settings, calls one function, prints."""

from churn_platform.cli import audit, data, governance, graph, housekeeping, lake, models, privacy, reproduce, traffic
from churn_platform.cli.app import app, main

__all__ = [
    "app",
    "audit",
    "data",
    "governance",
    "graph",
    "housekeeping",
    "lake",
    "main",
    "models",
    "privacy",
    "reproduce",
    "traffic",
]
