"""From a file that nobody described to features and labels, and what is refused on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from churn_platform.errors import SpecError
from churn_platform.onboarding import onboard
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import FileOptions
from churn_platform_tests.support.onboarding_files import (
    CHURNED,
    ROWS,
    Desk,
    cycle,
    features_of,
    frame,
)
from churn_platform_tests.support.workbooks import write_workbook

IBM_TELCO = Path(__file__).parents[2] / "../shared/data/ibm_telco.csv"

ODD_CSV = (
    "\ufeff  Customer  ID ;Total  Charges; paymentMethod ;IsPaperless;Mixed;CHURN\n"
    'A;12.5; card ;Y;1;yes\nB;;"by post; late";n;two;NO\nC;NA;card;N;3.5;no\nD;7;card;y;;\n'
)


def test_odd_csv_comes_through_ingest(desk: Desk, extensions: Path) -> None:
    """BOM, double blanks, mixed and camel case, quotes, gaps: the file onboarded is a file that
    ingest accepts.
    """
    file = desk.csv(ODD_CSV)
    desk.onboard(file, id_column="customer id", label_column="Churn")
    rows, labels = desk.ingest(file, extensions)
    assert [list(row.values()) for row in rows] == [
        ["A", 12.5, "card", True, "1"],
        ["B", None, "by post; late", False, "two"],
        ["C", None, "card", False, "3.5"],
        ["D", 7.0, "card", True, None],
    ]
    assert list(rows[0]) == [
        "customer_id",
        "total_charges",
        "payment_method",
        "is_paperless",
        "mixed",
    ]
    assert labels == {"A": True, "B": False, "C": False}


def test_parquet_comes_through_ingest(desk: Desk, extensions: Path) -> None:
    """Typed columns, reserved and foreign headers, and awkward levels arrive as they were."""
    data = frame(
        month=cycle(3, 4),
        key=cycle("k", "l"),
        **{"%": cycle("1", "2.5")},
        Größe=np.array(cycle(1.5, np.nan, 2)),
        word=cycle("it's", "a\nb", "{x}", "null"),
        on=pd.array(cycle(True, None, False), dtype="boolean"),
    )
    file = desk.parquet(data)
    onboarded = desk.onboard(file)
    rows, labels = desk.ingest(file, extensions)
    assert onboarded.portfolio.feature_names == [
        "plan",
        "month_2",
        "key",
        "column_4",
        "grosse",
        "word",
        "on",
    ]
    assert [rows[place]["word"] for place in (0, 5, 10, 15)] == ["it's", "a\nb", "{x}", "null"]
    assert [rows[place]["on"] for place in (0, 5, 10)] == [True, None, False]
    assert [rows[place]["grosse"] for place in (0, 5)] == [1.5, None]
    assert [labels[f"C{row:02d}"] for row in range(ROWS)] == CHURNED


CITIES, ANSWERS = ("Z\u00fcrich", "K\u00f6ln", "K\u00f6ln"), ("ja", "nein", "nein", "nein")
ODD_ROWS = "".join(
    f"{row};{row % 7},5;{CITIES[row % 3]};{ANSWERS[row % 4]}\n" for row in range(100, 180)
)
ODD_TEXT = f"Kunden im Januar\n\nKundennr;Geb\u00fchr;Ort;K\u00fcndigung\n{ODD_ROWS}\n80 Zeilen\n"


def test_an_odd_file_comes_through_ingest(desk: Desk, extensions: Path) -> None:
    """Encoding, separator, title and closing line are kept in the spec where needed, and landing
    reads them alike.
    """
    file = desk.folder / "snapshot.TXT"
    file.write_bytes(ODD_TEXT.encode("cp1252"))
    onboarded = desk.onboard(file, id_column="Kundennr", label_column="K\u00fcndigung")
    assert onboarded.portfolio.file == FileOptions(encoding="cp1252", separator=";")
    assert any("line 85 closes the file" in finding for finding in onboarded.findings)
    rows, labels = desk.ingest(file, extensions)
    assert [list(row.values()) for row in rows[:2]] == [
        ["100", 2.5, "K\u00f6ln"],
        ["101", 3.5, "K\u00f6ln"],
    ]
    assert (len(rows), sum(labels.values())) == (80, 20)


def test_a_workbook_comes_through_ingest(desk: Desk, extensions: Path) -> None:
    """Of several sheets one is asked with the full command for each; the one given is kept in the
    spec.
    """
    table = [list(row) for row in frame().itertuples(index=False)]
    book = desk.folder / "snapshot.xlsx"
    write_workbook(book, {"Notes": [["hello"]], "Data": [["id", "plan", "churn"], *table]})
    with pytest.raises(
        SpecError, match=r"churn onboard .*snapshot.xlsx .*--sheet Notes or .*--sheet Data"
    ):
        desk.onboard(book, extension_dir=extensions)
    onboarded = desk.onboard(book, layout=FileOptions(sheet="Data"), extension_dir=extensions)
    assert onboarded.portfolio.file == FileOptions(sheet="Data")
    rows, labels = desk.ingest(book, extensions)
    assert (rows[0], labels["C00"]) == ({"customer_id": "C00", "plan": "basic"}, True)


def test_an_encoding_that_fails_is_refused_with_another_command(desk: Desk) -> None:
    """The command is the one given, with another encoding."""
    file = desk.folder / "snapshot.csv"
    file.write_bytes(b"id,plan,churn\nA,\x81,Yes\nB,b,No\n")
    with pytest.raises(
        SpecError, match=r"cannot be read as cp1252.*--label churn --encoding latin-1"
    ):
        desk.onboard(file, layout=FileOptions(encoding="cp1252"))


def test_spec_is_read_beside_the_shipped_ones(desk: Desk) -> None:
    """What is written is what is returned, with the defaults that the operator is to set."""
    onboarded = desk.onboard(desk.csv(frame()))
    portfolio = load_portfolios(desk.folder / "own")["acme"]
    assert portfolio == onboarded.portfolio
    assert (
        portfolio.split.policy,
        portfolio.gates.min_auc,
        portfolio.economics.contact_cost_eur,
    ) == (
        "stratified",
        0.70,
        35,
    )


def test_spec_says_how_it_was_made(desk: Desk) -> None:
    """The first lines give the command without any path, the rows and the findings; a feature is
    one line.
    """
    onboarded = desk.onboard(desk.csv(frame(empty=[""] * ROWS)), id_column="ID")
    text = onboarded.path.read_text(encoding="utf-8")
    assert text.startswith(
        "# Made by: churn onboard snapshot.csv --name acme --id id --label churn\n# from 40 rows"
    )
    assert str(desk.folder) not in text
    assert all(f"# - {finding}\n" in text for finding in onboarded.findings)
    assert text.count("\n  - {name:") == len(onboarded.portfolio.features)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", {}, "empty"),
        ("id,x,churn\n", {}, "no rows"),
        ("id,x,churn\nA,1,Yes\nA,2,No\nB,2,No\nB,2,No\n", {}, "more than once in 'id': 2, e.g. '"),
        ("id,x,churn\nA,1,Yes\n ,2,No\n", {}, "1 of 2 rows have no 'id'"),
        ("id,x,churn\nA,5,Yes\nB,5,No\n", {}, "no column can be a feature"),
        ("id,churn\nA,Yes\nB,No\n", {}, "no column can be a feature"),
        (
            "id,x,churn\nA,1,Yes\nB,2,No\n",
            {"label_column": "left"},
            "no column 'left'; the file has 'id', 'x', 'churn'",
        ),
        ("id,x,churn\nA,1,Yes\nB,2,No\n", {"protected": ["sex"]}, "no column 'sex'"),
        ("id,x,churn\nA,1,Yes\nB,2,No\n", {"label_column": "ID"}, "give two columns"),
        ("id,x,churn\nA,1,Yes\nB,2,No\n", {"name": "Acme"}, "'Acme' is not usable"),
        ("id,x,churn\nA,1,Yes\nB,2,No\n", {"name": "order"}, "'order' is not usable"),
        ("id,x,churn\nA,1,Yes\nB,2,No\n", {"name": "acme_raw"}, "'acme_raw' is not usable"),
        (
            "id,x,churn\nA,1,Yes\nB,2,No\n",
            {"name": "ibm_telco", "overwrite": True},
            "exists already",
        ),
    ],
)
def test_unusable_input_is_refused(
    desk: Desk, content: str, options: dict[str, Any], said: str
) -> None:
    """Each refusal names the thing that is wrong, and nothing is written."""
    with pytest.raises(SpecError) as error:
        desk.onboard(desk.csv(content), **options)
    assert said in str(error.value)
    assert not list(desk.folder.glob("own/*"))


@pytest.mark.parametrize("file_name", ["missing.csv", "own.xlsx", "own.doc"])
def test_missing_or_unknown_file_is_refused(desk: Desk, file_name: str) -> None:
    """Only a file of a known kind that exists can be onboarded."""
    (desk.folder / "own.xlsx").write_text("a")
    (desk.folder / "own.doc").write_text("a")
    with pytest.raises(SpecError, match=r"no such file|no file of a known kind|no Excel workbook"):
        desk.onboard(desk.folder / file_name)


def test_truncated_gzip_is_refused(desk: Desk) -> None:
    """A file that ingest would refuse is no file to onboard."""
    file = desk.folder / "snapshot.csv.gz"
    frame().to_csv(file, index=False)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(SpecError, match="truncated"):
        desk.onboard(file)


def test_name_is_taken_unless_overwritten(desk: Desk) -> None:
    """A spec, perhaps corrected by hand, is replaced only on demand, and then even where it is
    broken.
    """
    file = desk.csv(frame())
    spec = desk.onboard(file).path
    spec.write_text("name: [")
    with pytest.raises(SpecError, match="exists already"):
        desk.onboard(file)
    assert spec.read_text() == "name: ["
    desk.onboard(file, overwrite=True)
    assert yaml.safe_load(spec.read_text())["name"] == "acme"


@pytest.mark.skipif(not IBM_TELCO.exists(), reason="the IBM Telco file is not here")
def test_ibm_telco_is_understood(tmp_path: Path) -> None:
    """The public file gives the features that its hand-written spec has, and no leak."""
    onboarded = onboard(
        IBM_TELCO,
        name="telco",
        id_column="customerID",
        label_column="Churn",
        portfolios_dir=tmp_path / "own",
    )
    features, shipped = features_of(onboarded), load_portfolios(tmp_path)["ibm_telco"]
    assert (onboarded.rows, round(onboarded.churn_rate, 4)) == (7043, 0.2654)
    assert onboarded.portfolio.id_column == "customerID"
    assert onboarded.portfolio.protected_attributes == ("gender", "senior_citizen")
    assert [
        (feature.name, feature.type, feature.levels, feature.nullable)
        for feature in features.values()
    ] == [
        (feature.name, feature.type, feature.levels, feature.nullable)
        for feature in shipped.features
    ]
    assert not [finding for finding in onboarded.findings if "leak" in finding]
