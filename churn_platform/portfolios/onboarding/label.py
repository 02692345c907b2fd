"""Which values of a label column mean 'churned', and which 'stayed'."""

import re
from dataclasses import dataclass

from churn_platform.errors import SpecError
from churn_platform.portfolios.onboarding.inspection import Profile

CHURNED = re.compile(
    r"true|t|yes|y|ja|oui|s[iìí]|1|1\.0|churn(ed|er)?|left|leaver|lost|gone|cancell?ed|terminated|closed|inactive|departed|attrited"
    r"|deactivated"
)
STAYED = re.compile(
    r"false|f|no|n|nein|non|0|0\.0|stay(ed|er|ing)?|retained|remained|kept|loyal|active|existing|current"
    r"|(not|no|non|did not) (churn(ed|er)?|left|lost|gone|cancell?ed|terminated)"
)
SHOWN_VALUES = 10


@dataclass(frozen=True)
class LabelValues:
    """The label's values as ingest will see them, and how many rows have which."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    churned: int
    stayed: int
    unlabelled: int

    @property
    def churn_rate(self) -> float:
        """Share of churned customers among those with a label."""
        return self.churned / (self.churned + self.stayed)


def label_values(profile: Profile) -> tuple[LabelValues, list[str]]:
    """The label's values, with findings; SpecError where they are not two, or where it is unclear which is which."""
    levels = profile.levels or {}
    positive = [value for value in levels if _meaning(value) is True]
    negative = [value for value in levels if _meaning(value) is False]
    unknown = [value for value in levels if _meaning(value) is None]
    findings = []
    if len(levels) == 2 and len(unknown) == 1 and all(len(value) > 2 for value in levels):
        (positive if negative else negative).extend(unknown)
        findings.append(f"label {profile.header!r}: {unknown[0]!r} was taken for the opposite of the other; confirm it")
        unknown = []
    if unknown or not positive or not negative:
        raise _unclear(profile)
    counts = sum(levels[value] for value in positive), sum(levels[value] for value in negative)
    values = LabelValues(tuple(positive), tuple(negative), *counts, unlabelled=profile.rows - sum(counts))
    if values.unlabelled:
        findings.append(
            f"label {profile.header!r}: {values.unlabelled:,} of {profile.rows:,} rows have none; scored only"
        )
    return values, findings


def _meaning(value: str) -> bool | None:
    """True for churned, False for stayed, None where the word is not known."""
    plain = re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", value.lower()).removesuffix("customer").strip()
    if CHURNED.fullmatch(plain):
        return True
    return False if STAYED.fullmatch(plain) else None


def _unclear(profile: Profile) -> SpecError:
    values = [repr(value) for value in profile.levels or ()]
    shown = f" ({', '.join(values[:SHOWN_VALUES])}{', ...' if len(values) > SHOWN_VALUES else ''})" if values else ""
    return SpecError(
        f"label column {profile.header!r} needs two values that say who churned and who stayed, such as Yes and No, "
        f"but has {profile.distinct:,}{shown}; write Yes and No into the file, and leave unknown labels blank"
    )
