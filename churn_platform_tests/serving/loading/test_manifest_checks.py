"""Bundles that are valid JSON and make no sense are refused when they are loaded, or do no harm."""

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from churn_platform.published.format import (
    LIVE_FILE,
)
from churn_platform_tests.serving.conftest import (
    ABSENT,
    change,
    load,
    model_manifest,
    month_manifest,
)
from serving.answer.answers import Answer
from serving.answer.dataplane import Dataplane
from serving.answer.explanation import explain
from serving.errors import BundleError, ServingError
from serving.http.request_schemas import request_schemas
from serving.security.callers import ANYBODY

SENT = {"usage": 20.5, "tickets": 4, "is_late": True, "plan": "prepaid"}
WHOLE = json.dumps(SENT | {"customer_id": "C00001"}).encode()
NONSENSE = [None, "", "a\x00/../b", -1, 7.5, 1e308, [], "{value:99999999d}"]
Place = tuple[str | int, ...]


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
