"""Lines of a spec: where a person finds the key that an error is about."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from churn_platform.portfolios.loader import SAFE_LOADER, spec_paths


def place_of(path: Path, keys: Sequence[str]) -> str:
    """`path:line` of the innermost key that the spec has; an entry of a list is found by its
    `name`.
    """
    node = _composed(path)
    line = 1
    for key in keys:
        found = _child(node, key)
        # The rest comes from the recipe: the place to write it is below what is there.
        if found is None:
            break
        line, node = found
    return f"{path}:{line}"


def _composed(path: Path) -> yaml.Node | None:
    # Nodes, not values: only they know their lines.
    text = path.read_text(encoding="utf-8")
    return yaml.compose(text, Loader=SAFE_LOADER)


def _child(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                # YAML counts lines from 0, editors from 1.
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            if _name(entry) == key:
                return entry.start_mark.line + 1, entry
    return None


def _name(entry: yaml.Node | None) -> str | None:
    # Of a mapping alone: a list of lists would be searched all the way down.
    if not isinstance(entry, yaml.MappingNode):
        return None
    found = _child(entry, "name")
    if found is None:
        return None
    _, name = found
    return name.value if isinstance(name, yaml.ScalarNode) else None


def spec_path(own_dir: Path, name: str) -> Path:
    """The file of a portfolio that is known."""
    for path in spec_paths(own_dir):
        # By its name alone: another spec with a wrong value must not stop this one.
        node = _composed(path)
        if _name(node) == name:
            return path
    return own_dir / f"{name}.yaml"
