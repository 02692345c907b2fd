"""What a month shows at a glance: a light per table, yellow for notable and red for severe.

Each function looks at one table and one month. It returns None if there is nothing to judge, as
before the first champion. A light judges the month by itself. Whether a training follows is another
question: a decision may be silent after a recent training, and the light is red all the same.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from churn_platform.campaign.hand_over import HELD, KEPT, WAITING, hand_over_of
from churn_platform.monitoring.decision import NOTABLE, POLICY, QUIET, SEVERE
from churn_platform.monitoring.judged_outcomes import (
    JudgedOutcomes,
    fault_of_version,
    outcomes_of_month,
    outcomes_of_version,
)
from churn_platform.monitoring.monitoring_tables import SEVERITIES
from churn_platform.months import label, shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.evaluation_table import read_evaluation
from churn_platform.promotion.rules import REFUSED
from churn_platform.warehouse.tables import read_rows, table_exists

# Wide on purpose: the light is for scores that jumped, as after a broken feed.
MEAN_CHANGE_NOTABLE = 0.25
TIER_SHIFT_NOTABLE = 0.05

DECISION_FIGURES = ("drift_share", "drifted_importance", "score_mean_shift", "churn_rate_shift")

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Light:
    """How serious one month of one table is, why in words, and the figures behind it."""

    level: int
    words: str
    figures: dict[str, float] = field(default_factory=dict)


See = Callable[[Connection, Portfolio, date], Light | None]


def evaluation_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Yellow if the month's challenger was refused."""
    row = read_evaluation(connection, portfolio, month)
    if row is None:
        return None
    level = NOTABLE if row["outcome"] == REFUSED else QUIET
    return Light(level, row["reason"], _aucs(row["evidence"]))


def _aucs(evidence: str) -> dict[str, float]:
    """AUC of challenger and champion on the hold-out, as far as they were measured."""
    told = json.loads(evidence)
    figures = {}
    for name in ("challenger", "champion"):
        metrics = (told.get(name) or {}).get("metrics")
        if metrics:
            figures[f"{name}_auc"] = metrics["auc"]

    return figures


def fairness_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Red if an equalized-odds difference is beyond the fairness gate.

    The difference of an attribute is the larger of the spreads of recall and of the false positive
    rate over its groups that are large enough (Hardt et al. 2016).
    """
    query = (
        'attribute, max(recall) - min(recall), max("false_positive_rate") - '
        'min("false_positive_rate")'
    )
    of_groups = "and is_judged group by attribute"
    rows = _rows(connection, portfolio, "fairness_report", month, query, of_groups)
    if not rows:
        return None

    gaps = {}
    for attribute, recall, alarms in rows:
        gaps[attribute] = max(recall, alarms)

    worst = max(gaps, key=lambda attribute: gaps[attribute])
    gap = gaps[worst]
    limit = portfolio.gates.max_fairness_gap
    words = f"equalized-odds difference over {worst} {gap:.2f}, the gate is {limit:.2f}"
    return Light(SEVERE if gap > limit else QUIET, words, {"gap": gap})


def feature_drift_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Yellow if drifted features hold much of the champion's importance."""
    query = "sum(importance) filter (is_drifted), count(*) filter (is_drifted), count(*)"
    rows = _rows(connection, portfolio, "feature_drift", month, query, "having count(*) > 0")
    if not rows:
        return None

    share, drifted, features = rows[0]
    share = share or 0.0
    limit = POLICY.drifted_importance_notable
    level = NOTABLE if share >= limit else QUIET
    words = (
        f"{drifted} of {features} features drifted, with {share:.0%} of the importance; "
        f"the limit is {limit:.0%}"
    )
    return Light(level, words, {"drifted_importance": share})


def prediction_drift_light(
    connection: Connection, portfolio: Portfolio, month: date
) -> Light | None:
    """Yellow if the champion's scores are distributed otherwise than on its hold-out."""
    query = "psi, psi_limit, score_mean, score_mean_shift"
    rows = _rows(connection, portfolio, "prediction_drift", month, query)
    if not rows:
        return None

    psi, limit, mean, moved = rows[0]
    words = f"PSI of the scores {psi:.3f}, the limit is {limit:.3f}; mean score {mean:.2%}"
    figures = {"psi": psi, "score_mean": mean, "score_mean_shift": moved}
    return Light(NOTABLE if psi > limit else QUIET, words, figures)


def performance_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Yellow or red if outcomes are worse than the champion's probabilities promise, as the
    decision judges them.
    """
    found = outcomes_of_month(connection, portfolio, month)
    return _light_of(found) if found else None


def champion_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Red if the version that serves after the month's decision is known to be broken."""
    row = read_evaluation(connection, portfolio, month)
    if row is None:
        return None

    version = row["challenger_version" if row["is_promoted"] else "champion_version"]
    if version is None:
        return Light(NOTABLE, f"there is no champion: {row['reason']}")

    found = outcomes_of_version(connection, portfolio, version, month)
    if found is None:
        words = f"version {version} is champion; none of its outcomes has matured yet"
        return Light(QUIET, words, {"champion_version": version})

    seen = _light_of(found)
    words = f"version {version} is champion; in {label(found.window.month)}: {seen.words}"
    return Light(seen.level, words, {"champion_version": version, **seen.figures})


def _light_of(found: JudgedOutcomes) -> Light:
    measured = (
        f"AUC {found.auc:.3f}, promised {found.promised_auc:.3f}; "
        f"churners {found.churn_ratio:.2f} times those expected"
    )
    words = "; ".join([measured, *found.window.findings])
    return Light(found.window.level, words, found.figures)


def decision_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Yellow or red as the month's windows are, also while the decision is silent."""
    rows = read_rows(connection, f"{portfolio.name}.retraining_decision", month)
    if not rows:
        return None

    row = rows[0]
    level = SEVERITIES.index(row["severity"])

    head = "no training required"
    if row["retraining_required"]:
        level = max(level, NOTABLE)
        head = "training required"

    words = f"{head}: {'; '.join(row['reasons'])}"
    return Light(level, words, present(row, DECISION_FIGURES))


def present(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """The figures of a row that are numbers; what was not measured is left out."""
    figures = {}
    for name in names:
        value = row.get(name)
        if value is not None:
            figures[name] = value
    return figures


def scores_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Yellow if mean score or share of a tier jumped since the month before."""
    now = _tiers(connection, portfolio, month)
    before = _tiers(connection, portfolio, shift(month, -1))
    if not now or not before:
        return None

    mean, mean_before = _mean(now), _mean(before)
    changed = mean / mean_before - 1 if mean_before else 0.0
    tiers = sorted({*now, *before})
    moves = {tier: _share(now, tier) - _share(before, tier) for tier in tiers}
    largest = max(moves, key=lambda tier: abs(moves[tier]))
    is_notable = abs(changed) > MEAN_CHANGE_NOTABLE or abs(moves[largest]) > TIER_SHIFT_NOTABLE
    words = (
        f"mean score {mean:.2%} after {mean_before:.2%}; "
        f"tier {largest} {_share(now, largest):.1%} after {_share(before, largest):.1%}"
    )
    figures = {"score_mean": mean, "score_mean_change": changed}
    return Light(NOTABLE if is_notable else QUIET, words, figures)


def list_light(connection: Connection, portfolio: Portfolio, month: date) -> Light | None:
    """Red if the list is held back; yellow if it waits for approval, or was handed over and another
    version scores the month now, or its own version is known to be broken.
    """
    listed = _rows(connection, portfolio, "contact_list", month, "distinct model_version")
    scored = _rows(connection, portfolio, "monthly_scores", month, "distinct model_version")
    if not listed or not scored:
        return None

    found = hand_over_of(connection, portfolio, month)
    by, now = max(listed)[0], max(scored)[0]
    figures = {"list_version": by, "scores_version": now}
    words = f"the list is {found.words}"
    if found.state == HELD:
        return Light(SEVERE, words, figures)

    fault = fault_of_version(connection, portfolio, by, month)
    if fault:
        words = f"{words}; that version is broken, {fault}"

    is_notable = fault or found.state in (KEPT, WAITING) or len(listed) > 1
    return Light(NOTABLE if is_notable else QUIET, words, figures)


def _tiers(
    connection: Connection, portfolio: Portfolio, month: date
) -> dict[str, tuple[int, float]]:
    """Customers and mean score by tier."""
    query = "risk_tier, count(*), avg(churn_probability)"
    rows = _rows(connection, portfolio, "monthly_scores", month, query, "group by risk_tier")
    return {tier: (customers, mean) for tier, customers, mean in rows}


def _mean(tiers: dict[str, tuple[int, float]]) -> float:
    customers = sum(count for count, _ in tiers.values())
    return sum(count * mean for count, mean in tiers.values()) / customers


def _share(tiers: dict[str, tuple[int, float]], tier: str) -> float:
    customers = sum(count for count, _ in tiers.values())
    count, _ = tiers.get(tier, (0, 0.0))
    return count / customers


def _rows(
    connection: Connection, portfolio: Portfolio, table: str, month: date, what: str, more: str = ""
) -> list[tuple[Any, ...]]:
    """What a query of the month's rows finds; nothing if there is no such table."""
    name = f"{portfolio.name}.{table}"
    if not table_exists(connection, name):
        return []
    query = f"select {what} from {name} where month = ? {more}"
    return connection.execute(query, [month]).fetchall()


@dataclass(frozen=True)
class LightCheck:
    """A light with the name and the sentence that the UI shows: what a green one says.

    The months that it can judge are those of its table, which is named as the asset is, unless the
    asset has none.
    """

    asset: str
    name: str
    see: See
    description: str
    months_of: str | None = None

    @property
    def table(self) -> str:
        """The table whose months the light can judge."""
        return self.months_of or self.asset


CHECKS = (
    LightCheck(
        "evaluation",
        "challenger_passes",
        evaluation_light,
        "The month's challenger was not refused.",
    ),
    LightCheck(
        "champion",
        "is_not_known_to_be_broken",
        champion_light,
        "The version that serves keeps its promise, as far as outcomes have matured.",
        months_of="evaluation",
    ),
    LightCheck(
        "fairness_report",
        "within_the_fairness_gate",
        fairness_light,
        "No protected attribute is beyond the fairness gate.",
    ),
    LightCheck(
        "feature_drift",
        "importance_is_not_drifted",
        feature_drift_light,
        "Drifted features hold little of the champion's importance.",
    ),
    LightCheck(
        "prediction_drift",
        "scores_are_not_drifted",
        prediction_drift_light,
        "Scores are distributed as on the hold-out.",
    ),
    LightCheck(
        "model_performance",
        "keeps_its_promise",
        performance_light,
        "Outcomes are as the champion's probabilities promised.",
    ),
    LightCheck(
        "retraining_decision",
        "nothing_notable",
        decision_light,
        "No training is required, and nothing is notable.",
    ),
    LightCheck(
        "monthly_scores",
        "scores_as_last_month",
        scores_light,
        "Mean score and tiers are as in the month before.",
    ),
    LightCheck(
        "contact_list",
        "made_by_this_champion",
        list_light,
        "The list is handed over, and made by the version that scores the month.",
    ),
)
