"""Exports a model to ONNX and proves that the export gives the same probabilities."""

from pathlib import Path

import numpy as np

from churn_platform.errors import PublicationError
from churn_platform.published.contract import ONNX_INPUT, ONNX_PROBABILITIES
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.model import ChurnModel

MAX_DIFFERENCE = 1e-5


def export(model: ChurnModel) -> bytes:
    """The uncalibrated estimator as ONNX.

    Input (rows, features) float32, output `probabilities` (rows, 1 or 2), that of churn last.
    """
    return ALGORITHMS[model.algorithm].export(model.estimator, len(model.features))


def run(onnx: bytes | Path, features: np.ndarray) -> np.ndarray:
    """Raw probabilities of churn that ONNX Runtime gives for encoded features, (rows,) float64."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx if isinstance(onnx, bytes) else str(onnx))
    return session.run([ONNX_PROBABILITIES], {ONNX_INPUT: features})[0][:, -1].astype(np.float64)


def check_parity(model: ChurnModel, onnx: bytes, features: np.ndarray) -> float:
    """Largest difference between native and exported calibrated probabilities; PublicationError beyond 1e-5."""
    native = model.churn_probability(features)
    exported = model.calibration(run(onnx, features))
    worst = float(np.abs(native - exported).max())
    if not worst <= MAX_DIFFERENCE:
        row = int(np.abs(native - exported).argmax())
        raise PublicationError(
            f"the ONNX export differs from the native model by {worst:.2e} (allowed {MAX_DIFFERENCE:.0e}), "
            f"row {row}: {exported[row]:.6f} against {native[row]:.6f}; it was not published"
        )
    return worst
