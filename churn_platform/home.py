"""A home folder for libraries that cannot do without, on machines that give
none, as containers do.
"""

import os
import pwd
from pathlib import Path


def provide_home(folder: Path) -> None:
    """Set HOME where it is missing, and let matplotlib keep its files in `folder` where the home
    cannot be written.
    """
    # DuckDB and dbt refuse to start without a home; child processes inherit what is set here. A
    # home that cannot be written stays the home, for credentials may be there. `folder` is not made
    # before it is needed.
    if not os.environ.get("HOME"):
        home = _registered_home() or folder
        os.environ["HOME"] = str(home)

    home = Path(os.environ["HOME"])
    is_writable = os.access(home, os.W_OK | os.X_OK)
    if not home.is_dir() or not is_writable:
        # matplotlib otherwise makes a temporary folder and warns at each import.
        os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))


def _registered_home() -> Path | None:
    """The home of the system's user list; None for a user that is not listed, or whose home is not
    there.
    """
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None
    return home if home.is_dir() else None
