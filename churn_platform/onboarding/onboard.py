"""Makes a portfolio of a customer snapshot: the one function behind `churn onboard`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from churn_platform.errors import LandingError, SpecError
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import known_suffix, unknown_kind, unreadable
from churn_platform.ingest.open_file import OpenFile, opened
from churn_platform.ingest.soundness import check_is_file
from churn_platform.ingest.text_encoding import EncodingNotClear
from churn_platform.ingest.text_layout import Wanted
from churn_platform.ingest.workbook import SheetNotClear
from churn_platform.metrics.enough_data import DataVerdict, judge_data
from churn_platform.onboarding.asked import OnboardingArguments
from churn_platform.onboarding.inspection import Profile, inspect
from churn_platform.onboarding.label import Given, LabelValues, label_values
from churn_platform.onboarding.leaks import MIN_PER_CLASS, column_evidence
from churn_platform.onboarding.proposal import Proposal, propose
from churn_platform.onboarding.spec_file import Source, spec_text
from churn_platform.onboarding.understanding import Hints, understood
from churn_platform.portfolios.loader import read_portfolio, spec_paths
from churn_platform.portfolios.spec import FileOptions, Portfolio, Split
from churn_platform.portfolios.strict_model import IDENTIFIER_PATTERN
from churn_platform.published.format import ROUTES
from churn_platform.sql import one_of

OTHER_SCHEMAS = ("main", "temp", "system", "lake", "information_schema", "pg_catalog")


@dataclass(frozen=True)
class Onboarding:
    """A spec as written, and what was found on the way; `churn_rate` is a share of the customers
    with a label.
    """

    path: Path
    portfolio: Portfolio
    rows: int
    churn_rate: float
    findings: list[str]
    verdict: DataVerdict


def onboard(
    file: Path,
    *,
    name: str,
    id_column: str,
    label_column: str,
    portfolios_dir: Path,
    protected: Sequence[str] = (),
    overwrite: bool = False,
    label: Given | None = None,
    hints: Hints | None = None,
    layout: FileOptions | None = None,
    extension_dir: Path | None = None,
) -> Onboarding:
    """Write `<name>.yaml` for a snapshot file with one row per customer; the file itself stays
    where it is.

    Columns may be named as in the file or normalised. SpecError, and nothing written, where the
    file cannot be read or used, a column is unknown, an id is missing or twice, the label is
    unclear, or the name is unusable or taken. `extension_dir` holds DuckDB's extensions; without it
    they are put into a folder of their own for a while.
    """
    path = portfolios_dir / f"{name}.yaml"
    _check_name(name, path, portfolios_dir, overwrite=overwrite)
    _check_file(file)
    asked = OnboardingArguments(
        file,
        name,
        id_column,
        label_column,
        tuple(protected),
        overwrite,
        label or Given(),
        hints or Hints(),
        layout or FileOptions(),
    )
    with (
        TemporaryDirectory() as folder,
        # A file, not memory: a wide snapshot may be larger than the machine's memory.
        duckdb.connect(Path(folder) / "onboarded.duckdb") as connection,
    ):
        try:
            found = _inspected(connection, Path(folder), extension_dir, asked)
        except duckdb.Error as error:
            raise SpecError(str(unreadable(file, error))) from None
        except SheetNotClear as error:
            commands = " or ".join(asked.command(sheet=sheet) for sheet in error.sheets)
            raise SpecError(
                f"{error.message}: {commands or 'save the sheet as CSV UTF-8'}"
            ) from None
        except EncodingNotClear as error:
            raise SpecError(
                f"{error.message}; for example: {asked.command(encoding=error.other)}"
            ) from None
        except LandingError as error:
            raise SpecError(str(error)) from None
    verdict = judge_data(
        churned=found.label.churned,
        stayed=found.label.stayed,
        holdout_share=Split(policy="stratified").holdout_share,
    )
    source = found.source(asked, verdict)
    text = spec_text(source, found.label, found.proposals, found.findings)
    portfolio = _write(path, text)
    rows, churn_rate = found.identity.rows, found.label.churn_rate
    return Onboarding(path, portfolio, rows, churn_rate, found.findings, verdict)


@dataclass(frozen=True)
class _Found:
    """What a file turned out to hold."""

    identity: Profile
    label_profile: Profile
    label: LabelValues
    proposals: list[Proposal]
    findings: list[str]
    unused: tuple[str, ...]
    options: FileOptions

    def source(self, asked: OnboardingArguments, verdict: DataVerdict) -> Source:
        """Where the spec comes from."""
        headers = self.identity.header, self.label_profile.header
        return Source(
            *(asked.file.name, asked.name, *headers),
            protected=asked.protected,
            rows=self.identity.rows,
            unused=self.unused,
            options=self.options,
            verdict=verdict,
            more=tuple(asked.more().items()),
        )


def _inspected(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    extension_dir: Path | None,
    asked: OnboardingArguments,
) -> _Found:
    sought = (asked.id_column, asked.label_column, *asked.protected)
    wanted = Wanted(frozenset(map(normalised, sought)), normalised(asked.id_column))
    given = opened(
        connection,
        asked.file,
        options=asked.layout,
        wanted=wanted,
        temp_dir=folder,
        extension_dir=extension_dir or folder / "extensions",
    )
    # Kept once in a file of its own: every look at some columns would else read the whole text
    # again.
    # Not compressed: of thousands of columns that would take longer than reading them.
    connection.execute("pragma force_compression = 'uncompressed'")
    with given as delivered:
        connection.execute(f"create table onboarded as from {delivered.reader}")
    return _understood(connection, delivered, asked)


def _understood(
    connection: duckdb.DuckDBPyConnection, delivered: OpenFile, asked: OnboardingArguments
) -> _Found:
    reader, file, headers = "onboarded", asked.file, delivered.headers
    hints = replace(asked.hints, separator=delivered.separator)
    id_name, label_name, *protected_names = (
        _known(file, headers, column)
        for column in (asked.id_column, asked.label_column, *asked.protected)
    )
    if id_name == label_name:
        raise SpecError(f"{asked.id_column!r} is given as id and as label; give two columns")
    profiles = inspect(connection, reader, headers)
    identity, label_profile = profiles.pop(id_name), profiles.pop(label_name)
    _check_ids(connection, reader, file, identity)
    label, findings = label_values(label_profile, asked.label, asked.command)
    columns, converted = understood(connection, reader, profiles, hints, asked.command)
    findings += converted
    churned = _churned(label_profile, label)
    evidence = column_evidence(connection, reader, columns, identity, churned)
    proposals = propose(columns, evidence, protected_names)
    of_columns = [finding for proposal in proposals for finding in proposal.findings]
    findings = [*_on_rows(label), *delivered.findings, *findings, *of_columns]
    if not any(proposal.used for proposal in proposals):
        raise SpecError(
            f"{file}: no column can be a feature: {'; '.join(findings) or 'there are no others'}"
        )
    used = {proposal.feature.source for proposal in proposals if proposal.used and proposal.feature}
    unused = tuple(profile.header for profile in columns if profile.header not in used)
    return _Found(identity, label_profile, label, proposals, findings, unused, delivered.options)


def _check_name(name: str, path: Path, portfolios_dir: Path, *, overwrite: bool) -> None:
    if not re.fullmatch(IDENTIFIER_PATTERN, name) or name.endswith("_raw") or name in _reserved():
        raise SpecError(
            f"portfolio name {name!r} is not usable; take a lower-case letter, "
            "then lower-case letters, digits and "
            "underscores, no word of SQL, and no '_raw' at the end"
        )
    if name in ROUTES:
        raise SpecError(
            f"portfolio name {name!r} is a path of the service; "
            f"choose another than {', '.join(sorted(ROUTES))}"
        )
    if path.exists() and not overwrite:
        raise SpecError(f"{path} exists already; choose another name, or overwrite it")
    others = {read_portfolio(other).name for other in spec_paths(portfolios_dir) if other != path}
    if name in others:
        raise SpecError(f"portfolio {name!r} exists already; choose another name")


def _reserved() -> set[str]:
    """Names that a schema cannot have: it is in SQL without quotes."""
    with duckdb.connect() as connection:
        words = connection.execute(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        )
        return {word for (word,) in words.fetchall()} | set(OTHER_SCHEMAS)


def _check_file(file: Path) -> None:
    try:
        check_is_file(file)
    except LandingError as error:
        raise SpecError(str(error)) from None
    if known_suffix(file) is None:
        raise SpecError(unknown_kind(file))
    if file.stat().st_size == 0:
        raise SpecError(f"{file}: the file is empty (0 bytes)")


def _known(file: Path, headers: Mapping[str, tuple[str, str]], column: str) -> str:
    for name, (header, _) in headers.items():
        if column == header or normalised(column) == name:
            return name
    listed = ", ".join(repr(header) for header, _ in headers.values())
    raise SpecError(f"{file}: there is no column {column!r}; the file has {listed}")


def _check_ids(
    connection: duckdb.DuckDBPyConnection, reader: str, file: Path, identity: Profile
) -> None:
    if identity.rows == 0:
        raise SpecError(f"{file}: the file has headers but no rows")
    missing = identity.rows - identity.texts
    if missing:
        raise SpecError(
            f"{file}: {missing:,} of {identity.rows:,} rows have no {identity.header!r}; "
            "give each an id"
        )
    found = connection.execute(
        f"select count(*), any_value(id) from (select id from (select {identity.sql('string')} as "
        f"id from {reader}) "
        "group by id having count(*) > 1)"
    ).fetchone()
    assert found is not None
    if found[0]:
        raise SpecError(
            f"{file}: ids that occur more than once in {identity.header!r}: {found[0]:,}, e.g. "
            f"{found[1]!r}; "
            "a snapshot has one row per customer"
        )


def _churned(profile: Profile, label: LabelValues) -> str:
    """SQL for whether a customer churned; null without a label."""
    value = profile.sql("string")
    has_churned, has_stayed = one_of(value, label.positive), one_of(value, label.negative)
    return f"case when {has_churned} then true when {has_stayed} then false end"


def _on_rows(label: LabelValues) -> list[str]:
    if min(label.churned, label.stayed) >= MIN_PER_CLASS:
        return []
    return [
        f"fewer than {MIN_PER_CLASS} customers churned, or stayed: leaks could not be looked for"
    ]


def _write(path: Path, text: str) -> Portfolio:
    """Put the spec in its place once it reads back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".unfinished")
    try:
        draft.write_text(text, encoding="utf-8")
        # Read back before it takes its place: a spec that cannot be read would break every command.
        portfolio = read_portfolio(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return portfolio
