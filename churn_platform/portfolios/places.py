"""Lines of a spec: where a person finds the key that an error is about."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from churn_platform.portfolios.loader import SAFE_LOADER, spec_paths


def place_of(path: Path, keys: Sequence[str]) -> str:
    """`path:line` of the innermost key that the spec has; an entry of a list is found by its
    `name`.
    """
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
    line = 1
    for key in keys:
        found = _child(node, key)
        if found is None:
            break
        line, node = found
    return f"{path}:{line}"


def _child(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            if _name(entry) == key:
                return entry.start_mark.line + 1, entry
    return None


def _name(entry: yaml.Node) -> str | None:
    found = _child(entry, "name") if isinstance(entry, yaml.MappingNode) else None
    return found[1].value if found and isinstance(found[1], yaml.ScalarNode) else None


def spec_path(own_dir: Path, name: str) -> Path:
    """The file of a portfolio that is known."""
    for path in spec_paths(own_dir):
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=SAFE_LOADER)
        found = _child(node, "name")
        if found and found[1].value == name:
            return path
    return own_dir / f"{name}.yaml"
