"""The model card of a version: one Markdown template over facts that runs recorded, and the same as
one HTML file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from churn_platform.governance.explanations import Importance
from churn_platform.governance.fairness_text import fairness_markdown, verdict
from churn_platform.markdown import Finished, picture, put, table
from churn_platform.metrics.fairness import AttributeFairness
from churn_platform.metrics.metrics_table import SHOWN
from churn_platform.metrics.segments import Slice
from churn_platform.monitoring.decision import POLICY
from churn_platform.monitoring.effect_size import PSI_NOTABLE
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.plain_numbers import number as plain
from churn_platform.training.model_record import ModelRecord

HEADLINES = ("auc", "recall", "precision", "lift_top_decile", "calibration_error", "empc_eur")


@dataclass(frozen=True)
class Facts:
    """All that a card says, as it was recorded.

    `training_rows` are those of the table `training_set`; `evaluation` is the month's row of the
    table `evaluation`, its evidence decoded, or None if this version was not judged yet;
    `parameters` are the run's.
    """

    portfolio: Portfolio
    version: int
    record: ModelRecord
    parameters: Mapping[str, str]
    training_rows: list[dict[str, Any]]
    ranking: list[Importance]
    fairness: list[AttributeFairness]
    slices: list[Slice]
    evaluation: dict[str, Any] | None
    pictures: Mapping[str, bytes]


def card_markdown(facts: Facts) -> str:
    """The card as Markdown, pictures inside; every name and value reads as itself."""
    template = _environment().get_template("model_card.md")
    return template.render(
        facts=facts,
        portfolio=facts.portfolio,
        record=facts.record,
        record_values=asdict(facts.record),
        shown=SHOWN,
        importance={it.feature: it for it in facts.ranking},
        fairness=Finished(fairness_markdown(facts.fairness, facts.portfolio.gates)),
        pictures=[picture(name, png) for name, png in facts.pictures.items()],
        too_small=[f"{it.attribute}: {it.group}" for it in facts.slices if it.is_too_small],
        hashed=_hashed_columns(facts.portfolio),
        policy=asdict(POLICY),
        notable_psi=PSI_NOTABLE,
    )


def card_summary(facts: Facts) -> str:
    """The card in a dozen lines: what it is, how good, how fair, and what was decided."""
    record = facts.record
    decision = facts.evaluation["reason"] if facts.evaluation else "not judged yet"
    rows = [
        ["version", f"{facts.version}, {record.algorithm.replace('_', ' ')}"],
        ["decision", decision],
        ["fitted on", f"{record.training_months[0]} to {record.training_months[-1]}"],
        ["hold-out", f"{record.holdout['customers']:,.0f} customers of {record.holdout_month}"],
    ]
    for name in HEADLINES:
        if name in record.holdout:
            rows.append([SHOWN[name], _with_interval(record, name)])

    if facts.ranking:
        rows.append(["looks most at", ", ".join(it.feature for it in facts.ranking[:3])])

    fair = verdict(facts.fairness, facts.portfolio.gates)
    return f"{table(['', ''], rows, align='ll')}\n\n{fair}"


def _with_interval(record: ModelRecord, name: str) -> str:
    shown = plain(record.holdout[name])
    bounds = record.holdout_intervals.get(name)
    return f"{shown} ({plain(bounds[0])} to {plain(bounds[1])})" if bounds else shown


def card_html(markdown: str, *, title: str) -> str:
    """The card as one HTML file that needs no other, runs no script and opens offline."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return (
        _environment()
        .get_template("model_card.html")
        .render(title=Finished(escape(title)), body=Finished(body))
    )


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("churn_platform.governance"),
        # Every value is escaped unless marked as finished: what a name contains is shown, not
        # obeyed.
        finalize=put,
        # A name that is wrong must fail: a card with a hole would look complete.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["words"] = lambda name: str(name).replace("_", " ")
    return environment


def number(value: float | None) -> str:
    """A number with four decimals, a count without; a dash where there is none."""
    if value is None:
        return "-"
    is_count = isinstance(value, int) or (value.is_integer() and abs(value) >= 2)
    return f"{value:,.0f}" if is_count else f"{value:.4f}"


def _hashed_columns(portfolio: Portfolio) -> list[str]:
    names = []
    for landed in portfolio.tables:
        for column in landed.columns:
            if column.hashed:
                names.append(column.name)
    return names
