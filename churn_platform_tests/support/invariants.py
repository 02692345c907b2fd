"""Marks a test as the proof of something that must always hold, and lists those proofs.

`docs/invariants.md` is made from the marks: `python -m churn_platform_tests.support.invariants`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "invariants.md"
TOPICS = (
    "Structure",
    "Time and data",
    "Training",
    "Promotion",
    "Monitoring",
    "Governance",
    "Campaign",
    "Care",
    "Service",
)
HEAD = """# What must always hold

Each sentence is proved by the test beside it. This page is made from marks on the tests:
`python -m churn_platform_tests.support.invariants`.

`pyproject.toml` has contracts on imports, and `make check` proves them:
which package may import which, that only `graph`, `definitions` and `cli` know Dagster,
that the platform knows nothing of the service.
"""


class Invariant(NamedTuple):
    """A sentence that must hold, its topic, and the test that fails when it does not."""

    topic: str
    sentence: str
    test: str


def invariant(topic: str, sentence: str) -> pytest.MarkDecorator:
    """Decorates the test that proves a sentence; `topic` is one of TOPICS."""
    return pytest.mark.invariant(topic, sentence)


def marked_invariants() -> list[Invariant]:
    """Every marked test, in the order of TOPICS, then of files. Only reads the source."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        found.extend(_of_module(ast.parse(path.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda it: TOPICS.index(it.topic))


def page() -> str:
    """The page as Markdown: a table per topic."""
    parts = [HEAD]
    marked = marked_invariants()
    for topic in TOPICS:
        parts.append(f"## {topic}\n\n| holds | test |\n|---|---|")
        rows = [it for it in marked if it.topic == topic]
        parts.append("\n".join(f"| {it.sentence} | `{it.test}` |" for it in rows) + "\n")
    return "\n".join(parts)


def _of_module(tree: ast.Module) -> Iterator[Invariant]:
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "invariant":
                topic, sentence = (ast.literal_eval(argument) for argument in decorator.args)
                yield Invariant(topic, sentence, node.name)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
