"""Bundles that are valid JSON and make no sense are refused when they are loaded, or do no harm."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn_platform.published.format import (
    LIVE_FILE,
    MANIFEST_FILE,
    MODEL_FILE,
    features_dir,
    model_dir,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform_tests.http.conftest import settings_in
from churn_platform_tests.serving.onnx_files import with_external_weights
from churn_platform_tests.support.served_bundles import MONTH, publish
from churn_platform_tests.support.tiny import fit_tiny
from serving.answer.answers import Answer
from serving.answer.dataplane import Dataplane
from serving.answer.explanation import explain
from serving.errors import BundleError, ServingError
from serving.http.request_schemas import request_schemas
from serving.registry import Registry, load_portfolio
from serving.security.callers import ANYBODY
from serving.service_metrics import ServiceMetrics

SENT = {"usage": 20.5, "tickets": 4, "is_late": True, "plan": "prepaid"}
WHOLE = json.dumps(SENT | {"customer_id": "C00001"}).encode()
NONSENSE = [None, "", "a\x00/../b", -1, 7.5, 1e308, [], "{value:99999999d}"]
ABSENT = object()
Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portfolio's folder as it is published; tests copy it."""
    return publish(tmp_path_factory.mktemp("good"), fit_tiny("xgboost"))


@pytest.fixture
def root(good: Path, tmp_path: Path) -> Path:
    """The folder of a portfolio that a test may spoil."""
    return shutil.copytree(good, tmp_path / "published" / "tiny", symlinks=True)


@pytest.fixture
def plane(root: Path, tmp_path: Path) -> Iterator[Dataplane]:
    """The service without HTTP on that folder; nothing is loaded yet."""
    settings = settings_in(tmp_path)
    metrics = ServiceMetrics(settings.experiments_dir)
    registry = Registry(
        settings.published_dir,
        copies_dir=tmp_path / "copies",
        default="",
        traffic_key="k",
        metrics=metrics,
    )
    plane = Dataplane(settings, registry, metrics, worker="w1")
    yield plane
    plane.close()


def load(root: Path) -> None:
    """Load the portfolio as a worker does."""
    load_portfolio(root, None, key="k", copies=root.parent / "copies")


def change(path: Path, *place: str | int, to: Any) -> None:
    """Write another value into a JSON file."""
    content = json.loads(path.read_bytes())
    *parents, last = place
    inside = content
    for step in parents:
        inside = inside[step]
    if to is ABSENT:
        del inside[last]
    else:
        inside[last] = to
    path.write_text(json.dumps(content))


def places(content: Any, *before: str | int) -> Iterator[Place]:
    """Every place of a JSON value, those of objects and lists included."""
    if before:
        yield before
    if isinstance(content, dict):
        for name, value in content.items():
            yield from places(value, *before, name)
    if isinstance(content, list):
        for number, value in enumerate(content):
            yield from places(value, *before, number)


def model_manifest(root: Path) -> Path:
    """The manifest of version 1."""
    return model_dir(root, 1) / MANIFEST_FILE


def month_manifest(root: Path) -> Path:
    """The manifest of the month."""
    return features_dir(root, MONTH) / MANIFEST_FILE


def ask_everything(plane: Dataplane) -> None:
    """Ask all that depends on a manifest; only an error that the service answers by name may come
    out.
    """
    known, ghost, part = (
        b'{"customer_id": "C00001"}',
        b'{"customer_id": "GHOST"}',
        b'{"tickets": 4}',
    )
    asked: list[Callable[[], Any]] = [
        *(
            partial(plane.predict, None, body, "r1", ANYBODY)
            for body in (known, ghost, WHOLE, part)
        ),
        partial(plane.customer, None, "C00001", "r2"),
        partial(explain, plane, None, known, "r3", ANYBODY),
        partial(request_schemas, plane.registry, plane.settings),
    ]
    for ask in asked:
        with contextlib.suppress(ServingError):
            answer = ask()
            assert not isinstance(answer, Answer) or 0 <= answer.churn_probability <= 1


def outcome(plane: Dataplane) -> str:
    """Refused for a reason that we know, or served without harm."""
    plane.registry.refresh()
    refused = plane.registry.refusals.get("tiny")
    if refused is None:
        ask_everything(plane)
        return "harmless"
    assert "it cannot be loaded" not in refused
    return "refused"


def model_places(manifest: Any) -> list[Place]:
    """Places of a model's manifest, of the features those of a number and a category."""
    return [
        place for place in places(manifest) if place[:2] not in (("features", 1), ("features", 2))
    ]


@pytest.mark.parametrize(
    ("manifest", "chosen"),
    [
        (model_manifest, model_places),
        (month_manifest, places),
        (lambda root: root / LIVE_FILE, places),
    ],
)
def test_no_value_of_a_manifest_crashes_the_service_or_fails_a_request(
    plane, root, manifest, chosen
):
    """Each field of a good manifest set to nonsense of many kinds: refused when loaded, or
    harmless.
    """
    path = manifest(root)
    good = path.read_bytes()
    outcomes = set()
    for place in chosen(json.loads(good)):
        for nonsense in [*NONSENSE, ABSENT]:
            change(path, *place, to=nonsense)
            try:
                outcomes.add(outcome(plane))
            except Exception as error:
                raise AssertionError(f"{place} set to {nonsense!r}") from error
            path.write_bytes(good)
    assert outcomes == {"refused", "harmless"}


SENSELESS: list[tuple[Place, Any, str]] = [
    (("features", 0, "type"), "numbre", "has the type 'numbre'"),
    (("features", 3, "reference"), "Three year", "has the reference 'Three year'"),
    (("features", 2, "default"), 1.0, "has the default '1.0', which is no boolean"),
    (("features", 1, "default"), 1e39, "has the default"),
    (("features", 0, "reason"), "Used {valeu} GB", "cannot be told"),
    (("features", 3, "reason"), "Plan {value:.1f}", "cannot be told"),
    (("features", 0, "reason"), "{value:999999999}", "would be told too long"),
    (("features", 0, "range"), [5, 1], "has the range"),
    (("features", 3, "other"), "Four year", "has the other 'Four year'"),
    (("features", 0, "format"), {"thousands": "z-a"}, "has a format"),
    (("features", 0, "format"), {"date": "%Q"}, "has a format"),
    (("features", 3, "levels"), [], "category without levels"),
    (("features", 0, "name"), "tickets", "is there 2 times"),
    (("features", 0, "name"), "customer_id", "has the name of the customer id"),
    (("tiers", 0, "lower_bound"), 0.1, "the highest must come first"),
    (("tiers", 3, "lower_bound"), 0.05, "the lowest from 0"),
    (("tiers",), [], "tiers are named"),
    (("threshold",), 7, "threshold is 7"),
    (("base_rate",), -0.1, "base_rate is -0.1"),
    (("smoke", "features"), [1.0], "1 values for 4 features"),
    (("sha256", "../manifest.json"), "0", "no plain name"),
]


@pytest.mark.parametrize(("place", "value", "message"), SENSELESS)
def test_a_model_manifest_that_makes_no_sense_is_refused_by_name(root, place, value, message):
    """The message says which value it is; nothing of it is found out by a request."""
    change(model_manifest(root), *place, to=value)
    with pytest.raises(BundleError, match=message):
        load(root)


@pytest.mark.parametrize("count", [3, 5])
def test_a_manifest_with_another_number_of_features_than_the_model_is_refused(root, count):
    """One feature more or less than the model takes."""
    manifest = json.loads(model_manifest(root).read_bytes())
    features = [*manifest["features"], manifest["features"][0] | {"name": "more"}][:count]
    smoke = manifest["smoke"] | {"features": [*manifest["smoke"]["features"], 0.0][:count]}
    model_manifest(root).write_text(json.dumps(manifest | {"features": features, "smoke": smoke}))
    with pytest.raises(BundleError, match=f"its manifest has {count} features"):
        load(root)


def test_swapped_names_in_a_month_of_features_are_refused(root):
    """The stored scores tell that the names stand for other values."""
    names = json.loads(month_manifest(root).read_bytes())["features"]
    change(month_manifest(root), "features", to=[names[1], names[0], *names[2:]])
    with pytest.raises(BundleError, match="another score than is stored beside"):
        load(root)


def test_swapped_names_that_nobody_can_check_are_refused(root):
    """Another order than the model's is only believed where the version that scored the month
    agrees.
    """
    names = json.loads(month_manifest(root).read_bytes())["features"]
    change(month_manifest(root), "features", to=[names[1], names[0], *names[2:]])
    change(month_manifest(root), "scored_by", to=7)
    with pytest.raises(BundleError, match="version 7 is not there to check"):
        load(root)


@pytest.mark.parametrize("names", [["usage"], ["usage", "tickets", "is_late", "plan", "more"]])
def test_a_month_whose_customers_have_another_width_is_refused(root, names):
    """A stored customer is unpacked before anybody asks for one."""
    change(month_manifest(root), "features", to=names)
    with pytest.raises(BundleError, match="a stored customer is not of"):
        load(root)


def test_a_feature_that_the_scores_came_from_must_be_there(root):
    """A name that only the manifest has stands for the model's."""
    change(month_manifest(root), "features", 0, to="usagx")
    with pytest.raises(BundleError, match="scored it from 'usage'"):
        load(root)


@pytest.mark.parametrize("name", [MODEL_FILE, MANIFEST_FILE])
def test_a_pipe_in_a_bundle_is_refused_and_waits_for_nobody(root, name):
    """Opening a pipe would hang until somebody writes."""
    path = model_dir(root, 1) / name
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BundleError, match="is no plain file"):
        load(root)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/hostname", "../../live.json"])
def test_a_link_out_of_a_bundle_is_refused(root, target):
    """A hash of a device would never end, and what lies elsewhere is not the bundle's."""
    (model_dir(root, 1) / "card.html").symlink_to(target)
    change(model_manifest(root), "sha256", "card.html", to="0" * 64)
    with pytest.raises(BundleError, match="outside of its bundle"):
        load(root)


def test_a_model_with_weights_in_another_file_is_refused(root):
    """No hash covers them, so they could change under a loaded manifest."""
    folder = model_dir(root, 1)
    (folder / MODEL_FILE).write_bytes(with_external_weights("weights.bin"))
    np.ones(4, dtype=np.float32).tofile(folder / "weights.bin")
    change(model_manifest(root), "sha256", MODEL_FILE, to=file_sha256(folder / MODEL_FILE))
    with pytest.raises(BundleError, match="External data"):
        load(root)


def test_an_error_that_nobody_foresaw_refuses_its_portfolio_alone(plane, root, monkeypatch):
    """It is counted, shown and tried again; the others are served."""
    shutil.copytree(root, root.parent / "atlantis", symlinks=True)
    for path in (root.parent / "atlantis").rglob("*.json"):
        path.write_text(path.read_text().replace('"portfolio": "tiny"', '"portfolio": "atlantis"'))
    tried = []

    def spoilt(folder: Path, *_: object, **__: object) -> None:
        tried.append(folder.name)
        if folder.name == "atlantis":
            raise ZeroDivisionError("unforeseen")

    with monkeypatch.context() as patched:
        patched.setattr("serving.registry.remove_other_copies", lambda *_: None)
        patched.setattr(
            "serving.registry.check_month", lambda features, *_: spoilt(features.folder.parents[1])
        )
        plane.registry.refresh()
    assert plane.registry.served == ["tiny"]
    assert plane.registry.refusals == {
        "atlantis": "it cannot be loaded: ZeroDivisionError: unforeseen"
    }
    assert b'bundles_refused_total{portfolio="atlantis"} 1.0' in plane.metrics.text()
    for _ in range(32):
        plane.registry.refresh()
    assert plane.registry.served == ["atlantis", "tiny"]
    assert plane.registry.refusals == {}


def test_a_name_of_one_feature_that_is_the_source_of_another_means_itself(good):
    """A request that names `tenure` means the feature of that name, in
    whichever order they stand.
    """
    from serving.loading.bundles import Model
    from serving.request.inputs import Catalogue

    features = Model(model_dir(good, 1), portfolio="tiny", version=1).manifest.features
    confused = (features[0], type(features[1])(**_fields(features[1], source="usage")))
    assert Catalogue(confused).places["usage"] == 0


def _fields(feature: Any, **changed: Any) -> dict[str, Any]:
    return {name: getattr(feature, name) for name in feature.__struct_fields__} | changed
