"""Makes a portfolio of a customer snapshot: the one function behind `churn onboard`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import normalised
from churn_platform.ingest.landed_files import unreadable
from churn_platform.ingest.open_file import OpenFile, opened
from churn_platform.ingest.soundness import OtherKind
from churn_platform.ingest.text_encoding import EncodingNotClear
from churn_platform.ingest.text_layout import Wanted
from churn_platform.ingest.workbook_sheets import SheetNotClear
from churn_platform.metrics.enough_data import DataVerdict, judge_data
from churn_platform.onboarding.asked import (
    AS_FOUND,
    NO_HINTS,
    NO_LABEL,
    OnboardingArguments,
    check_hints,
    check_label_options,
    refused,
)
from churn_platform.onboarding.checks import check_file, check_ids, check_name, known_columns
from churn_platform.onboarding.inspection import Profile, inspect
from churn_platform.onboarding.label import Given, LabelValues, label_values
from churn_platform.onboarding.leaks import MIN_PER_CLASS, column_evidence
from churn_platform.onboarding.proposal import Proposal, propose
from churn_platform.onboarding.spec_file import Source, spec_text
from churn_platform.onboarding.understanding import Hints, understood
from churn_platform.portfolios.loader import read_portfolio
from churn_platform.portfolios.spec import FileOptions, Portfolio, Split
from churn_platform.sql import one_of


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
    label: Given = NO_LABEL,
    hints: Hints = NO_HINTS,
    layout: FileOptions = AS_FOUND,
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
    asked = OnboardingArguments(
        file,
        name,
        id_column,
        label_column,
        tuple(protected),
        overwrite,
        label,
        hints,
        layout,
    )
    check_name(asked, path, portfolios_dir)
    check_hints(asked)
    check_label_options(asked)
    check_file(asked)

    with (
        _refusals(asked),
        TemporaryDirectory() as folder,
        # A file, not memory: a wide snapshot may be larger than the machine's memory.
        duckdb.connect(Path(folder) / "onboarded.duckdb") as connection,
    ):
        found = _inspected(connection, Path(folder), extension_dir, asked)

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


@contextmanager
def _refusals(asked: OnboardingArguments) -> Iterator[None]:
    """Ends the refusals of the readers of files, which landing has too, with the command that would
    do.
    """
    try:
        yield
    except duckdb.Error as error:
        cause = str(unreadable(asked.file, error))
        raise refused(cause, "then", asked.command()) from None
    except SheetNotClear as error:
        commands = [asked.command(sheet=sheet) for sheet in error.sheets]
        if not commands:
            raise refused(error.message, "fill a sheet, then", asked.command()) from None
        raise refused(error.message, "for example", *commands) from None
    except EncodingNotClear as error:
        other = asked.command(encoding=error.other)
        raise refused(error.message, "for example", other) from None
    except OtherKind as error:
        as_csv = replace(asked, file=asked.file.with_suffix(".csv"))
        raise refused(str(error), "then", as_csv.command()) from None
    except LandingError as error:
        raise refused(str(error), "then", asked.command()) from None


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
        return Source(
            file_name=asked.file.name,
            name=asked.name,
            id_column=self.identity.header,
            label_column=self.label_profile.header,
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
    connection.execute("set enable_progress_bar = false")

    with given as delivered:
        connection.execute(f"create table onboarded as from {delivered.reader}")

    return _understood(connection, delivered, asked)


def _understood(
    connection: duckdb.DuckDBPyConnection, delivered: OpenFile, asked: OnboardingArguments
) -> _Found:
    reader = "onboarded"
    hints = replace(asked.hints, separator=delivered.separator)
    id_name, label_name, protected_names = known_columns(asked, delivered.headers)
    profiles = inspect(connection, reader, delivered.headers)
    identity = profiles.pop(id_name)
    label_profile = profiles.pop(label_name)
    check_ids(connection, reader, asked, identity, profiles.values())
    label, on_label = label_values(label_profile, asked.label, asked.command)
    columns, converted = understood(connection, reader, profiles, hints, asked.command)
    churned = _churned(label_profile, label)
    evidence = column_evidence(connection, reader, columns, identity, churned)
    proposals = propose(columns, evidence, protected_names)

    findings = [*_on_rows(label), *delivered.findings, *on_label, *converted]

    used = set()
    for proposal in proposals:
        findings += proposal.findings
        if proposal.used and proposal.feature:
            used.add(proposal.feature.source)

    if not used:
        why = "; ".join(findings) or "there are no others"
        cause = f"{asked.file}: no column can be a feature: {why}"
        raise refused(cause, "add columns to the file, then", asked.command())

    unused = tuple(profile.header for profile in columns if profile.header not in used)
    return _Found(identity, label_profile, label, proposals, findings, unused, delivered.options)


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
