"""The dbt project as each portfolio of event tables builds it.

`dbt_models/` is the recipe: models for every portfolio. A portfolio has a copy of it in the data
folder, with what is its own: its name, of which schemas are made, its tables, and its catalogue as
the contract of `customer_features`.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from dagster_dbt import DbtProject
from dagster_dbt.core.dbt_cli_invocation import PARTIAL_PARSE_FILE_NAME

from churn_platform.errors import SpecError
from churn_platform.graph.dbt_in_process import DbtInvocation
from churn_platform.graph.dbt_profile import set_dbt_environment
from churn_platform.own_features.models import SQL_TYPES, own_features, own_files
from churn_platform.portfolios.dbt_variables import calendar_and_label
from churn_platform.portfolios.loader import SAFE_LOADER, load_recipe
from churn_platform.portfolios.spec import Feature, Portfolio, Table
from churn_platform.settings import Settings
from churn_platform.storage.atomic_file import new_file
from churn_platform.warehouse.exclusive_lock import one_maker
from churn_platform.warehouse.lake import Lake

PROJECT_FILE = "dbt_project.yml"
CONTRACT_FILE = "models/marts/_customer_features.yml"
RECIPE = "telecomit"  # whose tables and features the models are written for
SUFFIXES = (".sql", ".yml")
MADE_BY_DBT = ("target", "logs")  # where someone ran dbt itself in the recipe's folder
COPY = "project"  # the folder of the copy
STAMP = "compiled.sha256"  # says of which files the manifest was made
NOT_NULL = [{"type": "not_null"}]
Files = dict[str, str]


def dbt_project_dir() -> Path:
    """The recipe: in a wheel beside this package's modules, in a checkout at its root."""
    package = Path(__file__).parents[1]
    inside = package / "dbt_models"
    return inside if inside.exists() else package.parent / "dbt_models"


def dbt_folder(settings: Settings, portfolio: str) -> Path:
    """Where dbt keeps what it makes of a portfolio's project, and the project itself."""
    return settings.root / "dbt_target" / portfolio


def folder_options(folder: Path, target: Path) -> list[str]:
    """Options of dbt for the project that is below `folder`, and for where dbt writes to."""
    project = folder / COPY
    return [
        f"--project-dir={project}",
        f"--profiles-dir={project}",
        f"--target-path={target}",
        f"--log-path={target}",
    ]


def parsed_option(project: DbtProject) -> list[str]:
    """The option that names the project's last parse, which saves dbt the next one."""
    return ["--partial-parse-file-path", str(project.target_path / PARTIAL_PARSE_FILE_NAME)]


def prepared_project(portfolio: Portfolio, settings: Settings) -> DbtProject:
    """The project with its manifest and compiled SQL, made first where they are missing or of other
    files; SpecError if the models cannot make the portfolio's features.
    """
    require_recipe(portfolio)
    folder = dbt_folder(settings, portfolio.name)
    files = project_files(portfolio)
    digest = _digest(files)
    with one_maker(folder, what=f"dbt's project of {portfolio.name}"):
        # By the files' content: their times say nothing of a spec that is as it was once before.
        if not _is_made_of(folder, digest):
            write_files(folder / COPY, files)
            _compile(folder, settings)
            with new_file(folder / STAMP) as draft:
                draft.write_text(digest)

    # Links to SQL lead to the recipe, which is what people edit.
    return DbtProject(project_dir=dbt_project_dir(), target_path=folder)


def project_files(portfolio: Portfolio) -> Files:
    """Every file of the portfolio's project, by its path in it."""
    files = {}
    recipe = dbt_project_dir()
    for path in sorted(recipe.rglob("*")):
        place = path.relative_to(recipe)
        if path.suffix in SUFFIXES and place.parts[0] not in MADE_BY_DBT:
            files[place.as_posix()] = path.read_text(encoding="utf-8")

    project = yaml.load(files[PROJECT_FILE], Loader=SAFE_LOADER)
    project["vars"] |= _variables(portfolio)
    layers = project["models"]["churn_platform"]
    if own_features(portfolio):
        layers["own"] = layers["marts"]
    files[PROJECT_FILE] = _as_yaml(project)
    files[CONTRACT_FILE] = _as_yaml(_contract(portfolio))
    return files | own_files(portfolio, _further_tables(portfolio))


def write_files(folder: Path, files: Files) -> None:
    """Make a folder hold just these files. One that is so already keeps its time, by which dbt
    knows what it need not read.
    """
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            path.unlink()

    for name, text in files.items():
        target = folder / name
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        with new_file(target) as draft:
            draft.write_text(text, encoding="utf-8")


def require_recipe(portfolio: Portfolio) -> None:
    """SpecError if a table lacks a column that the models read, or no model makes a feature."""
    recipe = load_recipe(RECIPE)
    known = {table.name: table for table in recipe.tables}
    for table in portfolio.tables:
        if table.name in known:
            _require_columns(portfolio, table, known[table.name])

    made = set(recipe.feature_names)
    unknown = []
    for feature in portfolio.features:
        if not feature.own and feature.name not in made:
            unknown.append(feature.name)
    if unknown:
        raise SpecError(
            f"portfolio {portfolio.name}: no model of dbt_models/ makes {', '.join(unknown)}; "
            f"take the features of `recipe: {RECIPE}`, or put SQL for it into "
            f"{portfolio.name}/features/ beside the spec"
        )


def _require_columns(portfolio: Portfolio, table: Table, wanted: Table) -> None:
    given = {column.name: column for column in table.columns}
    for column in wanted.columns:
        found = given.get(column.name)
        if found is None or found.type != column.type:
            raise SpecError(
                f"portfolio {portfolio.name}: table {table.name} needs the column {column.name} "
                f"of type {column.type}, which the models read"
            )


def _variables(portfolio: Portfolio) -> dict[str, Any]:
    return {
        "portfolio": portfolio.name,
        "tables": [table.name for table in portfolio.tables],
        "features": portfolio.feature_names,
        "own_features": [feature.name for feature in own_features(portfolio)],
        **calendar_and_label(portfolio),
    }


def _further_tables(portfolio: Portfolio) -> list[Table]:
    """The tables that the recipe does not have; its models stage its own."""
    known = {table.name for table in load_recipe(RECIPE).tables}
    return [table for table in portfolio.tables if table.name not in known]


def _contract(portfolio: Portfolio) -> dict[str, Any]:
    """The properties of `customer_features`: what Python reads is what is there."""
    grain = {
        "customer_id": ("varchar", "The operator's customer number."),
        "month": ("date", "First day of the month whose end is the features' as_of."),
    }
    columns = []
    for name, (data_type, description) in grain.items():
        columns.append(
            {
                "name": name,
                "data_type": data_type,
                "description": description,
                "constraints": NOT_NULL,
            }
        )

    for feature in portfolio.features:
        columns.append(_contract_column(feature))

    model = {
        "name": "customer_features",
        "description": (
            "One row per customer and month of the spine, with the features of the catalogue in "
            "its order, types and words. Enforced: what Python reads is what is here."
        ),
        "config": {"contract": {"enforced": True}},
        "data_tests": [{"unique_combination": {"arguments": {"columns": list(grain)}}}],
        "columns": columns,
    }
    return {"version": 2, "models": [model]}


def _contract_column(feature: Feature) -> dict[str, Any]:
    column: dict[str, Any] = {
        "name": feature.name,
        "data_type": SQL_TYPES[feature.type],
        "description": feature.description,
    }
    if not feature.nullable:
        column["constraints"] = NOT_NULL
    if feature.levels:
        levels = {"arguments": {"values": list(feature.levels)}}
        column["data_tests"] = [{"accepted_values": levels}]
    return column


def _as_yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _digest(files: Files) -> str:
    told = "\0".join(f"{name}\0{text}" for name, text in sorted(files.items()))
    return sha256(told.encode()).hexdigest()


def _is_made_of(folder: Path, digest: str) -> bool:
    stamp = folder / STAMP
    is_whole = stamp.exists() and (folder / "manifest.json").exists()
    return is_whole and stamp.read_text() == digest


def _compile(folder: Path, settings: Settings) -> None:
    set_dbt_environment(Lake.of(settings))
    # Column lineage reads compiled SQL; nothing of the lake is needed or touched for that.
    offline = ["compile", "--no-introspect", "--no-populate-cache"]
    with DbtInvocation([*offline, *folder_options(folder, folder)]) as dbt:
        told = [event["info"]["msg"] for event in dbt.events()]

    if not dbt.outcome.succeeded:
        raise SpecError("\n".join(["dbt cannot compile its project:", *told]))
