"""Where the service keeps its own copies of published look-ups:
`lookups/<portfolio>/<sha256>/customers.lmdb`.
"""

from pathlib import Path

from churn_platform.published.format import FEATURES_FILE

COPIES_DIR = "lookups"


def copy_path(folder: Path, sha256: str) -> Path:
    """The copy with that hash in a portfolio's folder of copies."""
    return folder / sha256 / FEATURES_FILE


def is_lookup_copy(path: Path, portfolio: str) -> bool:
    """Whether a file is the service's copy of a look-up of the portfolio."""
    return path.name == FEATURES_FILE and path.parts[-4:-2] == (COPIES_DIR, portfolio)
