"""Every file of the shared cases folder is answered as its README wants: by onboarding, by landing
and by the service.
"""

import csv
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from churn_platform.cli import app
from churn_platform.errors import SpecError
from churn_platform.ingest.headers import distinct
from churn_platform.ingest.landing_folder import land_file
from churn_platform.ingest.load import load_month
from churn_platform.ingest.snapshot import replace_features, replace_labels
from churn_platform.months import as_of
from churn_platform.portfolios.loader import read_portfolio
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.format import PublishedFeature
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.onboarding.shared_cases import CASES, FOLDER, ROWS, Case
from churn_platform_tests.support.tiny_lake import tiny_lake
from serving.request.inputs import Catalogue

MONTH = date(2025, 1, 1)
RAW_ROWS = 60  # of each file, which the service is asked to read

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the shared cases are not here")


@dataclass(frozen=True)
class Warehouse:
    """One lake for all files, each a portfolio of its own."""

    lake: Lake
    landing: Path
    connection: duckdb.DuckDBPyConnection

    def ingest(self, portfolio: Portfolio, file: Path) -> list[str]:
        """Land the file and make features and labels of it; returns what was found."""
        table = portfolio.landed_tables[0]
        land_file(file, self.landing, portfolio.name, table.name, MONTH)
        loaded = load_month(
            *(self.connection, self.lake, portfolio, table, MONTH),
            landing_dir=self.landing,
            hash_key="k" * 32,
        )
        for replace in (replace_features, replace_labels):
            write(self.connection, self.lake, lambda: replace(self.connection, portfolio, MONTH))  # noqa: B023
        return list(loaded.findings)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query by column."""
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory, extensions: Path) -> Iterator[Warehouse]:
    """An empty lake that is shared by the files, since making one takes longer than filling it."""
    folder = tmp_path_factory.mktemp("cases")
    lake = tiny_lake(folder, extensions)
    with closing(connect(lake)) as connection:
        yield Warehouse(lake, folder / "landing", connection)


def churn_onboard(words: list[str]) -> str:
    """What the command line prints; its error, raised."""
    outcome = CliRunner().invoke(app, words)
    if outcome.exception:
        raise outcome.exception
    return outcome.output


def onboarded(case: Case, words: list[str], spec: Path) -> Portfolio:
    """The portfolio of a file, by the command that a refusal names where there is one."""
    if case.refused:
        with pytest.raises(SpecError) as refusal:
            churn_onboard(words)
        assert not spec.exists()
        command = f"{shlex.join(['churn', *words])} {case.refused}"
        assert command in str(refusal.value)
        words = shlex.split(command)[1:]
    churn_onboard(words)
    return read_portfolio(spec)


def findings_in(spec: Path) -> list[str]:
    """The findings that stand in a spec."""
    lines = spec.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("# - ") for line in lines if line.startswith("# - ")]


def plain_rows(file: Path, case: Case) -> list[dict[str, str]]:
    """The first rows of a file by header, read by Python's csv module with the format known."""
    how = dict(case.raw)
    text = file.read_bytes().decode(how.pop("encoding", "utf-8")).replace("\r", "\n")
    lines = io.StringIO(text, newline="")
    for _ in range(how.pop("skip", 0)):
        lines.readline()
    header, *rows = csv.reader(lines, **how)
    names, _ = distinct(header)
    return [dict(zip(names, row, strict=True)) for row in rows[:RAW_ROWS]]


def catalogue_of(portfolio: Portfolio) -> Catalogue:
    """What the service knows of the features once a model was published."""
    kept = ("name", "type", "unit", "range", "levels", "nullable", "source", "other")
    return Catalogue(
        tuple(
            PublishedFeature(
                **{name: getattr(feature, name) for name in kept},
                default=None,
                description="",
                reason="",
                format=feature.format.published() if feature.format else None,
            )
            for feature in portfolio.features
        )
    )


def check_spec(case: Case, portfolio: Portfolio, findings: list[str]) -> None:
    """The label with its direction, the kinds of features, and each finding said once."""
    label = portfolio.label
    assert (portfolio.id_column, label.column) == case.columns
    assert (label.positive, label.negative) == ((case.positive,), (case.negative,))
    assert {feature.name: feature.type for feature in portfolio.features} == dict(case.types)
    said = zip(case.said, findings, strict=True)
    assert [finding for wanted, finding in said if not re.search(wanted, finding)] == []


def check_values(case: Case, features: list[dict[str, Any]], labels: list[bool]) -> None:
    """Every row is there with the values and the label that the file means."""
    assert len(features) == ROWS
    assert sum(labels) / len(labels) == pytest.approx(case.churn_rate)
    for name, (missing, total) in case.wanted_sums.items():
        known = [row[name] for row in features if row[name] is not None]
        assert (name, ROWS - len(known), sum(known)) == (name, missing, pytest.approx(total))
    fifth = features[4]
    assert {name: fifth[name] for name in case.fifth} == dict(case.fifth)


def check_service(case: Case, file: Path, portfolio: Portfolio, features: list[dict[str, Any]]):
    """The service reads the texts of the file as landing did."""
    catalogue = catalogue_of(portfolio)
    sources = [feature.source for feature in portfolio.features]
    for raw, landed in zip(plain_rows(file, case), features, strict=False):
        given = {source: raw[source] for source in sources}
        faults: list[Any] = []
        read = catalogue.read(given, faults, as_of=as_of(MONTH))
        assert faults == []
        meant = {catalogue.names[place]: catalogue.value(place, it) for place, it in read.items()}
        assert meant == pytest.approx({name: landed[name] for name in meant}, nan_ok=True)


@pytest.mark.parametrize("file_name", CASES)
def test_the_file_is_answered_as_wanted(
    file_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse
) -> None:
    """Onboarding says what it found, and landing and the service read the same values by its
    spec.
    """
    case, file = CASES[file_name], (FOLDER / file_name).resolve()
    monkeypatch.setenv("CHURN_PORTFOLIOS_DIR", str(tmp_path))
    name = re.sub(r"\W", "_", file_name.lower())
    id_column, label_column = case.columns
    words = ["onboard", str(file), "--name", name, "--id", id_column, "--label", label_column]
    spec = tmp_path / f"{name}.yaml"
    portfolio = onboarded(case, words, spec)
    findings = findings_in(spec)
    check_spec(case, portfolio, findings)
    # The spec says the encoding now, so landing has nothing to guess.
    of_landing = " ".join(warehouse.ingest(portfolio, file)).replace(
        "as said", "guessed from its letters"
    )
    assert of_landing in " ".join(findings)
    features = warehouse.rows(f"select * from {name}.customer_features order by customer_id")
    labels = warehouse.rows(f"select churned from {name}.churn_labels")
    check_values(case, features, [row["churned"] for row in labels])
    check_service(case, file, portfolio, features)


def test_every_file_of_the_folder_has_a_case() -> None:
    """A file that is added to the folder is compared as well."""
    assert {path.name for path in FOLDER.iterdir()} - {"README.md"} == set(CASES)
