"""The customer of an erasure: the id, and the hashes under which the customer's
own numbers are kept.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb

from churn_platform.ingest.load import raw_table
from churn_platform.ingest.suppression import identity_of, own_numbers
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import table_exists


@dataclass(frozen=True)
class ErasedCustomer:
    """A customer to erase; `found` says how many rows each table held when the erasure began.

    `request_id` is the same for all attempts at one erasure, and another for the next; it says
    nothing of the customer.
    """

    portfolio: str
    customer_id: str
    numbers: tuple[int, ...]
    found: dict[str, int]
    request_id: str = ""


def own_number_hashes(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, customer_id: str
) -> tuple[int, ...]:
    """Hashes of the customer's own numbers, but not of one that another customer holds as well:
    that is theirs, too.
    """
    found: set[int] = set()
    for table in portfolio.landed_tables:
        raw = raw_table(portfolio, table)
        if not table_exists(connection, raw):
            continue
        owner = identity_of(table).name
        for column in own_numbers(table):
            name = f"{column.name}_hash"
            rows = connection.execute(
                f"select distinct {name} from {raw} where {owner} = $id and {name} not in "
                f"(select {name} from {raw} where {owner} <> $id and {name} is not null)",
                {"id": customer_id},
            ).fetchall()
            for (number,) in rows:
                found.add(number)

    return tuple(sorted(found))


class Request:
    """The request on disk, readable by its owner alone, from the first step until the proof.

    A later attempt cannot ask the tables any more, so it must know what an interrupted one had
    found.
    """

    def __init__(self, folder: Path, name: str):
        self.path = folder / f"{name}.json"

    def read(self) -> ErasedCustomer | None:
        """The request that an interrupted erasure left; None without one."""
        if not self.path.exists():
            return None

        kept = json.loads(self.path.read_text())
        return ErasedCustomer(
            kept.get("portfolio", ""),
            kept["customer_id"],
            tuple(kept["numbers"]),
            kept["found"],
            kept.get("request_id", ""),
        )

    def keep(self, subject: ErasedCustomer) -> None:
        """Write the request, synced, before anything is removed."""
        self.path.parent.mkdir(
            parents=True,
            exist_ok=True,
            mode=0o700,
        )
        draft = self.path.with_suffix(".draft")
        draft.touch(mode=0o600)

        with draft.open("w") as file:
            json.dump(asdict(subject), file)
            file.flush()
            # A power cut after the tables were erased must not lose what is still to be done.
            os.fsync(file.fileno())

        draft.replace(self.path)

    def drop(self) -> None:
        """Forget the request, and the folder where it was the last."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self.path.parent.rmdir()


def merged(subject: ErasedCustomer, earlier: ErasedCustomer | None) -> ErasedCustomer:
    """The subject with what an interrupted attempt had found before."""
    if earlier is None:
        return subject

    # The larger count is that of before: the interrupted attempt has removed rows already.
    most = {}
    for table in sorted(subject.found | earlier.found):
        counts = subject.found.get(table, 0), earlier.found.get(table, 0)
        most[table] = max(counts)

    return replace(
        subject,
        numbers=_union(subject.numbers, earlier.numbers),
        found=most,
        request_id=earlier.request_id or subject.request_id,
    )


def _union(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({*left, *right}))
