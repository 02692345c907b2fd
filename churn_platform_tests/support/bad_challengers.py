"""Published versions of the tiny portfolio that pass every check of a bundle, and then do harm."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from msgspec.structs import replace
from onnx import ModelProto, TensorProto, helper, numpy_helper

from churn_platform.published.atomic_files import write_manifest
from churn_platform.published.calibration import calibrated_log_odds, probability
from churn_platform.published.format import (
    MODEL_FILE,
    ONNX_INPUT,
    ONNX_PROBABILITIES,
    ModelManifest,
    model_dir,
    read_model_manifest,
)
from churn_platform.published.regular_files import file_sha256

SCORE = 0.07
SLOW_SECONDS = 0.3
WIDTH = 4


def spoil(root: Path, version: int, way: str) -> None:
    """Replace a published bundle, which must not be live, by one that does harm."""
    folder = model_dir(root, version)
    manifest = read_model_manifest(folder)
    if way == "wrong threshold":
        write_manifest(folder, replace(manifest, threshold=0.0))
        return

    make: dict[str, Callable[[ModelManifest], bytes]] = {
        "constant": lambda _: constant(),
        "slow": lambda _: slow(),
        "errors": errors,
    }
    content = make[way](manifest)
    (folder / MODEL_FILE).write_bytes(content)
    raw = _score(content, _smoke(manifest))
    smoke = probability(calibrated_log_odds(raw, slope=1.0, intercept=0.0))
    fresh = replace(
        manifest,
        calibration_slope=1.0,
        calibration_intercept=0.0,
        smoke=replace(manifest.smoke, churn_probability=smoke),
        sha256=manifest.sha256 | {MODEL_FILE: file_sha256(folder / MODEL_FILE)},
    )
    write_manifest(folder, fresh)


def constant() -> bytes:
    """The same score for everyone."""
    return _model([], _score_from("nothing"))


def errors(manifest: ModelManifest) -> bytes:
    """A score for the recorded customer alone; anyone else is an error of the runtime."""
    # The recorded first feature leads to the only entry of a table, any other one beyond its end.
    before = [
        _constant("recorded", _smoke(manifest)[0, :1]),
        _constant("first", np.array([0], np.int64)),
        _constant("table", np.array([0.0], np.float32)),
        helper.make_node("Gather", [ONNX_INPUT, "first"], ["value"], axis=1),
        helper.make_node("Equal", ["value", "recorded"], ["is_recorded"]),
        helper.make_node("Not", ["is_recorded"], ["is_other"]),
        helper.make_node("Cast", ["is_other"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["found"], axis=0),
    ]
    return _model(before, _score_from("found"))


def slow(seconds: float = SLOW_SECONDS) -> bytes:
    """The same score too, after a product of matrices that takes so long on this machine."""
    size = 256
    while True:
        content = _multiplying(size)
        session = _session(content)
        begun = time.perf_counter()
        session.run([ONNX_PROBABILITIES], {ONNX_INPUT: np.zeros((1, WIDTH), np.float32)})
        if time.perf_counter() - begun >= seconds:
            return content
        size = int(size * 1.2)


def _multiplying(size: int) -> bytes:
    shape = np.array([size, size], np.int64)
    before = [
        _constant("shape", shape),
        helper.make_node("ReduceSum", ["nothing"], ["zero"], keepdims=0),
        helper.make_node("Expand", ["zero", "shape"], ["matrix"]),
        helper.make_node("MatMul", ["matrix", "matrix"], ["product"]),
        helper.make_node("ReduceSum", ["product"], ["sum"], keepdims=0),
        helper.make_node("Add", ["nothing", "sum"], ["late"]),
    ]
    return _model(before, _score_from("late"))


def _score_from(nothing: str) -> list:
    return [
        _constant("score", np.array([[SCORE]], np.float32)),
        helper.make_node("Add", [nothing, "score"], [ONNX_PROBABILITIES]),
    ]


def _model(before: list, after: list) -> bytes:
    """A model whose `nothing` is a zero per customer, of whatever they have."""
    zero = [
        _constant("column", np.array([1], np.int64)),
        helper.make_node("Gather", [ONNX_INPUT, "column"], ["tickets"], axis=1),
        helper.make_node("IsNaN", ["tickets"], ["is_missing"]),
        helper.make_node("Cast", ["is_missing"], ["missing"], to=TensorProto.FLOAT),
        _constant("none", np.array([[0.0]], np.float32)),
        helper.make_node("Mul", ["missing", "none"], ["nothing"]),
    ]
    graph = helper.make_graph(
        [*zero, *before, *after],
        "bad",
        [helper.make_tensor_value_info(ONNX_INPUT, TensorProto.FLOAT, [None, WIDTH])],
        [helper.make_tensor_value_info(ONNX_PROBABILITIES, TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17)]
    made: ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return made.SerializeToString()


def _constant(name: str, value: np.ndarray):  # type: ignore[no-untyped-def]
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def _smoke(manifest: ModelManifest) -> np.ndarray:
    values = [np.nan if value is None else value for value in manifest.smoke.features]
    return np.array([values], dtype=np.float32)


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _score(content: bytes, features: np.ndarray) -> float:
    found = _session(content).run([ONNX_PROBABILITIES], {ONNX_INPUT: features})
    return float(found[0][0, -1])
