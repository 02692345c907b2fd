"""Text put into Markdown so that it reads as itself: no name or value can add a column, a link or a
tag.
"""

import re

SPECIAL = re.compile(r"([\\`*_\[\]<>&|#~!])")


def escaped(value: object) -> str:
    """The value as one line of Markdown text, every character that means
    something there escaped.
    """
    return SPECIAL.sub(r"\\\1", " ".join(str(value).split()))
