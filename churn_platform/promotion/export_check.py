"""Whether a model can serve: its ONNX export agrees with it and answers fast."""

import time
from dataclasses import dataclass

import numpy as np

from churn_platform.bundles.onnx import check_parity, export
from churn_platform.errors import PublicationError
from churn_platform.published.format import ONNX_INPUT, ONNX_PROBABILITIES
from churn_platform.training.model import ChurnModel

PARITY_ROWS = 20_000
CALLS, WARM_UP_CALLS = 300, 20


@dataclass(frozen=True)
class ExportCheck:
    """What was found of a model's export: why it cannot be published, or its distance and its time
    for one customer.
    """

    failure: str | None
    parity_difference: float | None = None
    latency_ms: float | None = None
    latency_p99_ms: float | None = None


def check_export(model: ChurnModel, features: np.ndarray) -> ExportCheck:
    """Export the model, compare both on up to 20,000 customers spread over `features`, and time
    single predictions.
    """
    every = -(-len(features) // PARITY_ROWS)
    sample = features[::every]
    onnx = export(model)
    try:
        difference = check_parity(model, onnx, sample)
    except PublicationError as error:
        return ExportCheck(str(error))

    median, slow = latency_ms(onnx, sample)
    return ExportCheck(None, difference, median, slow)


def latency_ms(onnx: bytes, features: np.ndarray) -> tuple[float, float]:
    """Median and 99th percentile of the time of one prediction, over 300 calls of one customer
    each, on one thread.

    A timing of this machine: it differs from call to call.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # As the service predicts: one thread, one customer.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options)

    milliseconds = []
    for call in range(WARM_UP_CALLS + CALLS):
        row = features[call % len(features)].reshape(1, -1)
        begun = time.perf_counter()
        session.run([ONNX_PROBABILITIES], {ONNX_INPUT: row})
        ended = time.perf_counter()
        milliseconds.append(1000 * (ended - begun))

    # The first calls allocate memory and are not what a request waits for.
    median, slow = np.quantile(milliseconds[WARM_UP_CALLS:], [0.5, 0.99])
    return float(median), float(slow)
