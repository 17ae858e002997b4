"""One step of a rule for one parameter: written over the old values, and slice by slice where there are many.

What a rule makes on its way is then no larger than a slice, and stays in the cache.
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dlref._rules import is_entrywise, overwritten

SLICE = 2**18  # entries, 1 MiB in float32: smaller ones cost more calls, larger ones come from memory again each time


def take(rule: Callable, theta: Tensor, grad: Tensor, state: Any, hyper: dict[str, Any]) -> Any:
    """Write the next theta over this one; return the next state, which may be this one, written over."""
    if not is_entrywise(rule):  # then nothing is known of it: it sees the whole, and what it is given stays
        moved_to, state = rule(theta, grad, state, **hyper)
        theta.copy_(moved_to)
        return state
    given = [each for each in (theta, grad, *(state or ())) if isinstance(each, Tensor)]
    is_long = theta.numel() > SLICE and theta.device.type == "cpu" and all(each.is_contiguous() for each in given)
    return (_sliced if is_long else _whole)(rule, theta, grad, state, hyper)


def _whole(rule: Callable, theta: Tensor, grad: Tensor, state: Any, hyper: dict[str, Any]) -> Any:
    moved_to, new = overwritten(rule, theta, grad, state, hyper)
    if moved_to is not theta:
        theta.copy_(moved_to)
    return new


def _sliced(rule: Callable, theta: Tensor, grad: Tensor, state: Any, hyper: dict[str, Any]) -> Any:
    kept = _room(rule(theta[:0], grad[:0], **hyper)[1], theta) if state is None else state
    columns = [_slices(theta.detach()), _slices(grad), *map(_slices, kept or ())]
    rest: dict[str, Any] = {}
    for part, slope, *row in zip(*columns, strict=False):
        new = _whole(rule, part, slope, state and state._make(row), hyper)
        for old, each in zip(row, new or (), strict=True):
            if isinstance(each, Tensor) and each is not old:
                old.copy_(each)
        rest = {name: each for name, each in (new._asdict() if new else {}).items() if not isinstance(each, Tensor)}
    return kept and kept._replace(**rest)


def _slices(part: Any) -> Any:
    return part.view(-1).split(SLICE) if isinstance(part, Tensor) else itertools.repeat(part)


def _room(state: Any, theta: Tensor) -> Any:
    """Return room for a state of theta, its parts of the kinds that this state of no entries has."""
    like = (torch.empty_like(theta, dtype=each.dtype) if isinstance(each, Tensor) else each for each in state or ())
    return state and state._make(like)
