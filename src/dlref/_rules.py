"""What the rules of all optimizers share: which arguments they refuse, and the precision that they compute in."""

import inspect
import math
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from dlref._checks import floating, require

State = TypeVar("State", bound=Sequence)
MISSING = inspect.Parameter.empty


def sizes(function: str, **numbers: float) -> None:
    """Raise ValueError unless each number is finite and not below 0."""
    for name, number in numbers.items():
        require(0 <= number < math.inf, "{} needs a finite {} >= 0, got {}", function, name, number)


def decays(function: str, **numbers: float) -> None:
    """Raise ValueError unless each number is one that a running average can keep of itself."""
    for name, number in numbers.items():
        require(0 <= number < 1, "{} needs {} in [0, 1), got {}", function, name, number)


def gradient(function: str, theta: Tensor, grad: Tensor, weight_decay: float = 0.0) -> Tensor:
    """Return the gradient with the pull of an L2 penalty added, in theta's dtype or float32, whichever is wider."""
    floating(function, theta, "parameters")
    floating(function, grad, "gradients")
    shapes = tuple(theta.shape), tuple(grad.shape)
    require(shapes[0] == shapes[1], "{} needs theta and grad of one shape, got {} and {}", function, *shapes)
    wide = torch.promote_types(theta.dtype, torch.float32)
    return grad.to(wide) + weight_decay * theta.to(wide) if weight_decay else grad.to(wide)


def begun(function: str, g: Tensor, state: State | None, start: State) -> State:
    """Return the state, or the one to start from; every tensor in it has the shape of the gradient."""
    if state is None:
        return start
    require(len(state) == len(start), "{} needs a state of {} parts, got {}", function, len(start), len(state))
    for each in state:
        if isinstance(each, Tensor):
            shapes = tuple(g.shape), tuple(each.shape)
            require(shapes[0] == shapes[1], "{} needs a state of the shape of theta, got {} and {}", function, *shapes)
    return state


def moved(theta: Tensor, step: Tensor) -> Tensor:
    """Return theta less the step, rounded once, to theta's own dtype."""
    return (theta - step).to(theta.dtype)


def keywords(rule: Callable) -> dict[str, Any]:
    """Map the keyword-only arguments of a rule to their defaults, MISSING where there is none."""
    given = inspect.signature(rule).parameters.values()
    return {each.name: each.default for each in given if each.kind is inspect.Parameter.KEYWORD_ONLY}


def state_kind(rule: Callable) -> Any:
    """Return the class of the state that a rule promises, or tuple."""
    promise = typing.get_args(inspect.signature(rule).return_annotation)
    return promise[1] if len(promise) > 1 else tuple


class Count:
    """A number of steps whose powers are taken beforehand: a compiled kernel would take them anew at every entry."""

    def __init__(self, t: int, hyper: dict[str, Any], device: torch.device, *, ahead: bool = True) -> None:
        self.t = t
        bases = [] if ahead else [float(each) for each in hyper.values() if 0 <= each < 1]
        self.powers = {base: torch.tensor(base**t, dtype=torch.float64, device=device) for base in bases}
        self.next = Count(t + 1, hyper, device, ahead=False) if ahead else None

    def __add__(self, one: int) -> "Count | None":
        return self.next

    def __rpow__(self, base: float) -> Tensor:
        return self.powers[base]
