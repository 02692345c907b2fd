"""What the files below deploy/ name: variables, and whether the code knows them."""

import re
from pathlib import Path

import msgspec

from churn_platform.settings import PREFIX, Settings
from serving.page.settings import PREFIX as PAGE_PREFIX
from serving.page.settings import PageSettings
from serving.settings import PREFIX as SERVING_PREFIX
from serving.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OURS = (PREFIX, SERVING_PREFIX, PAGE_PREFIX)


def known_variables() -> set[str]:
    """Every setting of platform, service and page."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for prefix, kind in ((SERVING_PREFIX, ServiceSettings), (PAGE_PREFIX, PageSettings)):
        known |= {prefix + field.name.upper() for field in msgspec.structs.fields(kind)}
    return known


def unknown_variables(names: set[str]) -> set[str]:
    """Those that begin as our settings do and are none: a process that has one does not start."""
    return {name for name in names if name.startswith(OURS)} - known_variables()


def env_file(path: Path) -> dict[str, str]:
    """The variables of a file of lines NAME=value."""
    lines = re.findall(r"^([A-Z_0-9]+)=(.*)$", path.read_text(), re.MULTILINE)
    return dict(lines)


def routes_of(application: object) -> set[str]:
    """The paths that an application of Litestar answers."""
    return {route.path for route in application.routes}  # type: ignore[attr-defined]
