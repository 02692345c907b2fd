"""Finds the specs of experiments: a YAML file each, in a folder beside that of the portfolios."""

from pathlib import Path

from churn_platform.errors import ExperimentError, SpecError
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.portfolios.loader import read_spec


def load_experiments(folder: Path) -> dict[str, ExperimentSpec]:
    """Every experiment by name; SpecError names a file that is none, or not named as it is."""
    experiments = {}
    for path in sorted(folder.glob("*.yaml")):
        spec = read_spec(path, ExperimentSpec)
        name = spec.name
        # One file a name: so two experiments cannot claim one, and a command finds its file.
        if name != path.stem:
            raise SpecError(f"{path}: name {name!r} must be that of the file, {path.stem!r}")
        experiments[name] = spec

    return experiments


def experiments_of(folder: Path, portfolio: str) -> list[ExperimentSpec]:
    """The experiments of a portfolio."""
    found = load_experiments(folder).values()
    return [spec for spec in found if spec.portfolio == portfolio]


def experiment_named(folder: Path, name: str) -> ExperimentSpec:
    """The experiment of that name; ExperimentError lists those there are."""
    known = load_experiments(folder)
    if name not in known:
        listed = ", ".join(known) or "none"
        wanted = folder / f"{name}.yaml"
        raise ExperimentError(
            f"no experiment {name!r} in {folder}; there are: {listed}; "
            f"write {wanted}, docs/experiments.md says how"
        )

    return known[name]
