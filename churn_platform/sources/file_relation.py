"""Files of a month as a relation: Parquet, CSV or JSON, by the end of the path."""

from datetime import date

from churn_platform.errors import SourceError
from churn_platform.months import label
from churn_platform.portfolios.spec import FileOptions
from churn_platform.sql import literal

KINDS = {
    "parquet": "parquet",
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "json": "json",
    "jsonl": "json",
    "ndjson": "json",
}


def file_relation(location: str, path: str, month: date, options: FileOptions) -> str:
    """What reads the files of a month; `path` may have `*` and `**` besides the month.

    Every field of CSV is read as text: what DuckDB makes of a sample would change by month.
    """
    where = literal(month_path(location, path, month))
    kind = _kind_of(path)
    if kind == "parquet":
        return f"read_parquet({where}, union_by_name = true)"
    if kind == "json":
        return f"read_json({where}, union_by_name = true)"

    given = {
        "delim": options.separator,
        "quote": options.quote,
        "encoding": options.encoding,
    }
    parts = [where, "header = true", "all_varchar = true", "union_by_name = true"]
    # What the spec leaves open, DuckDB finds out file by file.
    for key, value in given.items():
        if value:
            parts.append(f"{key} = {literal(value)}")
    if options.skip:
        parts.append(f"skip = {options.skip}")
    return f"read_csv({', '.join(parts)})"


def month_path(location: str, path: str, month: date) -> str:
    """The pattern of a month's files."""
    filled = path.replace("{month}", label(month))
    filled = filled.replace("{year}", f"{month.year}").replace("{mm}", f"{month.month:02}")
    return f"{location.rstrip('/')}/{filled}"


def _kind_of(path: str) -> str:
    # DuckDB unpacks a .gz by itself; what is in it the ending before says.
    bare = path.lower().removesuffix(".gz")
    ending = bare.rpartition(".")[2]
    kind = KINDS.get(ending)
    if kind is None:
        endings = ", .".join(KINDS)
        raise SourceError(
            f"path {path!r} does not say what the files are; end it with one of .{endings}"
        )
    return kind
