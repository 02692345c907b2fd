"""Loads published bundles and refuses those that are not what their manifest says."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import lmdb
import msgspec
import numpy as np
import onnxruntime

from churn_platform.published.calibration import calibrated_log_odds, probability
from churn_platform.published.contract import (
    FEATURES_FILE,
    MODEL_FILE,
    ONNX_INPUT,
    ONNX_PROBABILITIES,
    FeaturesManifest,
    ModelManifest,
    StoredCustomer,
    read_features_manifest,
    read_model_manifest,
    unpack_customer,
)
from serving.errors import BundleError
from serving.inputs import Catalogue

UNREADABLE = (OSError, msgspec.MsgspecError, UnicodeDecodeError)  # what reading a JSON file of a bundle may raise
SMOKE_TOLERANCE = 1e-5
KEY_BYTES_MAX = 511
TELLING = 12  # features that reasons are looked for among, each of which costs a row of the model's time


class Model:
    """A checked model in memory. Loading raises BundleError where hashes or the recorded prediction disagree."""

    def __init__(self, folder: Path, *, portfolio: str, version: int):
        self.folder = folder
        self.manifest: ModelManifest = _checked(folder, read_model_manifest, MODEL_FILE)
        named = (self.manifest.portfolio, self.manifest.version)
        if named != (portfolio, version):
            raise BundleError(
                f"{folder}: the manifest is of {named[0]} version {named[1]}, not of {portfolio} {version}"
            )
        self.version = version
        self.catalogue = Catalogue(self.manifest.features)
        self.telling = telling_places(self.manifest)
        self._run = _session(folder / MODEL_FILE).run
        self._smoke()

    def churn_probabilities(self, features: np.ndarray) -> list[float]:
        """Calibrated probabilities of (rows, features) float32, encoded in the manifest's order."""
        return [probability(value) for value in self.log_odds(features)]

    def log_odds(self, features: np.ndarray) -> list[float]:
        """Log-odds of the same probabilities."""
        raw = self._run([ONNX_PROBABILITIES], {ONNX_INPUT: features})[0][:, -1].tolist()
        slope, intercept = self.manifest.calibration_slope, self.manifest.calibration_intercept
        return [calibrated_log_odds(value, slope=slope, intercept=intercept) for value in raw]

    def tier(self, churn_probability: float) -> str:
        """Name of the risk tier."""
        for tier in self.manifest.tiers:
            if churn_probability >= tier.lower_bound:
                return tier.name
        raise ValueError(f"no tier holds {churn_probability}; the lowest must begin at 0")

    @property
    def lowest_tier(self) -> str:
        """The tier whose customers need no attention, and so no reasons."""
        return self.manifest.tiers[-1].name

    def _smoke(self) -> None:
        smoke = self.manifest.smoke
        customer = np.array([[np.nan if value is None else value for value in smoke.features]], dtype=np.float32)
        try:
            (served,) = self.churn_probabilities(customer)
            self.tier(0.0)
        except Exception as error:  # the runtime raises many kinds; each means that this bundle cannot serve
            raise BundleError(f"{self.folder}: the recorded values cannot be scored: {error}") from error
        if not abs(served - smoke.churn_probability) <= SMOKE_TOLERANCE:
            raise BundleError(
                f"{self.folder}: gives the recorded values {served:.6f} instead of {smoke.churn_probability:.6f}"
            )


def telling_places(manifest: ModelManifest) -> np.ndarray:
    """Places of the features that matter most to the model, the most important first; all where it is not said."""
    importance = np.array([np.inf if one.importance is None else one.importance for one in manifest.features])
    most = np.argsort(-importance, kind="stable")
    return most if np.isinf(importance).any() else most[:TELLING]


class Features:
    """A month of checked online features, memory-mapped; closed when nobody holds it any more."""

    def __init__(self, folder: Path, *, portfolio: str, month: str):
        self.folder = folder
        self.manifest: FeaturesManifest = _checked(folder, read_features_manifest, FEATURES_FILE)
        named = (self.manifest.portfolio, self.manifest.month)
        if named != (portfolio, month):
            raise BundleError(f"{folder}: the manifest is of {named[0]} {named[1]}, not of {portfolio} {month}")
        self.month = month
        self._width = len(self.manifest.features)
        self._environment = _environment(folder / FEATURES_FILE, self.manifest.customers)

    def get(self, customer_id: str) -> StoredCustomer | None:
        """The customer as stored; None where the month does not know the id."""
        key = customer_id.encode(errors="replace")
        if not 0 < len(key) <= KEY_BYTES_MAX:
            return None
        with self._environment.begin() as transaction:
            stored = transaction.get(key)
        return None if stored is None else unpack_customer(stored, self._width)


_opened: WeakValueDictionary[Path, Features] = WeakValueDictionary()
_opening = Lock()


def open_features(folder: Path, *, portfolio: str, month: str) -> Features:
    """The month's features; the same object while a request still holds it, since LMDB opens a file only once."""
    with _opening:
        found = _opened.get(folder)
        if found is None:
            found = _opened[folder] = Features(folder, portfolio=portfolio, month=month)
        return found


def _environment(path: Path, customers: int) -> lmdb.Environment:
    try:
        environment = lmdb.open(str(path), subdir=False, readonly=True, lock=False)
        found = environment.stat()["entries"]
    except lmdb.Error as error:
        raise BundleError(f"{path}: {error}") from error
    if found != customers:
        environment.close()
        raise BundleError(f"{path}: holds {found} customers, its manifest says {customers}")
    return environment


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions share no base
        raise BundleError(f"{path}: not a model that can be loaded: {error}") from error


def _checked(folder: Path, read_manifest: Callable[[Path], Any], needed: str) -> Any:
    """The manifest of a bundle whose files have the hashes that it names."""
    try:
        manifest = read_manifest(folder)
        if needed not in manifest.sha256:
            raise BundleError(f"{folder}: the manifest names no hash of {needed}")
        for name, wanted in manifest.sha256.items():
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != wanted:
                raise BundleError(f"{folder / name}: SHA-256 is {found}, the manifest says {wanted}")
    except UNREADABLE as error:
        raise BundleError(f"{folder}: cannot be read: {error}") from error
    return manifest
