"""Fixtures that tests of this folder share."""

from pathlib import Path

from churn_platform.published.atomic_files import new_folder


def write(target: Path, text: str) -> None:
    """A folder with one file."""
    with new_folder(target) as draft:
        (draft / "file").write_text(text)


def names(folder: Path) -> list[str]:
    """What lies in a folder, without the link's target."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
