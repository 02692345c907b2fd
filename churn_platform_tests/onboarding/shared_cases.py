"""What is wanted of each file of the shared cases folder, whose README says it in words.

The files have the same 300 customers, of whom 87 churned. A case names what its file does
differently. The sums were computed from the files by a program that knows each file's format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "../shared/cases"
ROWS = 300
CHURN_RATE = 0.29

TENURE, FEE, CALLS = (0, 10_923), (0, 19_798.79), (0, 46_258)
PLAIN_TYPES = {
    "tenure": "integer",
    "fee": "number",
    "contract": "category",
    "region": "category",
    "calls": "integer",
}
SHORT_TYPES = {"tenure": "integer", "fee": "number", "contract": "category"}
NEGATED = (0, 15_093.01)
SEMICOLON = "fields are cut at each semicolon"
AS_NUMBERS = r"column '{}': numbers such as '{}' are read with decimals after '{}'"
THOUSANDS = AS_NUMBERS + ", thousands with '{}'"


@dataclass(frozen=True)
class Case:
    """What is wanted of a file.

    types: of the features, in order. sums: of numeric features, the missing values and the sum of
    the others. fifth: some values of customer C00004. said: a pattern for each finding, in order.
    refused: the options that the refusal must add to the command; the file is accepted with them.
    raw: how Python's csv module reads the file.
    """

    types: Mapping[str, str] = field(default_factory=lambda: PLAIN_TYPES)
    sums: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    fifth: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    columns: tuple[str, str] = ("id", "churn")
    positive: str = "Yes"
    negative: str = "No"
    churn_rate: float = CHURN_RATE
    refused: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wanted_sums(self) -> dict[str, tuple[int, float]]:
        """The sums of the plain file where this file has no others."""
        plain = {"tenure": TENURE, "fee": FEE, "calls": CALLS}
        known = {name: plain[name] for name in self.types if name in plain}
        return known | dict(self.sums)


def labelled(positive: str, negative: str, *said: str, **others: Any) -> Case:
    """A file that differs in its label alone."""
    return Case(positive=positive, negative=negative, said=said, **others)


CASES = {
    "UPPER.CSV": Case(fifth={"tenure": 9, "fee": 34.97, "contract": "monthly", "calls": 18}),
    "accounting.csv": Case(
        sums={"fee": NEGATED},
        fifth={"fee": -34.97},
        said=(AS_NUMBERS.format("fee", r"\(\d+\.\d+\)", r"\.") + r".*are negative",),
    ),
    "blank_first_line.csv": Case(said=("headers are in line 2.*blank lines",), raw={"skip": 1}),
    "cr_only.csv": Case(said=("lines end in CR",)),
    "currency.csv": Case(
        fifth={"fee": 34.97},
        said=(AS_NUMBERS.format("fee", r"\$15\.42", r"\.") + r", without \$",),
    ),
    "dates.csv": Case(
        types={**PLAIN_TYPES, "joined_days": "integer"},
        sums={"joined_days": (0, 878_599)},
        fifth={"joined_days": 3_767},
        said=("column 'joined': days, written as %d/%m/%Y, become days before the month's end",),
    ),
    "decimal_comma.csv": Case(
        columns=("Kundennr", "Kündigung"),
        positive="ja",
        negative="nein",
        types={
            "laufzeit": "integer",
            "monatsgebuhr": "number",
            "vertrag": "category",
            "anrufe": "integer",
        },
        sums={"laufzeit": TENURE, "monatsgebuhr": FEE, "anrufe": CALLS},
        fifth={"monatsgebuhr": 34.97},
        said=(SEMICOLON, AS_NUMBERS.format("Monatsgebühr", "15,42", ",")),
        raw={"delimiter": ";"},
    ),
    "few_levels_comma.csv": Case(
        types={"tenure": "integer", "plan_price": "number"},
        sums={"plan_price": (0, 5_907)},
        fifth={"plan_price": 29.99},
        said=(SEMICOLON, AS_NUMBERS.format("plan_price", "19,99", ",")),
        raw={"delimiter": ";"},
    ),
    "header_newline.csv": Case(
        types={
            "tenure": "integer",
            "monthly_fee": "number",
            "contract": "category",
            "region": "category",
            "calls": "integer",
        },
        sums={"monthly_fee": FEE},
        said=("the header 'monthly.+fee' is called 'monthly fee'",),
    ),
    "header_same_name.csv": Case(
        types={
            "day_mins": "integer",
            "day_mins_2": "number",
            "contract": "category",
            "region": "category",
            "calls": "integer",
        },
        sums={"day_mins": TENURE, "day_mins_2": FEE},
        said=("'Day Mins' and 'Day_Mins' are one name; the second is called 'Day_Mins_2'",),
    ),
    "header_twice.csv": Case(
        types={
            "tenure": "integer",
            "fee": "number",
            "region": "category",
            "region_2": "category",
            "calls": "integer",
        },
        fifth={"region": "monthly", "region_2": "S"},
        said=("'region' and 'region' are one name; the second is called 'region_2'",),
    ),
    "inf.csv": Case(
        sums={"fee": (13, 19_169.85)},
        said=("column 'fee': 13 values with .*'-inf'.*'1e400'.*'inf'.* count as missing",),
    ),
    "label_active.csv": labelled(
        *("0", "1"),
        "label 'is_active' tells who stays: '0' means churned, '1' stayed",
        columns=("id", "is_active"),
        types=SHORT_TYPES,
    ),
    "label_minus_plus.csv": labelled(
        "1", "-1", "'1' was taken for churned and '-1' for stayed; confirm it"
    ),
    "label_nan_text.csv": labelled(
        *("1", "0"),
        "5 rows with 'NaN' count as without a label",
        "5 of 300 rows have none; scored only",
        churn_rate=84 / 295,
    ),
    "label_one_two.csv": labelled("2", "1", refused="--positive 2 --negative 1"),
    "label_pt.csv": labelled("Sim", "Não", columns=("id", "evasao"), types=SHORT_TYPES),
    "label_retained.csv": labelled(
        *("No", "Yes"),
        "label 'Retained' tells who stays: 'No' means churned, 'Yes' stayed",
        columns=("id", "Retained"),
        types=SHORT_TYPES,
    ),
    "label_subscribed.csv": labelled(
        *("N", "Y"),
        "label 'Still Subscribed' tells who stays: 'N' means churned, 'Y' stayed",
        columns=("id", "Still Subscribed"),
        types=SHORT_TYPES,
    ),
    "label_three.csv": labelled(
        *("Churned", "Stayed"),
        "79 rows with 'Joined' count as without a label",
        "79 of 300 rows have none; scored only",
        churn_rate=87 / 221,
        refused="--positive Churned --negative Stayed --ignore Joined",
    ),
    "label_true_dot.csv": labelled("True.", "False."),
    "label_unknown.csv": labelled(
        *("Yes", "No"),
        r"7 rows with '\?' count as without a label",
        "7 of 300 rows have none; scored only",
        churn_rate=87 / 293,
    ),
    "latin1.csv": Case(
        columns=("Kundennr", "churn"),
        types={"gebuhr": "number", "ort": "category"},
        sums={"gebuhr": FEE},
        fifth={"ort": "Graz"},
        said=("read as cp1252, guessed from its letters, for example Gebühr, Köln",),
        raw={"encoding": "cp1252"},
    ),
    "leak_after.csv": Case(
        said=(
            "'final_bill_sent' left out: suspected leak, it is '0' for all who stayed",
            "'contract_end_reason' left out: suspected leak, it is missing for all who stayed",
        ),
    ),
    "many_levels.csv": Case(
        types={"tenure": "integer", "state": "category"},
        said=("column 'state': 51 levels: the 33 most frequent .* the rest for 'other'",),
        fifth={"state": "S27"},
    ),
    "minus_behind.csv": Case(
        sums={"fee": NEGATED},
        fifth={"fee": -34.97},
        said=(AS_NUMBERS.format("fee", r"\d+\.\d+-", r"\.") + r".*are negative",),
    ),
    "mysql_escape.csv": Case(
        said=(
            "quotation marks inside values are written with a backslash",
            "column 'note' left out: constant, always 'said \"no\", twice'",
        ),
        raw={"escapechar": "\\"},
    ),
    "narrow_space.csv": Case(
        types={"tenure": "integer", "revenue": "integer"},
        sums={"revenue": (0, 1_979_866)},
        fifth={"revenue": 3_497},
        said=(SEMICOLON, THOUSANDS.format("revenue", ".+", r"\.", " ")),
        raw={"delimiter": ";"},
    ),
    "null_backslash_n.csv": Case(
        sums={"tenure": (28, 9_888)},
        said=(r"column 'tenure': 28 values with '\\\\n' count as missing",),
    ),
    "null_words.csv": Case(
        sums={"tenure": (17, 10_303)},
        said=(r"column 'tenure': 17 values with '-', '\.', 'n/a', 'na', 'null' count as missing",),
    ),
    "percent.csv": Case(
        sums={"fee": (0, 19_799.4)},
        fifth={"fee": 35.0},
        said=(AS_NUMBERS.format("fee", r"15\.4%", r"\.") + ", without %",),
    ),
    "pipe.txt": Case(said=("fields are cut at each vertical bar",), raw={"delimiter": "|"}),
    "rows_affected.csv": Case(said=(r"line 303 closes the file .*'\(300 rows affected\)'",)),
    "sep_hint.csv": Case(said=("line 1 names the separator: 'sep=,'",), raw={"skip": 1}),
    "single_quotes.csv": Case(said=("values are in ' marks",), raw={"quotechar": "'"}),
    "tab.tsv": Case(said=("fields are cut at each tab",), raw={"delimiter": "\t"}),
    "thousands_comma.csv": Case(
        sums={"fee": (0, 1_979_879), "calls": (0, 4_625_800)},
        fifth={"fee": 3_497.0, "calls": 1_800},
        said=(
            THOUSANDS.format("fee", r"1,542\.00", r"\.", ","),
            THOUSANDS.format("calls", "11,100", r"\.", ","),
        ),
    ),
    "thousands_dot.csv": Case(
        columns=("Kundennr", "churn"),
        types={"laufzeit": "integer", "umsatz": "integer", "datenvolumen_mb": "integer"},
        sums={"laufzeit": TENURE, "umsatz": (0, 197_842), "datenvolumen_mb": (0, 1_711_546)},
        fifth={"umsatz": 349, "datenvolumen_mb": 666},
        said=(
            SEMICOLON,
            THOUSANDS.format("Umsatz", r"\d+\.\d+", ",", r"\."),
            THOUSANDS.format("Datenvolumen_MB", r"\d+\.\d+", ",", r"\."),
        ),
        raw={"delimiter": ";"},
    ),
    "title_line.csv": Case(said=("headers are in line 3.*'Customer export'",), raw={"skip": 2}),
    "total_row.csv": Case(said=("line 302 closes the file .*'Total,,19798.79",)),
    "wide300.csv": Case(
        types={**PLAIN_TYPES, **{f"v{place}": "number" for place in range(300)}},
    ),
}
