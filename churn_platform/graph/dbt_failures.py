"""dbt's tests in words: what each means, and what a failed one found, for whom and what to do.

dbt itself says `Got 1 result, configured to fail if != 0`. Here are the meaning, the number of
rows, a few masked ids, and the next command.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from churn_platform.markdown import table
from churn_platform.masking import masked_id
from churn_platform.months import label
from churn_platform.sql import identifier, literals
from churn_platform.warehouse.lake import says_busy

EXAMPLES = 5
ID = "customer_id"
FAILED = ("fail", "error", "partial success")  # the last one: some months of a model were made
Node = Mapping[str, Any]

WHAT_TO_DO = {
    "unique_combination": "A row came twice: look at the month's landed files.",
    "within_range": "Correct the feature's SQL, or the range of its catalogue entry.",
    "not_null": "Look at the column in the month's landed file.",
    "accepted_values": "Correct the file, or add the level to the portfolio's catalogue and to the "
    "model's accepted_values.",
}


@dataclass(frozen=True)
class DbtFailure:
    """One failed test or model: its name, and what went wrong in a sentence or two.

    `examples` are masked ids of customers that the test found.
    """

    name: str
    words: str
    rows: int = 0
    examples: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it. The examples end a line: messages that leave the house cut them off there."""
        counted = f": {self.rows:,} row{'s' if self.rows > 1 else ''}" if self.rows else ""
        named = f", e.g. {ID} {', '.join(self.examples)}" if self.examples else ""
        return f"{self.name} failed{counted}{named}\n{self.words}"


def meaning(node: Node) -> str:
    """What a test promises when it passes; empty if nobody has said so."""
    if node.get("description"):
        return " ".join(node["description"].split())

    kind, arguments = _kind(node)
    if kind == "unique_combination":
        return f"No two rows have the same {' and '.join(arguments['columns'])}."
    if kind == "not_null":
        return f"Every row has a {arguments['column_name']}."

    if kind == "accepted_values":
        levels = ", ".join(map(str, arguments["values"]))
        return f"Every {arguments['column_name']} is one of {levels}."

    if kind == "within_range":
        name, low, high = (arguments.get(key) for key in ("column_name", "low", "high"))
        limits = []
        if low is not None:
            limits.append(f"at least {low}")
        if high is not None:
            limits.append(f"at most {high}")
        return f"Every {name} is {' and '.join(limits)}."

    return ""


def what_to_do(node: Node) -> str:
    """Where to look if a test fails; empty if nobody has said so."""
    said = node.get("config", {}).get("meta", {}).get("what_to_do")
    return said or WHAT_TO_DO.get(_kind(node)[0], "")


def _kind(node: Node) -> tuple[str, Mapping[str, Any]]:
    kind = node.get("test_metadata") or {}
    return kind.get("name", ""), kind.get("kwargs", {})


def failures(
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    results: Iterable[Mapping[str, Any]],
    months: Sequence[date],
) -> list[DbtFailure]:
    """What failed in an invocation over some months, from dbt's `run_results.json`."""
    found = []
    for result in results:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or result["status"] not in FAILED:
            continue
        if node["resource_type"] == "test" and result["status"] == "fail":
            examples = _examples(connection, manifest, node, result["compiled_code"], months)
            words = f"What must hold: {meaning(node)} {what_to_do(node)}"
            rows = result["failures"] or 0
            found.append(DbtFailure(node["name"], words, rows, examples))
        else:
            said = " ".join((result["message"] or "dbt gave no reason").split())
            found.append(DbtFailure(node["name"], said))

    return found


def met_another_writer(results: Iterable[Mapping[str, Any]], told: str) -> bool:
    """Whether an invocation failed for no other reason than that another process wrote the same
    tables; `told` is the error of dbt itself, which may end before its first model.
    """
    made = list(results)
    if not made:
        return _says_met(told)
    failed = [result for result in made if result["status"] in FAILED]
    for result in failed:
        if result["status"] == "fail" or not _says_met(result["message"] or ""):
            return False
    return bool(failed)


def _says_met(text: str) -> bool:
    # dbt makes what was not there as it began: what is there now is another writer's.
    return says_busy(text) or "already exists" in text


def next_command(portfolio: str, months: Sequence[date], found: Sequence[DbtFailure]) -> str:
    """How to go on once the cause is mended: that a test found rows is of the files alone."""
    first, last = label(months[0]), label(months[-1])
    is_of_files = any(failure.rows for failure in found)
    before = "Land the corrected files" if is_of_files else "Mend what dbt names"
    return f"{before}, then run `churn run {portfolio} --from {first} --to {last}`."


def as_markdown(found: DbtFailure) -> str:
    """The examples as a table."""
    return table([f"{ID} (masked)"], [[each] for each in found.examples])


def _examples(
    connection: duckdb.DuckDBPyConnection,
    manifest: Mapping[str, Any],
    node: Node,
    compiled: str,
    months: Sequence[date],
) -> tuple[str, ...]:
    """Masked ids of some customers that a test found; none if its rows are not customers."""
    found = _rows_sql(manifest, node, compiled, months)
    query = f"select distinct {ID} from ({found}) where {ID} is not null order by 1 limit ?"
    try:
        rows = connection.execute(query, [EXAMPLES]).fetchall()
    except duckdb.Error:
        # What the test returns has no customers, or cannot be read. The rest still helps.
        return ()

    return tuple(masked_id(str(row[0])) for row in rows)


def _rows_sql(
    manifest: Mapping[str, Any], node: Node, compiled: str, months: Sequence[date]
) -> str:
    """Query for the rows that a test complains of."""
    kind, arguments = _kind(node)
    if kind not in ("not_null", "accepted_values"):
        return compiled

    # These two return a column or counts of levels; the customers are in the table itself.
    tested = manifest["nodes"][node["attached_node"]]["relation_name"]
    column = identifier(arguments["column_name"])
    wrong = f"{column} is null"
    if kind == "accepted_values":
        wrong = f"{column} not in ({literals(arguments['values'])})"

    within = f"month between date '{months[0]}' and date '{months[-1]}'"
    return f"select * from {tested} where {wrong} and {within}"
