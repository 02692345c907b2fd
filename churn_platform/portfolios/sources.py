"""What a spec says of an operator's own databases and files, and of how their columns become those
of the landing contract.

No credential can stand here: a spec names the variable or the file that has it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from churn_platform.portfolios.strict_model import SpecModel
from churn_platform.portfolios.units import factor_of, units_for

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OWN_PREFIX = "CHURN_"  # of the platform's own settings, which refuse names that they do not know


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"{zone!r} is no time zone; write one such as Europe/Berlin or UTC")
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]


class Reference(SpecModel):
    """Where a value is that does not stand in the spec."""

    env: str | None = Field(None, description="Environment variable that has the value.")
    file: str | None = Field(
        None, description="File that has it; a plain name is looked for in CHURN_SECRETS_DIR."
    )

    @model_validator(mode="after")
    def _names_one_place(self):
        if bool(self.env) == bool(self.file):
            raise ValueError("give env: or file:, one of the two")
        # Where a file is, is known only on the machine that reads it.
        if not self.env:
            return self

        # Someone may write the password itself here; it would go into the repository.
        if not VARIABLE.fullmatch(self.env):
            raise ValueError(f"env: {self.env!r} is no name of an environment variable")
        if self.env.startswith(OWN_PREFIX):
            raise ValueError(f"env: names with {OWN_PREFIX} are settings of the platform")
        return self

    @property
    def place(self) -> str:
        """The place in words."""
        return f"the variable {self.env}" if self.env else f"the file {self.file}"


Value = str | Reference


class _Reached(SpecModel):
    """What every source has."""

    timezone: Zone = Field("UTC", description="Zone of times that are written without one.")
    attempts: int = Field(4, ge=1, le=20, description="Tries before a reading is given up.")


class _Server(_Reached):
    host: Value = Field(description="Host, or the folder of a socket.")
    database: Value
    user: Value
    password: Reference | None = None


class PostgresSource(_Server):
    """A Postgres database."""

    kind: Literal["postgres"]
    port: int = 5432


class MysqlSource(_Server):
    """A MySQL or MariaDB database."""

    kind: Literal["mysql"]
    port: int = 3306


class SqliteSource(_Reached):
    """An SQLite file."""

    kind: Literal["sqlite"]
    path: str


class OdbcSource(_Reached):
    """Oracle, SQL Server, Teradata and others through their ODBC driver."""

    kind: Literal["odbc"]
    connection: Value = Field(
        description="Connection string; with a password in it only as a reference."
    )
    user: Value | None = None
    password: Reference | None = None

    @field_validator("connection")
    @classmethod
    def _has_no_password(cls, connection: Value) -> Value:
        if not isinstance(connection, str):
            return connection
        if re.search(r"(?i)\b(pwd|password)\s*=", connection):
            raise ValueError("a password is in the connection string; give it under password:")
        return connection


class _Stored(_Reached):
    location: str = Field(description="Folder, or an address such as s3://bucket/prefix.")
    key_id: Value | None = Field(
        None, description="Access key; none: credentials are looked for as AWS' own tools do."
    )
    secret_key: Reference | None = None
    session_token: Reference | None = None
    endpoint: str = Field("", description="Host and port of an S3-compatible store.")
    region: str = "us-east-1"
    url_style: Literal["", "path", "vhost"] = ""
    use_ssl: bool = True

    @model_validator(mode="after")
    def _key_is_whole(self):
        if bool(self.key_id) != bool(self.secret_key):
            raise ValueError("key_id and secret_key belong together")
        return self


class FilesSource(_Stored):
    """Parquet, CSV or JSON files in a folder or an S3-compatible store."""

    kind: Literal["files"]


class DeltaSource(_Stored):
    """Delta tables below a folder or an address."""

    kind: Literal["delta"]


class IcebergSource(_Stored):
    """Iceberg tables below a folder or an address."""

    kind: Literal["iceberg"]


class AzureSource(_Reached):
    """Files in a container of Azure Blob Storage."""

    kind: Literal["azure"]
    location: str = Field(description="Address such as az://container/prefix.")
    account: Value | None = None
    connection: Reference | None = Field(
        None, description="Connection string; none: credentials of the machine."
    )


Source = Annotated[
    PostgresSource
    | MysqlSource
    | SqliteSource
    | OdbcSource
    | FilesSource
    | DeltaSource
    | IcebergSource
    | AzureSource,
    Field(discriminator="kind"),
]
FILE_KINDS = ("files", "azure")
# Keys of `from:` by kind; databases take `table:` or `query:`.
READ_BY = {
    "files": ("path",),
    "azure": ("path",),
    "delta": ("table",),
    "iceberg": ("table",),
}


class MappedColumn(SpecModel):
    """How a column of the contract follows from one of the source."""

    column: str | None = Field(None, description="Column of the source.")
    value: str | int | float | bool | None = Field(
        None, description="The same value for every row, where the source has no such column."
    )
    unit: str | None = Field(None, description="Unit of the source: cents, minutes, KB, GB, ...")
    factor: float | None = Field(None, gt=0, description="What a value is multiplied by.")
    decimal: Literal[".", ","] = Field(".", description="Sign before the decimals of a text.")
    levels: dict[str, str] = Field({}, description="Value of the source to that of the contract.")
    format: tuple[str, ...] = Field(
        (), description="strptime patterns of a time, or epoch_seconds or epoch_milliseconds."
    )
    timezone: Zone | None = Field(None, description="Zone of its times, where not the source's.")
    missing: tuple[str, ...] = Field((), description="Further words for a missing value.")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("format", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("levels", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        levels = {}
        for source, level in given.items():
            if isinstance(source, bool):
                # YAML reads a bare no as false: what the operator's system wrote is lost.
                raise ValueError("levels: put yes, no, on and off into quotation marks")
            text = str(level)
            # A bare true of YAML is True in Python, and `true` in the contract.
            if isinstance(level, bool):
                text = text.lower()
            levels[str(source)] = text
        return levels

    @model_validator(mode="after")
    def _says_one_thing(self):
        has_column = self.column is not None
        has_value = self.value is not None
        if has_column == has_value:
            raise ValueError("give column: or value:, one of the two")
        # A unit is a factor already, and no one could tell which of the two was meant.
        if self.unit and self.factor:
            raise ValueError("give unit: or factor:, one of the two")
        return self


def has_month(path: str) -> bool:
    """Whether a path of files tells the month; the year alone does not."""
    return "{month}" in path or "{mm}" in path


class Origin(SpecModel):
    """Where the rows of a table are read from: a table with a mapping, files, or a query."""

    source: str = Field(description="Name under `sources`.")
    table: str | None = Field(None, description="Table of a database, or of a lake's folder.")
    query: str | None = Field(
        None, description="Query with {month_start} and {month_end}, the first day after the month."
    )
    path: str | None = Field(
        None, description="Files, with {month} (2026-05), {year} and {mm} where the month is."
    )
    period: str | None = Field(
        None, description="Column of the source that tells a row's month; else the event's time."
    )
    period_format: str | None = Field(
        None, description="strptime pattern of that column, where it is text or a number."
    )
    set_aside: float = Field(
        0.0,
        ge=0,
        le=0.1,
        description=(
            "Largest share of a month's rows that may be left out because they cannot be read; "
            "0: one such row refuses the month."
        ),
    )
    columns: dict[str, MappedColumn] = Field(
        {}, description="By column of the contract; one of the same name need not be listed."
    )

    @model_validator(mode="after")
    def _reads_one_thing(self):
        given = [self.table, self.query, self.path]
        absent = given.count(None)
        if absent != 2:
            raise ValueError("give table:, query: or path:, one of the three")
        # A query alone could read every month: of the others the platform picks one out.
        if self.query is not None:
            self._has_bounds(self.query)
        return self

    def _has_bounds(self, query: str) -> None:
        absent = []
        for mark in ("{month_start}", "{month_end}"):
            if mark not in query:
                absent.append(mark)
        if absent:
            marks = " and ".join(absent)
            raise ValueError(f"query: {marks} is missing; it reads every month")

    @property
    def has_month_in_path(self) -> bool:
        """Whether the path alone tells the month."""
        return has_month(self.path or "")

    @property
    def place(self) -> str:
        """What is read, in words."""
        return self.table or self.path or "the query"


def check_origin(table: str, origin: Origin, source: Source, columns: Mapping[str, str]) -> None:
    """ValueError if the source cannot be read so, or a mapping is none of the contract.

    `columns` are the contract's, with their types.
    """
    # No engine stands behind a store that could carry out a query.
    keys = READ_BY.get(source.kind, ("table", "query"))
    if not any(getattr(origin, key) for key in keys):
        wanted = ": or ".join(keys)
        raise ValueError(f"table {table}: a {source.kind} source is read by {wanted}:")

    for name, mapped in origin.columns.items():
        if name not in columns:
            known = ", ".join(columns)
            raise ValueError(f"table {table}: from.columns.{name} is none of its columns: {known}")
        kind = columns[name]
        _check_unit(table, name, mapped, kind)


def _check_unit(table: str, name: str, mapped: MappedColumn, kind: str) -> None:
    unit = mapped.unit
    # The name of a column says its unit, so a unit of another kind is a slip of the pen.
    if unit and factor_of(name, unit) is None:
        known = ", ".join(units_for(name))
        fitting = known or "none, by its name; give factor: instead"
        raise ValueError(
            f"table {table}: unit {unit!r} does not fit {name}; units that do: {fitting}"
        )
    is_scaled = unit or mapped.factor
    is_number = kind in ("number", "integer")
    if is_scaled and not is_number:
        raise ValueError(f"table {table}: {name} is no number and has no unit")
