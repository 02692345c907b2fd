"""Models in MLflow: logged with their run, registered as versions, found again
by version or alias.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.training.model import ChurnModel

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"
DECISION_REASON = "decision_reason"
IDENTITY = "identity_sha256"
MODELS = "models:/"
WITHDRAWN, WITHDRAWN_REASON = "withdrawn", "withdrawn_reason"
DESCRIPTION = (
    "The churn model of one portfolio. The version under `champion` serves, "
    "`previous` served before it and may come "
    "back, `challenger` was registered last. `churn audit show` says who changed this when and why."
)


def log_model(model: ChurnModel, example: np.ndarray) -> str:
    """Log the model with its signature to the active run; returns its URI.

    The estimator and its calibration are kept as one pickled object: `model_of` gives it back
    whole.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature

    frame = pd.DataFrame(example, columns=[feature.name for feature in model.features])
    signature = infer_signature(frame, model.churn_probability(example))
    with warnings.catch_warnings():
        # MLflow asks for rows to infer a signature from, also of who gives the signature; rows of
        # customers do not belong into an artifact.
        warnings.filterwarnings("ignore", message=".*input example")
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=_pyfunc(model),
            signature=signature,
            pip_requirements=["churn-platform"],
        )

    return info.model_uri


def _pyfunc(model: ChurnModel) -> Any:
    from churn_platform.training.pyfunc import ChurnPythonModel

    return ChurnPythonModel(model)


def model_of(version: "ModelVersion") -> ChurnModel:
    """The model of a registered version."""
    import mlflow

    return mlflow.pyfunc.load_model(version.source).unwrap_python_model().model


def register(
    client: "MlflowClient",
    portfolio: str,
    *,
    model_uri: str,
    run_id: str,
    identity: str | None = None,
    description: str,
    tags: dict[str, str],
) -> int:
    """The version of a run's model, under the alias `challenger`; returns its number.

    Registering a run twice, or another run that made the same model by its `identity`, returns the
    same version: a withdrawn model cannot return under a new number, and a run after a kill leaves
    what an undisturbed one leaves. What a kill left out of a version's registration is made
    good.
    """
    _ensure_registered_model(client, portfolio)
    if identity:
        tags = tags | {IDENTITY: identity}

    # MLflow would give a second number to the same model, and a withdrawn model would come back.
    version = _known_version(client, portfolio, run_id, identity)
    if version is None:
        version = client.create_model_version(
            portfolio,
            model_uri,
            run_id=run_id,
            tags=tags,
            description=description,
            model_id=_logged_model(model_uri),
        )

    number = int(version.version)
    missing = {name: tags[name] for name in tags if name not in version.tags}
    tag_version(client, portfolio, number, missing)
    # By month, beside the alias: a range of months chooses a challenger for each of them.
    month_tag = _challenger_tag(tags["month"])
    client.set_registered_model_tag(portfolio, month_tag, str(number))
    client.set_registered_model_alias(portfolio, CHALLENGER, str(number))
    return number


def _logged_model(model_uri: str) -> str | None:
    """The id in the address of a logged model: a server registers none without it, a file does."""
    return model_uri.removeprefix(MODELS) if model_uri.startswith(f"{MODELS}m-") else None


def _ensure_registered_model(client: "MlflowClient", portfolio: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(portfolio)
    except MlflowException:
        client.create_registered_model(
            portfolio,
            tags={"portfolio": portfolio},
            description=DESCRIPTION,
        )


def _known_version(
    client: "MlflowClient", portfolio: str, run_id: str, identity: str | None
) -> "ModelVersion | None":
    """The oldest version of this run or of this identity: a version that others
    may name already.
    """
    for known in reversed(versions(client, portfolio)):
        if known.run_id == run_id or (identity and known.tags.get(IDENTITY) == identity):
            return known
    return None


def challenger_of(client: "MlflowClient", portfolio: str, month: str) -> int:
    """The version that was chosen last for a month ('YYYY-MM'); TrainingError if there is none.

    That need not be the highest number: a run that was registered before may be the best again.
    """
    from mlflow.exceptions import MlflowException

    try:
        return int(client.get_registered_model(portfolio).tags[_challenger_tag(month)])
    except (MlflowException, KeyError):
        raise TrainingError(
            f"{portfolio} has no challenger of {month}; materialize {portfolio}/challenger first"
        ) from None


def _challenger_tag(month: str) -> str:
    return f"{CHALLENGER} {month}"


def version_of(client: "MlflowClient", portfolio: str, alias: str) -> int | None:
    """The version under an alias; None if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return int(client.get_model_version_by_alias(portfolio, alias).version)
    except MlflowException:
        return None


def champion_version(client: "MlflowClient", portfolio: str) -> int:
    """The champion's version; TrainingError if none has been promoted."""
    version = version_of(client, portfolio, CHAMPION)
    if version is not None:
        return version

    for newest in versions(client, portfolio):
        if reason := newest.tags.get(DECISION_REASON):
            raise TrainingError(
                f"{portfolio} has no champion: version {newest.version} was not promoted: "
                f"{reason}; "
                "if a gate asks too much of these customers, set `gates` in the portfolio's spec "
                "and run again"
            )

    raise TrainingError(f"{portfolio} has no champion; materialize {portfolio}/champion first")


def version_named(client: "MlflowClient", portfolio: str, version: int) -> "ModelVersion":
    """A registered version; TrainingError lists those there are where it is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(portfolio, str(version))
    except MlflowException as error:
        # The version may be one that does not exist; a server that is down must stay its own error.
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise

    numbers = sorted(int(known.version) for known in versions(client, portfolio))
    known = ", ".join(map(str, numbers)) or "none yet"
    raise TrainingError(f"{portfolio} has no version {version}; there are {known}")


def versions(client: "MlflowClient", portfolio: str) -> "list[ModelVersion]":
    """Every registered version of a portfolio, newest first, tags included and aliases not."""
    found = client.search_model_versions(f"name = '{portfolio}'", max_results=10_000)
    return sorted(found, key=lambda version: -int(version.version))


def version_row(version: "ModelVersion", named: dict[str, int]) -> dict[str, str | int]:
    """What a list of versions says of one; `named` are the aliases."""
    tags, number = version.tags, int(version.version)
    aliases = [name for name, target in named.items() if target == number]
    decision = tags.get("decision", "none")
    if withdrawn_reason(version):
        decision = "withdrawn"

    return {
        "version": number,
        "month": tags.get("month", ""),
        "algorithm": tags.get("algorithm", ""),
        "hold-out AUC": tags.get("holdout_auc", ""),
        "95 % interval": tags.get("holdout_auc_95", ""),
        "decision": decision,
        "aliases": ", ".join(sorted(aliases)),
        "promoted at": tags.get("promoted_at", ""),
    }


def aliases(client: "MlflowClient", portfolio: str) -> dict[str, int]:
    """The version under each alias; none if nothing is registered."""
    from mlflow.exceptions import MlflowException

    try:
        registered = client.get_registered_model(portfolio)
    except MlflowException:
        return {}

    return {name: int(version) for name, version in registered.aliases.items()}


def tag_version(client: "MlflowClient", portfolio: str, version: int, tags: dict[str, str]) -> None:
    """Set tags of a version."""
    for name, value in tags.items():
        client.set_model_version_tag(portfolio, str(version), name, value)


def withdrawn_reason(version: "ModelVersion") -> str | None:
    """Why a version was withdrawn, so that it must not be promoted again; None if it was not."""
    return (
        version.tags.get(WITHDRAWN_REASON, "no reason kept")
        if version.tags.get(WITHDRAWN) == "true"
        else None
    )


def set_champion(
    client: "MlflowClient", portfolio: str, version: int, *, previous: int | None
) -> None:
    """Make a version the champion and another, or none, `previous`; the champion's alias moves
    last.
    """
    if previous is None:
        client.delete_registered_model_alias(portfolio, PREVIOUS)
    else:
        client.set_registered_model_alias(portfolio, PREVIOUS, str(previous))
    # Last: a kill before it leaves the old champion in office, with `previous` set early.
    client.set_registered_model_alias(portfolio, CHAMPION, str(version))
