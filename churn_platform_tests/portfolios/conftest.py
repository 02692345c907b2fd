"""Fixtures that tests of this folder share."""

from copy import deepcopy

from churn_platform_tests.support.tiny import SPEC


def changed(*path, value) -> dict:
    """The tiny spec with one value set."""
    spec = deepcopy(SPEC)
    place = spec
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return spec
