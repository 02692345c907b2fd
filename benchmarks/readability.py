"""Measures how the source reads, beside its goals: `python -m benchmarks.readability`.

Looks at `churn_platform` and `serving`. A function counts if it has six lines or more, its
docstring not included.
"""

import ast
import re
import statistics
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ("churn_platform", "serving")
PROSE = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")
LEAST_LINES = 6
WIDTH = 100
TESTS = ROOT / "churn_platform_tests"
TESTED_LINES = 40
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
STIFF = ("whom", "nobody", "anew", "stands", "lies", "None where")


@dataclass(frozen=True)
class Function:
    """A function of six lines or more: where it is, its lines, and its syntax nodes a line."""

    place: str
    lines: int
    nodes_a_line: float


def files(*folders: str) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[Function]:
    """The functions of a file that are long enough to count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if not body:
            continue
        last = body[-1].end_lineno or body[-1].lineno
        lines = last - body[0].lineno + 1
        if lines >= LEAST_LINES:
            nodes = sum(1 for statement in body for _ in ast.walk(statement))
            place = f"{path.relative_to(ROOT)}:{node.name}"
            yield Function(place, lines, nodes / lines)


def is_comment(token: tokenize.TokenInfo) -> bool:
    """Whether a token is a comment for people, not for tools."""
    return token.type == tokenize.COMMENT and not re.search(r"type: ignore|noqa", token.string)


def comments(path: Path) -> int:
    """Comments of a file."""
    with path.open(encoding="utf-8") as file:
        return sum(map(is_comment, tokenize.generate_tokens(file.readline)))


def comprehensions(path: Path) -> int:
    """Comprehensions of a file, generator expressions included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return sum(isinstance(node, COMPREHENSIONS) for node in ast.walk(tree))


def stiff_words() -> dict[str, float]:
    """How often each stiff word occurs in 10,000 words of README, docs and changelog."""
    pages = []
    for name in PROSE:
        place = ROOT / name
        pages.extend(place.rglob("*.md") if place.is_dir() else [place])
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    words = len(text.split())
    return {word: 10_000 * len(re.findall(rf"\b{word}\b", text)) / words for word in STIFF}


def test_of(module: Path) -> Path:
    """Where a module's tests belong: `churn_platform_tests` has the folders of `churn_platform`
    at its root, and those of the service in `serving`.
    """
    place = module.relative_to(ROOT)
    folder = place.parent
    if place.parts[0] == "churn_platform":
        folder = folder.relative_to("churn_platform")
    return TESTS / folder / f"test_{module.name}"


def untested(paths: list[Path]) -> tuple[int, list[Path]]:
    """How many modules have 40 lines or more, and those of them without tests at their path."""
    counted = 0
    without = []
    for path in paths:
        # A package's own file tells where to begin; what it holds is tested beside it.
        if path.name == "__init__.py":
            continue
        if len(path.read_text(encoding="utf-8").splitlines()) < TESTED_LINES:
            continue
        counted += 1
        if not test_of(path).exists():
            without.append(path)
    return counted, without


def row(name: str, now: float, goal: str) -> None:
    """Prints one figure beside its goal."""
    print(f"{name:52}{now:8.1f}{goal:>10}")


def main() -> None:
    """Prints each figure beside its goal, then the densest functions."""
    paths = files(*SOURCE)
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    written = [line for line in lines if line.strip()]
    found = [function for path in paths for function in functions(path)]
    densities = [function.nodes_a_line for function in found]

    long_lines = sum(len(line) > WIDTH for line in written)
    per_thousand = 1000 * sum(map(comprehensions, paths)) / len(written)
    commented = 100 * sum(map(comments, paths)) / len(written)
    architecture = (ROOT / "ARCHITECTURE.md").stat().st_size / 1000

    print(f"{len(paths)} files, {len(written):,} lines that are not blank\n")
    print(f"{'':52}{'now':>8}{'goal':>10}")
    row(
        "syntax nodes a line (functions of 6+ lines, median)",
        statistics.median(densities),
        "<= 7.5",
    )
    row("the same, 90th percentile", statistics.quantiles(densities, n=10)[-1], "")
    row("lines beyond 100 columns, %", 100 * long_lines / len(written), "0")
    row("comprehensions per 1,000 lines", per_thousand, "<= 15")
    row("comment lines, %", commented, ">= 3")
    row("ARCHITECTURE.md, kB", architecture, "<= 12")
    counted, without = untested(paths)
    row(
        "modules of 40+ lines with tests at their path, %",
        100 - 100 * len(without) / counted,
        ">= 80",
    )
    for word, rate in stiff_words().items():
        row(f"{word!r} per 10,000 words of prose", rate, "~0")

    print("\nmodules of 40+ lines without tests at their path")
    for path in without:
        print(f"  {path.relative_to(ROOT)}")

    print("\ndensest functions")
    densest = sorted(found, key=lambda function: -function.nodes_a_line)
    for function in densest[:20]:
        print(f"{function.nodes_a_line:6.1f}  {function.lines:4} lines  {function.place}")


if __name__ == "__main__":
    main()
