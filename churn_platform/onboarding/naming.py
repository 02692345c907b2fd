"""Names for features: from any header to an identifier, and what a name gives away about its
column.
"""

import re
import unicodedata
from collections.abc import Set

from churn_platform.portfolios.strict_model import IDENTIFIER_PATTERN

RESERVED = frozenset({"customer_id", "month", "churn_label", "churned", "features_month"})
MAX_LENGTH = 58

IDENTIFYING = re.compile(
    r"(^|_)(ids?|uid|uuid|guid|key|no|nr|num|number|code|index|row|unnamed|account|msisdn|imsi|imei|iban|ssn|phone"
    r"|mobile|e?mail|name|surname|firstname|lastname|address)(_|$)"
)
# Names under which every customer, household or line has a number of its own, even if it repeats.
NUMBER_OF_ONE = re.compile(
    r"(^|_)(ids?|uid|uuid|guid|account|msisdn|imsi|imei|iban|ssn|phone|mobile|e?mail)(_(no|nr|number))?$"
)
CODE = re.compile(r"(^|_)(code|zip|zipcode|postcode|postal|plz)(_|$)")
OUTCOME = re.compile(
    r"(^|_)(churn|attrit|cancel|terminat|deactivat|unsubscri|disconnect|win_?back|port_?out|offboard"
    r"|exit|end_reason|final_(bill|invoice|payment)|closing|closure|leav(e|ing)_)"
)
PROTECTED = re.compile(
    r"(^|_)(gender|sex|age|agegroup|senior[a-z]*|race|ethnic[a-z]*|religio[a-z]*|nationality|citizenship|disab[a-z]*"
    r"|marital[a-z]*|married|birth[a-z]*)(_|$)"
)
# `account_age` is no person's age, so it is not protected.
AGE_OF_A_THING = re.compile(
    r"(^|_)(account|network|device|handset|equipment|contract|line|sim|customer_since)(_|$)"
)


def identifier(header_name: str, position: int, taken: Set[str]) -> str:
    """A valid name, not reserved and not `taken`, that resembles the normalised header."""
    # Accents fall off, so that headers in other languages give readable names.
    decomposed = unicodedata.normalize("NFKD", header_name.casefold())
    plain = decomposed.encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")

    if not name:
        name = f"column_{position}"

    if not re.match(IDENTIFIER_PATTERN, name[:MAX_LENGTH]):
        name = f"column_{name}"

    name = name[:MAX_LENGTH].strip("_")
    if name in taken or name in RESERVED:
        return _numbered(name, taken)

    return name


def _numbered(name: str, taken: Set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def words(header_name: str) -> str:
    """A normalised header as a person would write it, without anything that a format string could
    trip over.
    """
    return re.sub(r"[\W_]+", " ", header_name).strip().capitalize() or "Value"


def sounds_like_id(header_name: str) -> bool:
    """Whether the name is one of those that numbers or names of persons and things have."""
    return bool(IDENTIFYING.search(header_name))


def sounds_like_number_of_one(header_name: str) -> bool:
    """Whether the name is that of a number which is for one customer, household or line."""
    return bool(NUMBER_OF_ONE.search(header_name))


def sounds_like_code(header_name: str) -> bool:
    """Whether numbers under this name are codes, which are not to be added up."""
    return bool(CODE.search(header_name))


def sounds_like_outcome(header_name: str) -> bool:
    """Whether the name speaks of leaving."""
    return bool(OUTCOME.search(header_name))


def sounds_protected(header_name: str) -> bool:
    """Whether the name is that of an attribute over which fairness is usually watched."""
    return bool(PROTECTED.search(header_name)) and not AGE_OF_A_THING.search(header_name)
