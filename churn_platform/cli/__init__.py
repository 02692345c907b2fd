"""The command `churn`. Each module reads arguments, the clock and the settings, calls one function,
and prints.

Begin with `app.py`; a module holds one family of commands. Nothing is decided here: a rule that a
command needs stands in the package that its answer comes from.
"""

from churn_platform.cli import (
    audit,
    data,
    governance,
    graph,
    housekeeping,
    lake,
    models,
    privacy,
    reproduce,
    traffic,
)
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
