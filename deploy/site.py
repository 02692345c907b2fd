"""Lays the documents out for MkDocs: the same Markdown files, and a page of the reference for each
package whose docstrings it is made of. `make docs-site` runs it, then MkDocs.

A link to a file of the code becomes one to its reference where there is one; links between
documents stay.
"""

import re
import shutil
import sys
from pathlib import Path

from deploy.asset_graph import write_asset_graph

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PACKAGES = ("churn_platform", "serving")
LINK = re.compile(r"(!?\[[^\]\n]*\])\(([^)\s#]+)(#[^)\s]*)?\)")


def main(target: Path) -> None:
    """Write the tree that MkDocs reads into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target / "docs")
    for name in PAGES:
        shutil.copy(ROOT / name, target / name)
    shutil.copy(ROOT / "LICENSE", target / "LICENSE")
    write_asset_graph(target / "docs")
    modules = reference(target)
    for page in target.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(linked(text, page, target, modules), encoding="utf-8")


def reference(target: Path) -> set[Path]:
    """Write a page per package; returns the packages, as folders of the repository."""
    packages = set()
    for name in PACKAGES:
        for marker in sorted((ROOT / name).rglob("__init__.py")):
            packages.add(marker.parent.relative_to(ROOT))
    for package in sorted(packages):
        page = target / "reference" / f"{'.'.join(package.parts)}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(reference_page(package), encoding="utf-8")
    return packages


def reference_page(package: Path) -> str:
    """What MkDocs makes of a package: its modules, each with what its docstrings say."""
    name = ".".join(package.parts)
    blocks = [f"# {name}", "", f"::: {name}"]
    for module in sorted((ROOT / package).glob("*.py")):
        if not module.stem.startswith("__"):
            blocks += ["", f"::: {name}.{module.stem}"]
    return "\n".join(blocks) + "\n"


def linked(text: str, page: Path, target: Path, packages: set[Path]) -> str:
    """The text with links to code put right: to the reference, or, to what the site has not, as
    plain words.
    """

    def put(found: re.Match[str]) -> str:
        words, path = found[1], found[2]
        if re.match(r"[a-z]+:", path) or (page.parent / path).resolve().exists():
            return found[0]
        origin = ROOT / page.relative_to(target).parent / path
        inside = Path(*origin.resolve().relative_to(ROOT).parts) if origin.exists() else None
        package = inside.parent if inside and inside.suffix == ".py" else inside
        if package not in packages:
            return words.lstrip("!")[1:-1]
        up = "../" * len(page.relative_to(target).parent.parts)
        return f"{words}({up}reference/{'.'.join(package.parts)}.md)"

    return LINK.sub(put, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
