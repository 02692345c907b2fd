"""Writes a proposed portfolio as YAML that a person can read and correct.

A line per feature; findings as comments.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from churn_platform.metrics.enough_data import DataVerdict
from churn_platform.onboarding.label import LabelValues
from churn_platform.onboarding.proposal import Proposal
from churn_platform.portfolios.spec import Feature, FileOptions

DEFAULTS = """\
split: {policy: stratified}
# To be set by the operator: the cost of a contact, of a new customer,
# and the share of contacted churners who accept.
economics: {contact_cost_eur: 35, acquisition_cost_eur: 180, acceptance_rate: 0.4}
# To be set by the operator: what a model must reach on the hold-out before it may serve.
gates: {min_auc: 0.70, min_recall: 0.65, max_calibration_error: 0.05}
"""

PLAIN = FileOptions()
ENTRY_KEYS = (
    "name",
    "source",
    "format",
    "type",
    "unit",
    "group",
    "range",
    "levels",
    "other",
    "nullable",
    "protected",
    "description",
    "reason",
)
WIDEST = 2**31 - 1  # a line is never folded; the dumper in C takes no infinity


@dataclass(frozen=True)
class Source:
    """The file and the options with which a spec was made; id and label as the file's headers."""

    file_name: str
    name: str
    id_column: str
    label_column: str
    protected: tuple[str, ...]
    rows: int
    unused: tuple[str, ...] = ()
    more: tuple[tuple[str, tuple[str, ...]], ...] = ()
    options: FileOptions = PLAIN
    verdict: DataVerdict | None = None

    @property
    def command(self) -> str:
        """The command that makes the spec again."""
        words = ["churn", "onboard", self.file_name]
        words += ["--name", self.name]
        words += ["--id", self.id_column]
        words += ["--label", self.label_column]

        for option, values in (("--protected", self.protected), *self.more):
            for value in values:
                words += [option, value]

        return shlex.join(words)


def spec_text(
    source: Source, label: LabelValues, proposals: Sequence[Proposal], findings: Sequence[str]
) -> str:
    """The spec as YAML; `Portfolio` reads it, and what is left out is in it as a comment."""
    used = []
    left_out = []
    protected = []
    for proposal in proposals:
        feature = proposal.feature
        if feature is None:
            continue
        entry = _entry(feature)
        if not proposal.used:
            left_out.append(f"  # - {entry}")
            continue

        used.append(f"  - {entry}")
        if feature.protected:
            protected.append(feature.name)

    if left_out:
        left_out.insert(0, "  # Left out; remove the '#' of a line to use it:")

    lines = [
        *_comments(source, label, findings),
        *_head(source),
        "\nfeatures:",
        *used,
        *left_out,
        f"\nprotected_attributes: {flow(protected)}",
        f"label: {flow(_label(source, label))}",
    ]
    return "\n".join(lines) + "\n" + DEFAULTS


def _head(source: Source) -> list[str]:
    head: dict[str, Any] = {
        "name": source.name,
        "title": f"{source.name.replace('_', ' ').capitalize()} (one snapshot)",
        "kind": "snapshot",
        "id_column": source.id_column,
    }
    if options := source.options.model_dump(exclude_none=True):
        head["file"] = options

    if source.unused:
        head["unused_columns"] = list(source.unused)

    return [f"{key}: {flow(value)}" for key, value in head.items()]


def _label(source: Source, label: LabelValues) -> dict[str, Any]:
    values: dict[str, Any] = {
        "column": source.label_column,
        "positive": list(label.positive),
        "negative": list(label.negative),
    }
    if label.ignored:
        values["ignored"] = list(label.ignored)

    return values


def _comments(source: Source, label: LabelValues, findings: Sequence[str]) -> list[str]:
    said = [
        f"Made by: {source.command}",
        f"from {source.rows:,} rows; {label.churn_rate:.1%} of those with a label churned.",
    ]
    if source.verdict:
        said.append(f"The data are {source.verdict}.")

    said.append(
        "A proposal: read it through, correct types, descriptions, units and reasons by hand."
    )
    if findings:
        said.append("Findings:")

    for finding in findings:
        said.append(f"- {finding}")

    return [f"# {' '.join(line.splitlines())}" for line in said]


def _entry(feature: Feature) -> str:
    given = feature.model_dump(exclude_defaults=True)
    # Brackets and minus signs behind a number need a format that is plain in all else.
    if given.get("format") == {}:
        given["format"] = {"decimal": "."}

    entry = {}
    for key in ENTRY_KEYS:
        if key in given:
            entry[key] = _plain(given[key])

    return flow(entry)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return list(map(_plain, value))
    if isinstance(value, float) and value.is_integer():
        return int(value)

    return value


# One line for each feature, so that a person can comment a feature out, and compare versions.
# The dumper in C takes a fifth of the time, which counts for two thousand features.
class _OneLine(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes everything on one line: text with a line break is escaped instead of folded."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if not text.isprintable() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_OneLine.add_representer(str, _text)


def flow(value: Any) -> str:
    """A value as YAML on one line, however long."""
    text = yaml.dump(
        value,
        Dumper=_OneLine,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=WIDEST,
    )
    return text.removesuffix("...\n").strip()
