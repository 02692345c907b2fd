"""Says why no landed month is taken in at present, and for what or whom each waits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from churn_platform.months import label


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Months that are not taken in: of files that may still be written to, that have `missing`
    tables, that have not ended (`early`), of which ingest `refused` a file, or whose data contract
    is broken (`unsound`).
    """

    settling: Collection[date]
    missing: Mapping[date, Sequence[str]]
    early: Collection[date]
    refused: Collection[date]
    unsound: Collection[date]


def why_nothing(
    portfolio: str, taken: Collection[date], waiting: Waiting, *, interval_seconds: int
) -> str:
    """What has been taken in, and for what each other month waits."""
    said = []
    if waiting.settling:
        said.append(
            f"{_told(waiting.settling)} was seen, and is taken in if its files are the same in "
            f"{interval_seconds} s"
        )
    elif taken:
        said.append(f"nothing new: {len(taken)} months taken in, the newest {label(max(taken))}")
    else:
        said.append("no month has landed")

    for month, tables in waiting.missing.items():
        said.append(f"{label(month)} waits for {', '.join(tables)}")

    if waiting.early:
        said.append(f"{_told(waiting.early)} waits for the month to end")

    if waiting.refused:
        said.append(
            f"{_told(waiting.refused)} waits for you: ingest refused a file, deliver it again"
        )

    for month in sorted(waiting.unsound):
        accept = f"churn accept-data {portfolio} --month {label(month)} --reason ..."
        said.append(
            f"{label(month)} waits for you: its data contract is broken; deliver it again, or "
            f"if it is right `{accept}`"
        )

    return "; ".join(said)


def _told(months: Collection[date]) -> str:
    return ", ".join(map(label, sorted(months)))
