"""Evidently's drift report as one HTML page: to look at, never to decide by."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from churn_platform.monitoring.effect_size import PSI_LARGE
from churn_platform.portfolios.encoding import decode
from churn_platform.portfolios.spec import Feature
from churn_platform.storage.atomic_file import new_file

REPORT_ROWS = (
    5_000  # of each side: the page holds plotly and 45 histograms, some 7 MB for any number of rows
)


def write_report(
    target: Path,
    reference: np.ndarray,
    current: np.ndarray,
    catalogue: Sequence[Feature],
    *,
    title: str,
    facts: Mapping[str, str],
) -> int:
    """Write the page, whole or not at all; returns its bytes. It opens without a network.

    Title and facts (what is compared with what) stand at its head, which Evidently has not.
    """
    # Both sides are encoded, (rows, features); evenly spaced rows of them are shown. Evidently
    # leaves out missing values, and cannot show a feature without any value on one side.
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    is_empty = np.isnan(reference).all(axis=0) | np.isnan(current).all(axis=0)
    shown = np.flatnonzero(~is_empty).tolist()
    features = [catalogue[place] for place in shown]

    numbers: list[str] = []
    categories: list[str] = []
    for feature in features:
        side = categories if feature.type == "category" else numbers
        side.append(feature.name)

    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)

    sides = []
    for rows in (current, reference):
        step = max(1, len(rows) // REPORT_ROWS)
        frame = _frame(rows[::step, shown], features)
        sides.append(Dataset.from_pandas(frame, definition))

    preset = DataDriftPreset(method="psi", threshold=PSI_LARGE)
    report = Report([preset])
    # Evidently draws and decides nothing: a test on 5,000 rows a side says less than effect sizes
    # on 100,000, and its page takes seconds.
    with new_file(target) as draft:
        report.run(*sides).save_html(str(draft))
        draft.write_text(_headed(draft.read_text("utf-8"), title, facts), "utf-8")
        return draft.stat().st_size


def _headed(page: str, title: str, facts: Mapping[str, str]) -> str:
    """The page with a title in its tab, and title and facts above everything else."""
    listed = ""
    for name, value in facts.items():
        listed += f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"

    top = (
        f'<header style="font-family: sans-serif; margin: 1em 2em"><h1>{escape(title)}</h1>'
        f'<dl style="display: grid; grid-template-columns: max-content auto; gap: 0.3em 1em">'
        f"{listed}</dl></header>"
    )
    page = re.sub(r"<title>.*?</title>", "", page, count=1, flags=re.DOTALL)
    page = page.replace("<head>", f"<head><title>{escape(title)}</title>", 1)
    return re.sub(r"<body[^>]*>", lambda found: found[0] + top, page, count=1)


def _frame(rows: np.ndarray, features: Sequence[Feature]):
    import pandas as pd

    columns = {}
    for feature, values in zip(features, rows.T, strict=True):
        if feature.type == "category":
            columns[feature.name] = [decode(code, feature) for code in values]
        else:
            columns[feature.name] = values.astype(float)

    return pd.DataFrame(columns)
