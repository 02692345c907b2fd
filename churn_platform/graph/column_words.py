"""What the columns of the platform's tables mean, as the UI shows it beside each table.

A name means the same in every table, so it is described once. Where it does not, the table's own
words come first. Landed columns and features are described in the portfolio's spec.
"""

from collections.abc import Mapping

from dagster import AssetKey, TableColumn, TableSchema

from churn_platform.campaign import (
    contact_decisions,
    contact_list,
    forecast,
    outcome_table,
    uplift_table,
)
from churn_platform.costs import cost_table
from churn_platform.experiments import arm_scores, lists, outcome, safety
from churn_platform.governance.governance_tables import EXPLANATION_COLUMNS, FAIRNESS_COLUMNS
from churn_platform.graph.partitions import PLATFORM
from churn_platform.ingest.casting import SQL_TYPES
from churn_platform.ingest.recorded_outcomes import OUTCOME_COLUMNS, OUTCOMES_TABLE
from churn_platform.ingest.snapshot import LABEL_COLUMNS
from churn_platform.monitoring import monitoring_tables
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.promotion import evaluation_table
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.serving_log.log_ingestion import LOG_COLUMNS
from churn_platform.training import training_plan

TABLES: dict[str, Mapping[str, str]] = {
    "training_set": training_plan.COLUMNS,
    "fairness_report": FAIRNESS_COLUMNS,
    "explanations": EXPLANATION_COLUMNS,
    "evaluation": evaluation_table.COLUMNS,
    "monthly_scores": SCORE_COLUMNS,
    "contact_list": contact_list.COLUMNS,
    contact_decisions.NAME: contact_decisions.COLUMNS,
    "campaign_economics": forecast.POLICY_COLUMNS,
    outcome_table.NAME: outcome_table.COLUMNS,
    uplift_table.NAME: uplift_table.COLUMNS,
    "serving_log": LOG_COLUMNS,
    OUTCOMES_TABLE: OUTCOME_COLUMNS,
    arm_scores.NAME: arm_scores.COLUMNS,
    outcome.NAME: outcome.COLUMNS,
    outcome.LISTS: lists.COLUMNS,
    safety.NAME: safety.COLUMNS,
    **monitoring_tables.COLUMNS,
}
MEASURED = {
    "auc": "AUC-ROC",
    "average_precision": "Average precision",
    "recall": "Share of churners at or above the threshold",
    "precision": "Share of churners among those at or above the threshold",
    "contacted_share": "Share of customers at or above the threshold",
    "lift_top_decile": "Churn rate of the riskiest tenth over that of all",
    "calibration_error": "Mean distance of predicted and observed churn over bins",
    "campaign_profit_eur": "Expected profit of contacting those at or above the threshold, EUR per "
    "customer",
    "churn_rate": "Share of customers who left",
    "selection_rate": "Share of the group at or above the threshold",
    "false_positive_rate": "Share of stayers at or above the threshold",
    "calibration_gap": "Mean probability minus share who left",
    "effect": "Churn rate of control minus that of treated",
    "kept": "Customers who stay because of the campaign",
    "profit_eur": "What the campaign earned beyond its cost, EUR",
    "difference_eur": "Profit of the uplift ranking minus that of the churn ranking, EUR per "
    "customer drawn",
}
WORDS = {
    "month": "First day of the month.",
    "customer_id": "The operator's customer number.",
    "model_version": "Version of the model, as registered.",
    "features_month": "Month of the features.",
    "churned": "Whether the customer left.",
    "split": "What the month is used for: train, validation or holdout.",
    "customers": "Number of customers.",
    "churners": "Number of customers who left.",
    "snapshot": "Snapshot of the lake that the rows are read as of.",
    "train_share": "Share of the customers that are fitted on.",
    "half_life_months": "Months of age in which a row loses half its weight; null if all count "
    "alike.",
    "weight": "Weight of a row of the month in the fit; null if all count alike.",
    "attribute": "Protected attribute.",
    "group": "Group of the attribute.",
    "is_judged": "Whether the group is large enough to be judged.",
    "feature": "Feature of the catalogue.",
    "feature_group": "Group of the feature in the catalogue.",
    "rank": "Place by importance, 1 the most important.",
    "mean_abs_contribution": "Mean size of the contribution to the log-odds.",
    "share": "Share of the sum over all features.",
    "challenger_version": "Version that was judged.",
    "champion_version": "Version that it was compared with; null if there was none.",
    "is_promoted": "Whether the challenger became champion by the evaluation.",
    "reason": "The decision in words.",
    "evidence": "Every number that the decision rests on, as JSON.",
    "outcome": "promoted, kept, refused or awaiting approval.",
    "churn_probability": "Calibrated probability of leaving, 0 to 1.",
    "risk_tier": "Tier that the probability belongs to.",
    "decile": "Tenth of the ranking, 1 the highest risk.",
    "reasons": "Sentences, the strongest first.",
    "list_rank": "Place in the list, best first.",
    "role": "contact, or control for those held back.",
    "decision": "Why the customer is contacted, or is not; docs/campaign.md lists the reasons.",
    "ranks_beyond": "Places behind the last that the budget reaches; null for any other reason.",
    "shortfall_eur": "By how much a contact costs more than it brings, EUR; null for any other "
    "reason.",
    "last_contact_month": "Month of the last contact, of who was contacted lately; else null.",
    "channel": "How to contact the customer.",
    "offer": "What to offer.",
    "customer_value_eur": "Value of keeping the customer, EUR.",
    "expected_profit_eur": "Expected profit of the contact, EUR.",
    "contact_cost_eur": "Cost of the contact, EUR.",
    "uplift": "What a contact adds to the probability of staying; null if the list is not ranked "
    "by it.",
    "is_explored": "Whether the customer was drawn to learn from, not ranked onto the list.",
    "held_because": "Why the list is not handed over; null if it is.",
    "policy": "Way to choose whom to contact.",
    "contacts": "Customers contacted.",
    "churners_reached": "Churners expected among them.",
    "cost_eur": "Cost, EUR.",
    "value_kept_eur": "Value of the customers kept, EUR.",
    "net_eur": "Value kept minus cost, EUR.",
    "return_on_investment": "Net value per euro spent.",
    "period": "month, or to date for all months so far; programme for all campaigns against the "
    "standing hold-out.",
    "treated": "Customers listed for contact, with an outcome.",
    "control": "Customers held back, with an outcome.",
    "contacted": "Listed customers who were contacted.",
    "control_contacted": "Control customers who were contacted after all.",
    "response_rate": "Share of the contacted who took the offer.",
    "treated_churn_rate": "Share of treated customers who left.",
    "control_churn_rate": "Share of control customers who left.",
    "mismatch_p_value": "p-value of a sample ratio mismatch.",
    "is_trusted": "Whether the figures may be believed.",
    "verdict": "What the figures say, in words.",
    "uplift_profit_eur": "Profit of the uplift ranking, EUR per customer drawn.",
    "churn_profit_eur": "Profit of the churn ranking, EUR per customer drawn.",
    "is_used": "Whether uplift ranks the list.",
    "recorded_at": "When the agent recorded it, UTC.",
    "outcome_id": "Id of the recorded outcome, and of the contact made of it.",
    "agent": "Who recorded it.",
    "answer": "accepted, declined, thinking, or not offered.",
    "call_back_on": "Day on which the customer wants to be called; null for none.",
    "do_not_contact": "Whether the customer refuses further contacts.",
    "predicted_at": "When the service answered, UTC.",
    "request_id": "Id of the request.",
    "item": "Place of the customer in the request.",
    "arm": "Which part of the traffic the customer was in.",
    "features": "Values that the model saw, encoded, in its order.",
    "missing_features": "Features that were not known.",
    "latency_ms": "Time of the answer, ms.",
    "experiment": "Name of the experiment.",
    "experiment_arm": "Arm of it that the customer was dealt to; null for none.",
    "segment": "Attribute that the customers are cut by; all for everybody.",
    "level": "Level of the segment.",
    "psi": "Population stability index against the champion's training rows.",
    "psi_limit": "PSI from which it counts as drifted.",
    "jensen_shannon": "Jensen-Shannon distance, 0 alike to 1.",
    "importance": "Share of the champion's importance.",
    "null_share": "Share of missing values.",
    "null_share_change": "Change of that share.",
    "is_drifted": "Whether the PSI is beyond its limit.",
    "score_mean": "Mean probability.",
    "score_mean_shift": "Mean probability over that of the hold-out, minus 1.",
    "expected_auc": "AUC that the probabilities promise.",
    "expected_recall": "Recall that they promise.",
    "expected_precision": "Precision that they promise.",
    "expected_churn_rate": "Churn rate that they promise.",
    "scored_by": "monthly_scores for what was served, champion for scores made again.",
    "promised_auc": "AUC that the probabilities promise for these customers.",
    "auc_gap": "AUC promised minus reached, beyond the champion's habit.",
    "auc_gap_low": "Lower bound of that gap.",
    "calibration_slope": "Slope of outcomes on the log-odds; 1 where calibrated.",
    "churn_ratio": "Churners observed over expected.",
    "churn_ratio_low": "Lower bound of that ratio.",
    "churn_ratio_high": "Upper bound of that ratio.",
    "churn_rate_shift": "Churn rate over that of the training rows, minus 1.",
    "retraining_required": "Whether the champion must be trained again.",
    "severity": "quiet, notable or severe.",
    "dataset_drift": "Whether drifted features hold much of the importance.",
    "drift_share": "Share of features that drifted.",
    "drifted_importance": "Share of the importance in drifted features.",
    "drifted_features": "Features that drifted, the most important first.",
    "spec_sha256": "Hash of the frozen spec of the experiment.",
    "control_version": "Version that answered when the experiment started.",
    "control_auc": "AUC-ROC of the control.",
    "challenger_auc": "AUC-ROC of the challenger.",
    "control_calibration_error": "Mean distance of predicted and observed churn, of the control.",
    "challenger_calibration_error": "The same of the challenger.",
    "control_profit_eur": "Expected profit by the control, EUR per customer.",
    "challenger_profit_eur": "Expected profit by the challenger, EUR per customer.",
    "difference": "Challenger minus control in this month.",
    "difference_variance": "Variance of that difference.",
    "distrust": "Why the month does not count; null if it does.",
    "estimate": "Challenger minus control over all months so far.",
    "estimate_low": "Lower bound of it, which holds at every look.",
    "estimate_high": "Upper bound of it, which holds at every look.",
    "z": "Estimate in standard errors.",
    "z_bound": "Bound of |z| at this look.",
    "information": "Share of the planned information.",
    "alpha_spent": "Error spent so far.",
    "months_to_go": "Months until the end, at the pace so far.",
    "customers_to_go": "Customers until the end, at the pace so far.",
    "drawn": "Customers on one list alone, with an outcome.",
    "drawn_to_control": "Of them drawn to the control's list.",
    "drawn_to_challenger": "Of them drawn to the challenger's list.",
    "contacted_control": "Contacted of those drawn to the control's list.",
    "contacted_challenger": "Contacted of those drawn to the challenger's list.",
    "control_net_eur": "What a customer drawn to the control's list brought, EUR.",
    "challenger_net_eur": "What a customer drawn to the challenger's list brought, EUR.",
    "step": "Step of the experiment.",
    "watched": "Figure that is watched.",
    "at_least": "By how much it is off at the least, whatever chance did; of the split its "
    "p-value.",
    "allowed": "How far it may be off.",
    "is_harm": "Whether it is beyond its limit.",
    "quantity": "How much was used.",
    "unit": "Unit of the quantity.",
    "price_eur": "Price of a unit, EUR.",
}
OWN = {
    "training_set": {"churned": "Number of customers who left."},
    "serving_log": {
        "segment": "File of the prediction log that the answer comes from.",
        "experiment": "Start of the experiment that was live, as in live.json.",
        "month": "First day of the month of the request.",
    },
    "prediction_drift": {"psi": "PSI of the scores against those on the hold-out."},
    "serving_drift": {"psi": "PSI of the requests against the month's customers."},
    "recorded_outcomes": {
        "segment": "File of the page's log that the outcome comes from.",
        "reason": "What the customer gave as a reason.",
    },
    "experiment_scores": {"arm": "control or challenger."},
    "experiment_outcome": {
        "challenger_version": "Version on trial.",
        "decision": "ship, stop or keep running.",
    },
    "experiment_lists": {
        "challenger_version": "Version on trial.",
        "decision": "ship, stop or keep running.",
    },
    "experiment_safety": {
        "control": "The figure in the control slice.",
        "challenger": "The figure in the challenger's slice.",
        "difference": "Challenger minus control.",
    },
    "infrastructure_cost": {"item": "Kind of cost."},
}


def describe_column(table: str, column: str) -> str:
    """What a column of one of the platform's tables means; empty if nobody has said so."""
    own = OWN.get(table, {}).get(column)
    said = own or WORDS.get(column) or _measured(column)
    return said or ""


def _measured(column: str) -> str:
    """A metric, or a bound of its interval; empty for anything else."""
    for part, bound in (("", ""), ("_low", ", lower bound"), ("_high", ", upper bound")):
        name = column.replace(part, "", 1)
        if part in column and name in MEASURED:
            return f"{MEASURED[name]}{bound}."
    return ""


def column_schemas(portfolio: Portfolio) -> dict[AssetKey, TableSchema]:
    """The described columns of each table of a portfolio that dbt does not make."""
    found = {}
    for name, columns in TABLES.items():
        found[AssetKey([portfolio.name, name])] = _schema(name, columns)

    for table in portfolio.landed_tables:
        found[AssetKey([portfolio.raw_schema, table.name])] = _landed(table)

    if portfolio.kind == "snapshot":
        found[AssetKey([portfolio.name, "churn_labels"])] = _schema("churn_labels", LABEL_COLUMNS)
        found[AssetKey([portfolio.name, "customer_features"])] = _features(portfolio)

    return found


def platform_schemas() -> dict[AssetKey, TableSchema]:
    """The same for what belongs to no portfolio."""
    name = "infrastructure_cost"
    return {AssetKey([PLATFORM, name]): _schema(name, cost_table.COLUMNS)}


def _schema(table: str, columns: Mapping[str, str]) -> TableSchema:
    described = []
    for name, kind in columns.items():
        described.append(TableColumn(name, kind, description=describe_column(table, name)))

    return TableSchema(described)


def _landed(table: Table) -> TableSchema:
    columns = [TableColumn("month", "date", description=WORDS["month"])]
    for column in table.columns:
        name = f"{column.name}_hash" if column.hashed else column.name
        kind = "ubigint" if column.hashed else SQL_TYPES[column.type]
        columns.append(TableColumn(name, kind, description=column.description))
    return TableSchema(columns)


def _features(portfolio: Portfolio) -> TableSchema:
    columns = [
        TableColumn("customer_id", "varchar", description=WORDS["customer_id"]),
        TableColumn("month", "date", description=WORDS["month"]),
    ]
    for feature in portfolio.features:
        kind = SQL_TYPES["string" if feature.type == "category" else feature.type]
        columns.append(TableColumn(feature.name, kind, description=feature.description))

    return TableSchema(columns)
