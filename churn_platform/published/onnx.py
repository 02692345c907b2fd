"""Exports a model to ONNX and proves that the export gives the same probabilities."""

from pathlib import Path

import numpy as np

from churn_platform.errors import PublicationError
from churn_platform.published.contract import ONNX_INPUT, ONNX_PROBABILITIES
from churn_platform.training.model import ChurnModel

MAX_DIFFERENCE = 1e-5


def export(model: ChurnModel) -> bytes:
    """The uncalibrated estimator as ONNX: input (rows, features) float32, output `probabilities` (rows, 2)."""
    from sklearn.pipeline import Pipeline

    width = len(model.features)
    if isinstance(model.estimator, Pipeline):
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType

        inputs = [(ONNX_INPUT, FloatTensorType([None, width]))]
        exported = to_onnx(model.estimator, initial_types=inputs, options={"zipmap": False}, target_opset=17)
    else:
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType as BoosterTensorType

        inputs = [(ONNX_INPUT, BoosterTensorType([None, width]))]
        exported = convert_xgboost(model.estimator, initial_types=inputs, target_opset=15)
    return exported.SerializeToString()


def run(onnx: bytes | Path, features: np.ndarray) -> np.ndarray:
    """Raw probabilities of churn that ONNX Runtime gives for encoded features, (rows,) float64."""
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx if isinstance(onnx, bytes) else str(onnx))
    return session.run([ONNX_PROBABILITIES], {ONNX_INPUT: features})[0][:, 1].astype(np.float64)


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
