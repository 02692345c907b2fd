"""The documents say what the code says: settings, landing contracts, commands, targets, files and
tests they name.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from churn_platform.cli import app
from churn_platform.errors import LandingError
from churn_platform.ingest.casting import FALSE, MISSING_MARKERS, TRUE
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Column, Portfolio, Table
from churn_platform.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PACKAGES = (ROOT / "churn_platform", ROOT / "churn_platform_tests")
FILE_ENDINGS = r"(?:py|sql|yml|yaml|toml|md|lock|json)"


def text(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / name).read_text(encoding="utf-8")


def code(page: Path) -> str:
    """What a page sets as code: fenced blocks, then spans, one a line."""
    content = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```\w*\n(.*?)^```", content, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", content, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", prose)])


def named(pattern: str) -> set[tuple[str, str]]:
    """(page, name) of everything in code that matches the pattern's one group."""
    return {
        (page.name, name)
        for page in PAGES
        for name in re.findall(pattern, code(page), re.MULTILINE)
    }


def unknown(pattern: str, known: set[str]) -> list[tuple[str, str]]:
    """What pages name but nobody knows."""
    return sorted((page, name) for page, name in named(pattern) if name not in known)


def settings_table() -> str:
    """Every setting with its default and its sentence."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def _default(value: object) -> str:
    shown = str(value)
    return f"`{shown}`" if shown else "empty"


def landing_table(table: Table) -> str:
    """The contract of one landed table."""
    rows = [
        f"| `{column.header}` | {column.type} | {_required(column)} | {_allowed(column)} | "
        f"{column.description} |"
        for column in table.columns
    ]
    return "\n".join(
        ["| column | type | value | allowed | meaning |", "|---|---|---|---|---|", *rows]
    )


def _required(column: Column) -> str:
    return "required" if column.required else "may be missing"


def _allowed(column: Column) -> str:
    if column.hashed:
        return f"any; kept as `{column.name}_hash`"
    return ", ".join(f"`{level}`" for level in column.levels) or "any"


def landing_section(table: Table) -> str:
    """A table's part of docs/landing.md."""
    lines = [
        f"### {table.name}",
        "",
        table.description,
        "",
        f"- unique in the month: `{table.key}`",
    ]
    if table.event_time:
        lines.append(f"- inside the month, UTC: `{table.event_time}`")
    if table.customer:
        lines.append(f"- a customer of the same month: `{table.customer}`")
    if table.optional:
        lines.append("- the file may be missing: the month has no rows then")
    return "\n".join([*lines, "", landing_table(table)])


@pytest.fixture(scope="module")
def telecomit(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    """The portfolio whose landing contract is documented."""
    return load_portfolios(tmp_path_factory.mktemp("none"))["telecomit"]


def test_every_setting_is_documented_in_its_own_words():
    """docs/settings.md holds the table that the settings class implies, and no other."""
    assert settings_table() in text("docs/settings.md"), (
        f"put this into docs/settings.md:\n{settings_table()}"
    )
    assert (
        unknown(
            rf"({PREFIX}[A-Z_]+)", {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
        )
        == []
    )


def test_every_landed_table_is_documented_as_specified(telecomit):
    """docs/landing.md holds the section that each table of telecomit.yaml implies, in that order,
    and no other.
    """
    page = text("docs/landing.md")
    for table in telecomit.landed_tables:
        assert landing_section(table) in page, (
            f"put this into docs/landing.md:\n{landing_section(table)}"
        )
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == [
        table.name for table in telecomit.landed_tables
    ]


def test_words_for_missing_and_truth_values_are_documented():
    """docs/landing.md lists every word that is read as missing, true or false."""
    page = text("docs/landing.md")
    words = [*MISSING_MARKERS, *re.findall(r"'([^']+)'", TRUE + FALSE)]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_every_command_named_exists():
    """No page names a `churn` command that the command line does not have."""
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert {"run", "demo"} <= commands
    assert unknown(r"(?:^|[\s/])churn ([a-z][a-z0-9-]*)", commands) == []


def options(command: Any) -> set[str]:
    """The options of a command; of a group, those of its commands too."""
    own = {option for item in command.params for option in item.opts}
    return own.union(*(options(inner) for inner in getattr(command, "commands", {}).values()))


def test_every_option_of_a_command_exists():
    """In a line that calls `churn <command>`, every --option is one of that command's own."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    known = {name: options(command) for name, command in commands.items()}
    lines = {line for page in PAGES for line in code(page).splitlines()}
    calls = [
        (found[1], line)
        for line in lines
        if (found := re.search(r"(?:^|[\s/])churn ([a-z-]+)", line))
    ]
    strange = [
        (line, option)
        for command, line in calls
        if command != "dbt"
        for option in re.findall(r"(?<=\s)--[a-z-]+", line)
        if option not in known.get(command, set()) | {"--help"}
    ]
    assert strange == []


def test_every_make_target_named_exists():
    """No page names a `make` target that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", text("Makefile"), re.MULTILINE))
    assert {"setup", "test"} <= targets
    assert unknown(r"(?:^|[\s;&])make ([a-z][a-z0-9-]*)", targets) == []


def test_every_test_named_exists():
    """A claim that a page proves by a test is proved by a test that is there."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGES[1].rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    assert len(known) > 100
    assert (
        unknown(
            r"\b(test_\w+)\b(?!\.py)",
            known | {path.stem for path in PACKAGES[1].rglob("test_*.py")},
        )
        == []
    )


def test_every_file_named_exists():
    """A path in code with a file's ending lies in the repository, seen from its root or from a
    package.
    """
    pattern = rf"(?:^|[\s(])((?:[\w.-]+/)+[\w.-]+\.{FILE_ENDINGS})\b"
    outside = ("published/", "data/", "portfolios/mine.yaml", "features/", "models/")
    missing = sorted(
        (page, path)
        for page, path in named(pattern)
        if not path.startswith(outside)
        and not any((folder / path).exists() for folder in (ROOT, *PACKAGES))
    )
    assert missing == []


def test_the_code_map_names_every_folder_and_module_at_the_top():
    """Who looks for something in ARCHITECTURE.md finds each place where code lies."""
    page = text("ARCHITECTURE.md")
    modules = (path for path in PACKAGES[0].glob("*.py") if path.name != "__init__.py")
    folders = (path.parent for path in PACKAGES[0].glob("*/__init__.py"))
    places = [*modules, *folders]
    assert len(places) > 10
    names = [f"churn_platform/{path.name}/" if path.is_dir() else path.name for path in places]
    missing = [name for name in names if f"`{name}`" not in page]
    assert missing == []


def test_the_landing_example_is_what_a_refusal_says(telecomit, tmp_path):
    """The message for a file that is not there reads as docs/landing.md shows it."""
    from churn_platform.ingest.landed_files import find_delivery
    from churn_platform_tests.support.tiny import JANUARY

    with pytest.raises(LandingError) as refused:
        find_delivery(tmp_path, "telecomit", "transactions", JANUARY)
    assert str(refused.value).replace(str(tmp_path), "data/landing") in text("docs/landing.md")


def test_every_decision_on_a_customer_is_documented():
    """docs/campaign.md lists the reasons of `contact_decisions` in their order and words."""
    from churn_platform.campaign.contact_decisions import DECISIONS

    table = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in DECISIONS.items())
    assert table in text("docs/campaign.md"), f"put this into docs/campaign.md:\n{table}"
