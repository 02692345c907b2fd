"""Runs something around every step of an asset, in whichever process that is, and without a word in
the run's log.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, OpDefinition
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction

Around = Callable[[AssetExecutionContext], AbstractContextManager[None]]


def with_around(assets: Iterable[AssetsDefinition], around: Around) -> list[AssetsDefinition]:
    """The assets, whose steps run inside `around(context)`; it sees the error of one that fails."""
    # Dagster's hooks would do the same, but of each hook it logs for each step that the hook was
    # run or skipped: most lines of a run were about hooks.
    return [_with_around(asset, around) for asset in assets]


def _with_around(asset: AssetsDefinition, around: Around) -> AssetsDefinition:
    step = copy.copy(asset.op)
    step._compute_fn = DecoratedOpFunction(_wrapped(_function(step), around))
    return with_step(asset, step)


def with_step(asset: AssetsDefinition, step: OpDefinition) -> AssetsDefinition:
    """The asset, made by another step of the same inputs and outputs."""
    return AssetsDefinition.dagster_internal_init(
        **{**asset.get_attributes_dict(), "node_def": step}
    )


def _function(step: OpDefinition) -> Callable[..., Any]:
    function = step.compute_fn
    return function.decorated_fn if isinstance(function, DecoratedOpFunction) else function


def _wrapped(function: Callable[..., Any], around: Around) -> Callable[..., Any]:
    """The function, of the same kind and with the same arguments, as Dagster reads both."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with around(AssetExecutionContext.get()):
            return function(*args, **kwargs)

    @wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with around(AssetExecutionContext.get()):
            yield from function(*args, **kwargs)

    return generate if isgeneratorfunction(function) else call
