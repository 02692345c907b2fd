"""Publishes a model: ONNX file and manifest, after the parity check."""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from churn_platform.bundles.onnx import check_parity, export
from churn_platform.errors import PublicationError
from churn_platform.portfolios.encoding import encode_row
from churn_platform.portfolios.spec import Feature
from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import (
    CARD_FILE,
    CUSTOMER_ID,
    MODEL_FILE,
    ModelManifest,
    PublishedFeature,
    SmokePrediction,
    Tier,
    model_dir,
    read_model_manifest,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord

IMPORTANCE_ROWS = 1_000  # contributions cost far more than scores


def publish_model(
    root: Path,
    version: int,
    model: ChurnModel,
    record: ModelRecord,
    sample: np.ndarray,
    *,
    card: bytes | None = None,
    id_column: str | None = None,
    unused_columns: Sequence[str] = (),
) -> float:
    """Write the bundle of a version, with its model card where it has one, as HTML.

    id_column: what the source calls the customer id, where it is not `customer_id`; unused_columns:
    its columns that are no features. Returns the parity difference over `sample`, encoded
    customers. PublicationError, and nothing written, where the export disagrees with the model.
    """
    onnx = export(model)
    # Before anything is written: a model whose export differs leaves no bundle behind.
    difference = check_parity(model, onnx, sample)
    files = {MODEL_FILE: onnx}
    if card:
        files[CARD_FILE] = card

    with new_folder(model_dir(root, version)) as draft:
        hashes = {}
        for name, content in files.items():
            (draft / name).write_bytes(content)
            hashes[name] = file_sha256(draft / name)

        manifest = msgspec.structs.replace(
            _manifest(version, model, record, sample, hashes),
            id_column=id_column or CUSTOMER_ID,
            unused_columns=tuple(unused_columns),
        )
        write_manifest(draft, manifest)

    return difference


def read_bundle(root: Path, version: int) -> ModelManifest:
    """The manifest of a published version whose files are as they were written; PublicationError
    says what is not.
    """
    folder = model_dir(root, version)
    try:
        manifest = read_model_manifest(folder)
        changed = []
        for name, known in manifest.sha256.items():
            if file_sha256(folder / name) != known:
                changed.append(name)

    except (OSError, msgspec.MsgspecError) as error:
        raise PublicationError(
            f"version {version} has no whole bundle in {folder}: {error}"
        ) from error

    if changed or manifest.version != version:
        raise PublicationError(
            f"the bundle in {folder} was changed: {', '.join(changed) or 'it is another version'}"
        )

    return manifest


def _manifest(
    version: int, model: ChurnModel, record: ModelRecord, sample: np.ndarray, hashes: dict[str, str]
) -> ModelManifest:
    features = _published_features(model, sample)
    return ModelManifest(
        portfolio=record.portfolio,
        version=version,
        algorithm=model.algorithm,
        features=features,
        calibration_slope=model.calibration.slope,
        calibration_intercept=model.calibration.intercept,
        threshold=record.threshold,
        base_rate=record.base_rate,
        tiers=tuple(Tier(name, bound) for name, bound in record.tiers),
        metrics=record.holdout,
        training_months=tuple(record.training_months),
        holdout_month=record.holdout_month,
        data_snapshot=record.snapshot,
        mlflow_run_id=record.mlflow_run_id,
        code_version=record.code_version,
        smoke=_smoke(model, features),
        sha256=hashes,
    )


def _published_features(model: ChurnModel, sample: np.ndarray) -> tuple[PublishedFeature, ...]:
    importance = np.abs(model.contributions(sample[:IMPORTANCE_ROWS])).mean(axis=0).tolist()
    published = []
    for place, feature in enumerate(model.features):
        published.append(_published(feature, sample[:, place], importance[place]))

    return tuple(published)


def _published(feature: Feature, values: np.ndarray, importance: float) -> PublishedFeature:
    return PublishedFeature(
        name=feature.name,
        type=feature.type,
        unit=feature.unit,
        range=feature.range,
        levels=feature.levels,
        nullable=feature.nullable,
        # A feature that may be missing is better missing than typical: the model has learnt from
        # gaps.
        default=None if feature.nullable else _typical(feature, values),
        source=feature.source,
        description=feature.description,
        reason=feature.reason,
        reference=_typical(feature, values),
        group=feature.group,
        protected=feature.protected,
        importance=importance,
        format=feature.format.published() if feature.format else None,
        other=feature.other,
    )


def _typical(feature: Feature, values: np.ndarray) -> float | str | bool | None:
    """The most frequent level, or the median, a whole one of whole numbers, of the values known;
    None if none is.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return None

    if feature.type in ("category", "boolean"):
        counts = np.bincount(known.astype(int))
        code = int(counts.argmax())
        return feature.levels[code] if feature.type == "category" else bool(code)

    is_whole = feature.type == "integer"
    return float(np.quantile(known, 0.5, method="lower" if is_whole else "linear"))


def _smoke(model: ChurnModel, published: tuple[PublishedFeature, ...]) -> SmokePrediction:
    """The prediction for the references together, who are no one."""
    # Not for a customer: no erasure would find a real one here.
    references = {feature.name: feature.reference for feature in published}
    customer = encode_row(references, model.features)
    probability = model.churn_probability(customer.reshape(1, -1))
    values = tuple(None if math.isnan(value) else float(value) for value in customer)
    return SmokePrediction(values, float(probability[0]))
