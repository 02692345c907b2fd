"""Opens the parts of a delivery as one relation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.landed_files import unreadable
from churn_platform.ingest.open_file import OpenFile
from churn_platform.ingest.parts import rows_told
from churn_platform.ingest.soundness import UNTOUCHED
from churn_platform.sql import identifier, select_list

Opener = Callable[[Path], AbstractContextManager[OpenFile]]


@contextmanager
def opened_parts(
    connection: duckdb.DuckDBPyConnection, folder: Path, parts: Sequence[Path], opener: Opener
) -> Iterator[tuple[OpenFile, list[OpenFile]]]:
    """All parts as one open file, and each of them, for as long as the context lasts.

    LandingError for a part whose columns are not those of the first, or whose rows are not as many
    as the manifest says.
    """
    with ExitStack() as stack:
        # All stay open together, since the relation of all reads each of them.
        files = []
        for part in parts:
            file = stack.enter_context(opener(part))
            files.append(file)

        _check_rows(connection, folder, files)
        yield _joined(connection, folder, files), files


def _joined(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[OpenFile]
) -> OpenFile:
    first = files[0]
    selects = []
    for file in files:
        columns = _columns_as(first, file)
        selects.append(f"select {columns} from {file.reader}")

    union = " union all ".join(selects)
    reader = f"({union})"
    described = connection.execute(f"describe select * from {reader}").fetchall()
    types = {name: sql_type for name, sql_type, *_ in described}

    headers = {}
    for key, (name, _) in first.headers.items():
        # A column may be a number in one part and text in another: the type of all is another.
        headers[key] = (name, types[name])

    findings = []
    for file in files:
        for finding in file.findings:
            findings.append(f"{file.path.name}: {finding}")

    return OpenFile(
        folder,
        reader,
        headers,
        findings=tuple(findings),
    )


def _columns_as(first: OpenFile, file: OpenFile) -> str:
    """The columns of a part in the order and by the names of the first."""
    found = set(file.headers)
    wanted = set(first.headers)
    if found != wanted:
        own = ", ".join(sorted(found - wanted)) or "none"
        missing = ", ".join(sorted(wanted - found)) or "none"
        raise LandingError(
            f"{file.path}: columns are not those of {first.path.name}: it lacks {missing}, and "
            f"has {own} besides; {UNTOUCHED}"
        )

    # A union goes by place, and a part may have its columns in an order of its own.
    columns = {}
    for key, (name, _) in first.headers.items():
        own_name, _ = file.headers[key]
        columns[name] = identifier(own_name)

    return select_list(columns)


def _check_rows(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[OpenFile]
) -> None:
    told = rows_told(folder)
    if told is None:
        return

    for file in files:
        try:
            found = connection.execute(f"select count(*) from {file.reader}").fetchone()
        except duckdb.Error as error:
            raise unreadable(file.path, error) from None

        assert found is not None
        wanted = told[file.path.name]
        if found[0] != wanted:
            raise LandingError(
                f"{file.path}: {found[0]:,} rows, and the manifest says {wanted:,}; deliver the "
                f"part again, {UNTOUCHED}"
            )
