"""The published contract: what the platform writes and serving reads. Light on purpose: msgspec and
numpy alone.

published/<portfolio>/
  models/<version>/model.onnx, manifest.json, model_card.html where the version has a card
  features/<month>/customers.lmdb, manifest.json     customer id -> packed features, score, reasons
  live.json                                          what is live; replaced atomically
"""

import struct
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from churn_platform.errors import ChurnError
from churn_platform.published.regular_files import read_regular
from churn_platform.published.value_format import ValueFormat

MODEL_FILE = "model.onnx"
CARD_FILE = "model_card.html"
FEATURES_FILE = "customers.lmdb"
MANIFEST_FILE = "manifest.json"
LIVE_FILE = "live.json"
ONNX_INPUT = "features"
ONNX_PROBABILITIES = "probabilities"
CUSTOMER_ID = "customer_id"
ROUTES_TO_COME = frozenset({"v1"})
ROUTES = ROUTES_TO_COME | {
    "ab-test",
    "customers",
    "docs",
    "explain",
    "features",
    "health",
    "metrics",
    "models",
    "predict",
    "schema",
    "v2",
    "view_report",
}
"""What the service's paths begin with: a portfolio of such a name could not be told apart from a
route.
"""
JSON_BYTES_MAX = 64 << 20  # of a manifest or live.json; thousands of features take less
CHAMPION, CHALLENGER, SHADOW = "champion", "challenger", "shadow"

Published = TypeVar("Published", bound=msgspec.Struct)

_SCORE = struct.Struct("<d")
_decode_reasons = msgspec.json.Decoder(tuple[str, ...]).decode


class PublishedFeature(msgspec.Struct, frozen=True):
    """One feature as the model expects it, in the manifest's order.

    default: is in for a value that a request leaves out. reference: what a typical customer
    has, nullable or not.
    importance: mean absolute contribution to the log-odds; bundles of before have none. format: how
    the source writes
    the values, where not plainly. other: the level that is for all that are not listed.
    """

    name: str
    type: str
    unit: str | None
    range: tuple[float | None, float | None]
    levels: tuple[str, ...]
    nullable: bool
    default: float | str | bool | None
    source: str | None
    description: str
    reason: str
    reference: float | str | bool | None = None
    group: str = ""
    protected: bool = False
    importance: float | None = None
    format: ValueFormat | None = None
    other: str | None = None


class Tier(msgspec.Struct, frozen=True):
    """A risk tier and the lowest probability that belongs to it."""

    name: str
    lower_bound: float


class SmokePrediction(msgspec.Struct, frozen=True):
    """Encoded values, no one's own, with the calibrated probability that the bundle must give; null
    is missing.
    """

    features: tuple[float | None, ...]
    churn_probability: float


class ModelManifest(msgspec.Struct, frozen=True):
    """All that serving needs to know of a model, and where it comes from.

    id_column: what the source calls the customer id; bundles of before do not say. unused_columns:
    what the source has besides, and a request may bring along.
    """

    portfolio: str
    version: int
    algorithm: str
    features: tuple[PublishedFeature, ...]
    calibration_slope: float
    calibration_intercept: float
    threshold: float
    base_rate: float
    tiers: tuple[Tier, ...]
    metrics: dict[str, float]
    training_months: tuple[str, ...]
    holdout_month: str
    data_snapshot: int
    mlflow_run_id: str
    code_version: str
    smoke: SmokePrediction
    sha256: dict[str, str]
    id_column: str = CUSTOMER_ID
    unused_columns: tuple[str, ...] = ()


class FeaturesManifest(msgspec.Struct, frozen=True):
    """One month of online features."""

    portfolio: str
    month: str
    customers: int
    features: tuple[str, ...]
    scored_by: int
    sha256: dict[str, str]


class StoredCustomer(msgspec.Struct, frozen=True):
    """A customer as published: encoded features (features,) float32, calibrated score, reasons."""

    features: np.ndarray
    churn_probability: float
    reasons: tuple[str, ...]


def pack_customer(features: np.ndarray, churn_probability: float, reasons: list[str]) -> bytes:
    """A customer as stored: float32 features, a float64 score, then the reasons as JSON."""
    return (
        # Raw bytes instead of JSON: a look-up makes an array of them without reading each number.
        features.astype("<f4", copy=False).tobytes()
        + _SCORE.pack(churn_probability)
        + msgspec.json.encode(reasons)
    )


def unpack_customer(stored: bytes, feature_count: int) -> StoredCustomer:
    """The customer that `pack_customer` packed."""
    end = 4 * feature_count
    return StoredCustomer(
        features=np.frombuffer(stored, dtype="<f4", count=feature_count),
        churn_probability=_SCORE.unpack_from(stored, end)[0],
        reasons=_decode_reasons(stored[end + _SCORE.size :]),
    )


def model_dir(root: Path, version: int) -> Path:
    """Folder of a model's bundle under the portfolio's published folder."""
    return root / "models" / str(version)


def features_dir(root: Path, month: str) -> Path:
    """Folder of a month's online features ('YYYY-MM') under the portfolio's published folder."""
    return root / "features" / month


class DamagedError(ChurnError, msgspec.DecodeError):
    """A published file is there and cannot be read; to serving it is as any other that cannot be
    decoded.
    """


def read_model_manifest(folder: Path) -> ModelManifest:
    """The manifest of a model's bundle."""
    return decode_file(folder / MANIFEST_FILE, ModelManifest)


def read_features_manifest(folder: Path) -> FeaturesManifest:
    """The manifest of a month's online features."""
    return decode_file(folder / MANIFEST_FILE, FeaturesManifest)


def decode_file(path: Path, kind: type[Published]) -> Published:
    try:
        return msgspec.json.decode(read_regular(path, bytes_max=JSON_BYTES_MAX), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(
            f"{path} is damaged: {error}; put it back, or remove it and publish again"
        ) from error
