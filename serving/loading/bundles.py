"""Loads published bundles and refuses those that are not what their manifest says."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime

from churn_platform.published.calibration import calibrated_log_odds, probability
from churn_platform.published.format import (
    FEATURES_FILE,
    MANIFEST_FILE,
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
from churn_platform.published.regular_files import file_sha256, open_regular
from churn_platform.published.tiers import tier_place
from serving.answer.lookup import open_lookup
from serving.errors import BundleError, Fault
from serving.loading.manifest_checks import features_faults, model_faults, refuse_nonsense
from serving.request.inputs import Catalogue
from serving.storage.private_copy import private_copy

UNREADABLE = (
    OSError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
)  # what reading a JSON file of a bundle may raise
# As in the platform's parity check: float32 models differ in the last digits between machines.
SMOKE_TOLERANCE = 1e-5
EXTERNAL_DATA_FOLDER = "session.model_external_initializers_file_folder_path"
NO_SUCH_FOLDER = ".external-data"
FLOAT32_TENSOR = "tensor(float)"
TELLING = (
    12  # features that reasons are looked for among, each of which costs a row of the model's time
)

Stamp = tuple[str, int, int, int]


class Model:
    """A checked model in memory. Loading raises BundleError if hashes or the recorded prediction
    disagree.
    """

    def __init__(self, folder: Path, *, portfolio: str, version: int):
        self.folder = folder
        self.stamps = stamps_of(folder, MODEL_FILE)
        self.manifest: ModelManifest = _checked(
            folder,
            read_model_manifest,
            model_faults,
            MODEL_FILE,
        )
        named = (self.manifest.portfolio, self.manifest.version)
        if named != (portfolio, version):
            raise BundleError(
                f"{folder}: the manifest is of {named[0]} version {named[1]}, "
                f"not of {portfolio} {version}"
            )

        self.version = version
        self.catalogue = Catalogue(self.manifest.features)
        self.telling = telling_places(self.manifest)
        self._bounds = [tier.lower_bound for tier in self.manifest.tiers]
        width = len(self.manifest.features)
        self._run = _session(folder, self.manifest.sha256[MODEL_FILE], width).run
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
        return self.manifest.tiers[tier_place(churn_probability, self._bounds)].name

    @property
    def lowest_tier(self) -> str:
        """The tier whose customers need no attention, and so no reasons."""
        return self.manifest.tiers[-1].name

    def recorded_features(self) -> dict[str, object] | None:
        """The customer of the recorded prediction by name; None if no request may say so."""
        features = self.catalogue.decoded(self._recorded_customer())
        faults: list[Fault] = []
        self.catalogue.read(features, faults)
        # A reference, as of a feature without any known value, may be outside of what is allowed.
        return None if faults else features

    def _recorded_customer(self) -> np.ndarray:
        values = [np.nan if value is None else value for value in self.manifest.smoke.features]
        return np.array(values, dtype=np.float32)

    def _smoke(self) -> None:
        smoke = self.manifest.smoke
        try:
            (served,) = self.churn_probabilities(self._recorded_customer()[np.newaxis])
            self.tier(0.0)
        except (
            Exception
        ) as error:  # the runtime raises many kinds; each means that this bundle cannot serve
            raise BundleError(
                f"{self.folder}: the recorded values cannot be scored: {error}"
            ) from error

        if not abs(served - smoke.churn_probability) <= SMOKE_TOLERANCE:
            raise BundleError(
                f"{self.folder}: gives the recorded values {served:.6f} instead of "
                f"{smoke.churn_probability:.6f}"
            )


def telling_places(manifest: ModelManifest) -> np.ndarray:
    """Places of the features that matter most to the model, the most important first; all where it
    is not said.
    """
    importance = np.array(
        [np.inf if one.importance is None else one.importance for one in manifest.features]
    )
    most = np.argsort(-importance, kind="stable")
    return most if np.isinf(importance).any() else most[:TELLING]


class Features:
    """A month of checked online features, looked up in a copy of its own in `copies`."""

    def __init__(self, folder: Path, *, portfolio: str, month: str, copies: Path):
        self.folder = folder
        self.stamps = stamps_of(folder, FEATURES_FILE)
        self.manifest: FeaturesManifest = _checked(
            folder,
            read_features_manifest,
            features_faults,
            FEATURES_FILE,
        )
        named = (self.manifest.portfolio, self.manifest.month)
        if named != (portfolio, month):
            raise BundleError(
                f"{folder}: the manifest is of {named[0]} {named[1]}, not of {portfolio} {month}"
            )

        self.month = month
        self.sha256 = self.manifest.sha256[FEATURES_FILE]
        self._width = len(self.manifest.features)
        self._lookup = open_lookup(private_copy(folder / FEATURES_FILE, copies, self.sha256))
        if self._lookup.customers != self.manifest.customers:
            raise BundleError(
                f"{folder / FEATURES_FILE}: holds {self._lookup.customers} customers, "
                f"its manifest says {self.manifest.customers}"
            )

    def get(self, customer_id: str) -> StoredCustomer | None:
        """The customer as stored; None if the month does not know the id."""
        stored = self._lookup.get(customer_id)
        return None if stored is None else unpack_customer(stored, self._width)

    def first(self, count: int) -> list[StoredCustomer]:
        """The first customers of the file; BundleError if they are not as the manifest says."""
        try:
            return [unpack_customer(packed, self._width) for packed in self._lookup.first(count)]
        except Exception as error:  # numpy, struct and msgspec: each means that requests would fail
            raise BundleError(
                f"{self.folder}: a stored customer is not of {self._width} features, a score "
                f"and reasons: {error}"
            ) from error


def _session(folder: Path, sha256: str, width: int) -> onnxruntime.InferenceSession:
    """The model in the very bytes that have the hash. It may read no other file, for no hash covers
    that.
    """
    path = folder / MODEL_FILE
    with open_regular(path) as file:
        content = file.read()

    # Hashed again in memory: the file may have changed since `_checked` read it.
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BundleError(f"{path}: changed while it was read; it is tried again")

    options = onnxruntime.SessionOptions()
    # A folder that does not exist: ONNX may point to other files, which no hash covers.
    options.add_session_config_entry(EXTERNAL_DATA_FOLDER, str(folder / NO_SUCH_FOLDER))

    # One thread: for single rows threads cost more than they save, and workers share the cores.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions share no base
        raise BundleError(f"{path}: not a model that can be loaded: {error}") from error

    taken = [(given.name, given.type, given.shape[1:]) for given in session.get_inputs()]
    if taken != [(ONNX_INPUT, FLOAT32_TENSOR, [width])]:
        raise BundleError(f"{path}: takes {taken}, its manifest has {width} features")

    return session


def _checked(
    folder: Path,
    read_manifest: Callable[[Path], Any],
    faults: Callable[[Any], Iterable[str]],
    needed: str,
) -> Any:
    """The manifest of a bundle, which makes sense and whose files have the hashes that it names."""
    try:
        manifest = read_manifest(folder)
        refuse_nonsense(folder, faults(manifest))
        if needed not in manifest.sha256:
            raise BundleError(f"{folder}: the manifest names no hash of {needed}")
        for name, wanted in manifest.sha256.items():
            found = file_sha256(_inside(folder, name))
            if found != wanted:
                raise BundleError(
                    f"{folder / name}: SHA-256 is {found}, the manifest says {wanted}"
                )
    except UNREADABLE as error:
        raise BundleError(f"{folder}: cannot be read: {error}") from error

    return manifest


def _inside(folder: Path, name: str) -> Path:
    """The file of that name; BundleError if it is a link to somewhere else."""
    path = (folder / name).resolve(strict=True)
    if path.parent != folder.resolve():
        raise BundleError(
            f"{folder / name}: is a link to {path}, outside of its bundle; "
            "copy the file there instead"
        )

    return path


def stamps_of(folder: Path, *names: str) -> tuple[Stamp, ...]:
    """What tells whether one of the files, or the manifest beside them, is
    another one than before.
    """
    return tuple(stamp_of(folder / name) for name in (MANIFEST_FILE, *names))


def stamp_of(path: Path) -> Stamp:
    """Path, inode, time of change and size of a file; zeros where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a name may hold what no path can
        return (str(path), 0, 0, 0)
    # With the inode, since a replaced file may have the same size and time.
    return (str(path), found.st_ino, found.st_mtime_ns, found.st_size)
