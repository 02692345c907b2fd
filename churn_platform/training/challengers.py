"""Picks the best candidate of a month and registers it as challenger."""

from typing import TYPE_CHECKING

from churn_platform.errors import TrainingError
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.identity import identity_of
from churn_platform.training.model_record import ModelRecord, read_record
from churn_platform.training.model_registry import register

if TYPE_CHECKING:
    from mlflow import MlflowClient

CANDIDATE_TAGS = ("churn.portfolio", "dagster.partition", "churn.algorithm")


def newest_candidates(
    client: "MlflowClient", portfolio: Portfolio, partition: str
) -> list[ModelRecord]:
    """The newest finished run of each algorithm for a partition.

    TrainingError names an algorithm without one, or runs that were not fitted on the same snapshot
    of the lake: their validation rows differ, and what validated one may have fitted another.
    """
    found = [_newest(client, portfolio, name, partition) for name in portfolio.candidates]
    snapshots = {record.snapshot for record in found}
    if len(snapshots) > 1:
        told = ", ".join(f"{record.algorithm} on snapshot {record.snapshot}" for record in found)
        raise TrainingError(
            f"the candidates of {portfolio.name} for {partition} were fitted "
            f"on different data ({told}); "
            f"materialize {portfolio.name}/training_set and all candidates together"
        )

    return found


def _newest(
    client: "MlflowClient", portfolio: Portfolio, algorithm: str, partition: str
) -> ModelRecord:
    experiment = client.get_experiment_by_name(portfolio.name)
    wanted = dict(zip(CANDIDATE_TAGS, (portfolio.name, partition, algorithm), strict=True))
    conditions = " and ".join(f"tags.`{name}` = '{value}'" for name, value in wanted.items())
    runs = experiment and client.search_runs(
        [experiment.experiment_id],
        # Candidates are MLflow runs, not tables: a killed or failed fit has another status.
        f"{conditions} and attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    if not runs:
        raise TrainingError(
            f"no fitted {algorithm} of {portfolio.name} for {partition}; "
            f"materialize {portfolio.name}/{algorithm} first"
        )

    return read_record(client, runs[0].info.run_id)


def best(candidates: list[ModelRecord]) -> ModelRecord:
    """The candidate with the highest AUC on the validation rows, so that the hold-out stays unseen
    by the choice.
    """
    # Never by the hold-out: a choice by it would make the promoted figure too good.
    return max(candidates, key=lambda record: record.validation["auc"])


def register_challenger(client: "MlflowClient", record: ModelRecord) -> int:
    """Register the candidate's model as a version with the alias `challenger`;
    returns the version.
    """
    return register(
        client,
        record.portfolio,
        model_uri=_model_uri(client, record.mlflow_run_id),
        run_id=record.mlflow_run_id,
        identity=identity_of(record),
        description=_description(record),
        tags={
            "algorithm": record.algorithm,
            "month": record.month,
            "training_months": f"{record.training_months[0]} to {record.training_months[-1]}",
            "holdout_month": record.holdout_month,
            "data_snapshot": str(record.snapshot),
            "code_version": record.code_version,
            "threshold": f"{record.threshold:.6g}",
            **_holdout_tags(record),
        },
    )


def _description(record: ModelRecord) -> str:
    algorithm = record.algorithm.replace("_", " ").capitalize()
    months = record.training_months
    auc, customers = record.holdout["auc"], record.holdout["customers"]
    return (
        f"{algorithm} of {record.month}, fitted on the features of "
        f"{months[0]} to {months[-1]} at snapshot {record.snapshot} of the lake. "
        f"AUC {auc:.4f} on {customers:,.0f} customers of {record.holdout_month}."
    )


def _model_uri(client: "MlflowClient", run_id: str) -> str:
    outputs = client.get_run(run_id).outputs
    assert outputs is not None, "a finished candidate has logged its model"
    return f"models:/{outputs.model_outputs[0].model_id}"


def _holdout_tags(record: ModelRecord) -> dict[str, str]:
    tags = {}
    for name, value in record.holdout.items():
        tags[f"holdout_{name}"] = f"{value:.6g}"
    for name, (low, high) in record.holdout_intervals.items():
        tags[f"holdout_{name}_95"] = f"{low:.6g} to {high:.6g}"
    return tags
