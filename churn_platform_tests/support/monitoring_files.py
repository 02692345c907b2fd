"""What deploy/prometheus and deploy/grafana say: alerts, expressions, and the metrics they name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards"
WORDS = {"by", "without", "and", "or", "unless", "offset", "on", "ignoring", "bool"}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)")
UNITS = re.compile(r"(?<![\w:])\d+(?:\.\d+)?(?:e\d+)?[smhdwy]?\b")


def rules() -> list[dict[str, Any]]:
    """Every recording and alerting rule."""
    found = []
    for name in ("recording.yml", "alerts.yml"):
        for group in yaml.safe_load((PROMETHEUS / name).read_text())["groups"]:
            found += group["rules"]
    return found


def alerts() -> list[dict[str, Any]]:
    """The alerting rules."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names that recording rules make."""
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboard_expressions() -> list[tuple[str, str]]:
    """(dashboard and panel, expression) of each query."""
    found = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                found.append((f"{path.stem}: {panel['title']}", target["expr"]))
    return found


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", expression)
    bare = GROUPING.sub("", bare)
    return set(_names(UNITS.sub("", bare)))


def _names(text: str) -> Iterator[str]:
    for found in re.finditer(r"[a-zA-Z_:][\w:]*", text):
        is_function = text[found.end() :].lstrip().startswith("(")
        if not is_function and found[0] not in WORDS:
            yield found[0]
