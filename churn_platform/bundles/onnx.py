"""Exports a model to ONNX and proves that the export gives the same probabilities."""

from pathlib import Path

import numpy as np

from churn_platform.errors import PublicationError
from churn_platform.published.format import ONNX_INPUT, ONNX_PROBABILITIES
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.model import ChurnModel

MAX_DIFFERENCE = 1e-5
GRAPH_NAME = "churn"


def export(model: ChurnModel) -> bytes:
    """The uncalibrated estimator as ONNX.

    Input (rows, features) float32, output `probabilities` (rows, 1 or 2), that of churn last. The
    same model gives the same bytes.
    """
    return canonical(ALGORITHMS[model.algorithm].export(model.estimator, len(model.features)))


def canonical(onnx: bytes) -> bytes:
    """The same computation without what a converter adds at random or in no fixed order.

    Converters name a graph by a new UUID, and a bundle is published again, on record, where its
    bytes are new.
    """
    from onnx import load_model_from_string

    exported = load_model_from_string(onnx)
    # Same model, same bytes: otherwise each publication would be a new fact in the audit trail.
    exported.graph.name = GRAPH_NAME

    for described in (exported, exported.graph, *exported.graph.node):
        described.doc_string = ""

    exported.metadata_props.sort(key=lambda entry: entry.key)
    exported.opset_import.sort(key=lambda entry: entry.domain)
    return exported.SerializeToString(deterministic=True)


def run(onnx: bytes | Path, features: np.ndarray) -> np.ndarray:
    """Raw probabilities of churn that ONNX Runtime gives for encoded features, (rows,) float64."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx if isinstance(onnx, bytes) else str(onnx))
    return session.run([ONNX_PROBABILITIES], {ONNX_INPUT: features})[0][:, -1].astype(np.float64)


def check_parity(model: ChurnModel, onnx: bytes, features: np.ndarray) -> float:
    """Largest difference between native and exported calibrated probabilities; PublicationError
    beyond 1e-5.
    """
    native = model.churn_probability(features)
    exported = model.calibration(run(onnx, features))
    worst = float(np.abs(native - exported).max())
    # `not <=`, so that NaN is refused as well.
    if not worst <= MAX_DIFFERENCE:
        row = int(np.abs(native - exported).argmax())
        raise PublicationError(
            f"the ONNX export differs from the native model by {worst:.2e} (allowed "
            f"{MAX_DIFFERENCE:.0e}), "
            f"row {row}: {exported[row]:.6f} against {native[row]:.6f}; it was not published"
        )

    return worst
