"""Finds portfolio specs: the two that ship with the package and the user's own in a folder."""

from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from churn_platform.errors import SpecError
from churn_platform.portfolios.own_entries import FOLDER, with_own_features
from churn_platform.portfolios.recipe import with_recipe
from churn_platform.portfolios.spec import Portfolio
from churn_platform.portfolios.strict_model import SpecModel

# The one in C is ten times as fast, which counts in a spec of two thousand features.
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PARTS = ("raw", "staging", "source")  # of a portfolio's schemas and keys, behind its name
Spec = TypeVar("Spec", bound=SpecModel)


def load_portfolios(own_dir: Path) -> dict[str, Portfolio]:
    """Every portfolio by name, shipped ones first; SpecError if two files claim one name."""
    portfolios: dict[str, Portfolio] = {}
    for path in spec_paths(own_dir):
        portfolio = read_portfolio(path, own_dir)
        if portfolio.name in portfolios:
            raise SpecError(
                f"{path}: portfolio {portfolio.name!r} exists already; choose another name"
            )
        portfolios[portfolio.name] = portfolio
        _require_own_schemas(path, portfolios)

    return portfolios


def _require_own_schemas(path: Path, known: dict[str, Portfolio]) -> None:
    """SpecError if a portfolio is called as the schema of another: their tables would be one."""
    for name in known:
        for part in PARTS:
            if f"{name}_{part}" in known:
                raise SpecError(
                    f"{path}: a portfolio {name}_{part} cannot be beside {name}, which keeps "
                    "tables under that name; choose another name"
                )


def spec_paths(own_dir: Path) -> list[Path]:
    """Where the specs are, shipped ones first."""
    shipped = Path(str(resources.files("churn_platform.portfolios")))
    # telecomit before ibm_telco: commands and the UI list the demo's operator first.
    return sorted(shipped.glob("*.yaml"), reverse=True) + sorted(own_dir.glob("*.yaml"))


def read_portfolio(path: Path, own_dir: Path | None = None) -> Portfolio:
    """The spec in `path`, with the features of the operator's own in `own_dir`, by default that of
    the spec; SpecError names the file, the key and what is wrong.
    """
    # Of a portfolio that ships, too: nothing in the package is edited for a feature.
    return read_spec(path, Portfolio, fill=partial(_whole, path, own_dir or path.parent))


def _whole(path: Path, own_dir: Path, given: Any) -> Any:
    filled = _filled(path, given)
    if not isinstance(filled, dict):
        return filled
    return with_own_features(filled, own_dir / str(filled.get("name")) / FOLDER)


def load_recipe(name: str) -> Portfolio:
    """The shipped portfolio of that name, which others are made like."""
    return read_portfolio(_shipped(name))


def _shipped(name: str) -> Path:
    return Path(str(resources.files("churn_platform.portfolios"))) / f"{name}.yaml"


def _filled(path: Path, given: Any) -> Any:
    """What is given, with all that its recipe has besides."""
    if not isinstance(given, dict) or "recipe" not in given:
        return given
    name = given["recipe"]
    # Only what ships: an operator's own spec may change, and with it all that were made of it.
    shipped = _shipped(name)
    if not shipped.is_file():
        raise SpecError(f"{path}: recipe: there is none called {name!r}; try telecomit")
    text = shipped.read_text(encoding="utf-8")
    recipe = yaml.load(text, Loader=SAFE_LOADER)
    return with_recipe(given, recipe)


def read_spec(
    path: Path, kind: type[Spec], *, fill: Callable[[Any], Any] = lambda given: given
) -> Spec:
    """A spec of that kind, after `fill` has put in what it leaves to others; SpecError as for
    `read_portfolio`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        given = yaml.load(text, Loader=SAFE_LOADER)
        return kind.model_validate(fill(given))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: cannot be read: {error}; save it as UTF-8 text, or move it elsewhere"
        ) from error
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: not readable as YAML: {error}") from error
    except ValidationError as error:
        wrong = []
        for item in error.errors():
            key = ".".join(map(str, item["loc"])) or "spec"
            wrong.append(f"{key}: {item['msg']}")

        # All at once: a person corrects the file in one go.
        listed = "; ".join(wrong)
        raise SpecError(f"{path}: {listed}") from error
