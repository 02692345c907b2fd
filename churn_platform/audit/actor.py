"""Who acts, for the audit trail."""

import getpass
import os


def user_name() -> str:
    """The user's name, or `uid 12345` for a user without one, as in a container that runs under a
    number.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError before Python 3.13
        return f"uid {os.getuid()}"
