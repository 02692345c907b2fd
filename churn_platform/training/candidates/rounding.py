"""Split points as ONNX holds them."""

import numpy as np


def rounded_down(values: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each value.

    For float32 features `x <= threshold` says the same once the threshold is rounded down; rounded
    to the nearest, not.
    """
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)
