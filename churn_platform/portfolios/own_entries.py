"""Adds to a spec the features that an operator has made: a folder beside it, with SQL and an entry
each.

`portfolios/acme/features/` holds `roaming_days_90d.sql` and `roaming_days_90d.yaml`. The entry is
one of the catalogue; its name is that of the file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from churn_platform.errors import SpecError

FOLDER = "features"
GROUP = "own"  # of an entry that names none


def with_own_features(given: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """The spec with the entries of the files in `folder`, after those that it has, and with their
    SQL. SpecError for an entry without SQL, SQL without an entry, and what is no entry.
    """
    if not folder.is_dir():
        return given
    if given.get("kind") != "events":
        raise SpecError(
            f"{folder}: own features are made of event tables, which a snapshot has not"
        )

    sql = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    entries = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    lonely = sorted(sql.keys() ^ entries.keys())
    if lonely:
        name = lonely[0]
        has, lacks = (".sql", ".yaml") if name in sql else (".yaml", ".sql")
        raise SpecError(f"{folder / name}{has} needs {name}{lacks} beside it")

    own = [_entry(name, path) for name, path in entries.items()]
    texts = {name: path.read_text(encoding="utf-8") for name, path in sql.items()}
    return {**given, "features": [*given.get("features", ()), *own], "own_sql": texts}


def _entry(name: str, path: Path) -> dict[str, Any]:
    try:
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpecError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(entry, dict):
        raise SpecError(
            f"{path}: one entry of the catalogue is wanted, with type, description, reason"
        )
    if entry.get("name", name) != name:
        raise SpecError(f"{path}: name is {entry['name']!r}; a feature is called as its file is")
    return {"group": GROUP, **entry, "name": name, "own": True}
