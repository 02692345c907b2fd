"""Text logs without the customer: an error message may quote an id as its example."""

import re
from pathlib import Path

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.raw_bytes import words_of


def erase_from_logs(folder: Path, subject: ErasedCustomer) -> list[Path]:
    """Empty each line of the folder's text logs that names the subject; returns the files it
    changed.
    """
    changed = []
    pattern = re.compile("|".join(words_of(subject)).encode() or rb"(?!)")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _empty_lines(path, pattern):
            changed.append(path)
    return changed


def _empty_lines(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether the file had lines that match; they are gone afterwards."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not pattern.search(line)]
    if len(kept) == len(lines):
        return False

    draft = path.with_name(f".{path.name}.unfinished")
    draft.write_bytes(b"".join(kept))
    # By rename: a reader of the log sees the old or the new file, never half of one.
    draft.replace(path)
    return True
