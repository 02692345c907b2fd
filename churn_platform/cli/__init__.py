"""The command `churn`. Each module reads arguments, the clock and the settings, calls one function,
and prints.

Begin with `app.py`; a module holds one family of commands. Nothing is decided here: a rule that a
command needs is in the package that its answer comes from.
"""

from churn_platform.cli import (
    audit_commands,
    backup_commands,
    campaign_commands,
    connect_commands,
    data_commands,
    experiment_commands,
    exporter_commands,
    feature_commands,
    governance_commands,
    graph_commands,
    housekeeping_commands,
    lake_commands,
    models_commands,
    privacy_commands,
    relocation_commands,
    reproduce_commands,
    smoke_commands,
    stream_commands,
    traffic_commands,
    ui_commands,
)
from churn_platform.cli.app import app, main

__all__ = [
    "app",
    "audit_commands",
    "backup_commands",
    "campaign_commands",
    "connect_commands",
    "data_commands",
    "experiment_commands",
    "exporter_commands",
    "feature_commands",
    "governance_commands",
    "graph_commands",
    "housekeeping_commands",
    "lake_commands",
    "main",
    "models_commands",
    "privacy_commands",
    "relocation_commands",
    "reproduce_commands",
    "smoke_commands",
    "stream_commands",
    "traffic_commands",
    "ui_commands",
]
