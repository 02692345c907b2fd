"""Each refusal of `churn onboard` names what is wrong and the full command that would do."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import pytest
import typer
from typer.testing import CliRunner

import churn_platform
from churn_platform.cli import app
from churn_platform.errors import SpecError
from churn_platform_tests.onboarding.refused_files import REFUSALS, Refused

PACKAGE = Path(churn_platform.__file__).parent
DOCUMENT = PACKAGE.parent / "docs/onboarding.md"
# The modules that refuse a file or an option on the way of `churn onboard`.
REFUSING = (
    *(f"onboarding/{name}.py" for name in ("asked", "checks", "label", "onboard", "understanding")),
    *(f"ingest/{name}.py" for name in ("open_file", "plain_csv", "plain_rows", "soundness")),
    *(f"ingest/{name}.py" for name in ("text_encoding", "workbook", "workbook_sheets")),
)
# Raised to be turned into another error at once, within its own module.
INNER = ("OSError", "ValueError")

Site = tuple[str, int]


@dataclass(frozen=True)
class Outcome:
    """What a command was refused with, and the statements that raised it."""

    file: Path
    message: str
    sites: frozenset[Site]

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command that the refusal names."""
        _, *found = re.split(r"(?=\bchurn onboard )", self.message)
        ends = r" or $|; if (?:before|the|it).*$|[.] If.*$"
        return [shlex.split(re.sub(ends, "", command)) for command in found]


def sites_of(error: BaseException | None) -> Iterator[Site]:
    """Where an error, and each that led to it, was raised."""
    while error is not None:
        trace: TracebackType | None = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            path = Path(trace.tb_frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                yield str(path.relative_to(PACKAGE)), trace.tb_lineno
        error = error.__context__


def refuse(case: Refused, folder: Path) -> Outcome:
    """Runs the command of a case, which must be refused."""
    folder.mkdir()
    own = folder / "own"
    own.mkdir()
    if case.options.get("--name") == "taken":
        (own / "taken.yaml").write_text("corrected by hand")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CHURN_PORTFOLIOS_DIR", str(own))
        file = case.write(folder, monkeypatch)
        outcome = CliRunner().invoke(app, case.words(file))
    assert isinstance(outcome.exception, SpecError), (case.said, outcome.output)
    return Outcome(file, str(outcome.exception), frozenset(sites_of(outcome.exception)))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Every refusal, in the order of the cases."""
    folder = tmp_path_factory.mktemp("refused")
    return [refuse(case, folder / str(place)) for place, case in enumerate(REFUSALS)]


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=[case.said for case in REFUSALS])
def test_a_refusal_ends_with_the_command_that_would_do(outcomes: list[Outcome], place: int) -> None:
    """It has the words that the document lists, the user's own path, and options that exist."""
    case, outcome = REFUSALS[place], outcomes[place]
    assert case.said in outcome.message
    assert outcome.commands, outcome.message
    first = outcome.commands[0]
    assert first[2].startswith(str(outcome.file.parent))
    assert case.then in " ".join([shlex.join(first), *(["or"] * (len(outcome.commands) > 1))])
    onboard = typer.main.get_command(app).commands["onboard"]  # type: ignore[attr-defined]
    for words in outcome.commands:
        given = onboard.make_context("onboard", words[2:]).params
        assert {given["name"], given["id_column"], given["label_column"]} - {None}


def test_every_refusal_in_the_code_has_a_case(outcomes: list[Outcome]) -> None:
    """A refusal that is added to a module on the way must be tried, and so listed."""
    raised = {site for outcome in outcomes for site in outcome.sites}
    assert sorted(site for name in REFUSING for site in refusals_in(name) - raised) == []


def refusals_in(name: str) -> set[Site]:
    """The statements of a module that refuse."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return {(name, node.lineno) for node in found if called(node) not in INNER}


def called(node: ast.Raise) -> str:
    """The name of what a statement raises."""
    return (
        node.exc.func.id
        if isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
        else ""
    )


def test_the_document_lists_every_refusal() -> None:
    """The first column of its table has the words of each case, and no others."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## What is refused")[2]
    listed = re.findall(r"^\| `(.+?)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert sorted(listed) == sorted({case.said for case in REFUSALS})
