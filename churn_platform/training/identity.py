"""Tells whether two fits made the same model: by the rows and the recipe, not by the run or the
lake's snapshot.

A run that was killed is run again. Its features are then the same rows in a newer snapshot, and its
fit is another MLflow run; only the content says that the model is the one that was registered
already.
"""

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.training.training_data import Labelled, TrainingData

if TYPE_CHECKING:
    from churn_platform.training.model_record import ModelRecord

WHERE_AND_WHEN = ("mlflow_run_id", "snapshot")


def data_sha256(data: TrainingData) -> str:
    """SHA-256 of all rows of a training set with their order, labels, weights
    and contacts, in hex.
    """
    digest = hashlib.sha256()
    for part in (data.train, data.validation, data.holdout):
        for content in _contents(part):
            digest.update(
                len(content).to_bytes(8)
            )  # so that no bytes can move from one column to the next
            digest.update(content)

    return digest.hexdigest()


def _contents(rows: Labelled) -> list[bytes]:
    ids = "\n".join(map(str, rows.customer_ids)).encode()
    contents = [_bytes(rows.features), _bytes(rows.churned), ids]
    for optional in (rows.weights, rows.is_contacted):
        contents.append(b"" if optional is None else _bytes(optional))
    return contents


def _bytes(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def identity_of(record: "ModelRecord") -> str | None:
    """SHA-256 of all that a record says but where and when the fit was made; None if its rows
    are not known.

    Metrics on the validation and hold-out rows are part of it. So a streamed fit, of whose rows
    `data_sha256` covers a sample, is told from one on other rows by what it predicts.
    """
    if not record.data_sha256:
        return None

    content = record.as_dict()
    for name in WHERE_AND_WHEN:
        content.pop(name, None)

    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
