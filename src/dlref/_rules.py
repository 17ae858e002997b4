"""What the rules of all optimizers share: which arguments they refuse, and the precision that they compute in."""

import inspect
import math
import threading
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from dlref._checks import floating, require

State = TypeVar("State", bound=Sequence)
R = TypeVar("R", bound=Callable)
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
    if theta.shape != grad.shape:
        shapes = tuple(theta.shape), tuple(grad.shape)
        raise ValueError("{} needs theta and grad of one shape, got {} and {}".format(function, *shapes))
    wide = torch.promote_types(theta.dtype, torch.float32)
    return grad.to(wide) + weight_decay * theta.to(wide) if weight_decay else grad.to(wide)


def begun(function: str, g: Tensor, state: State | None, kind: type[State]) -> State:
    """Return the state, or one of zeros to start from; every tensor in it has the shape of the gradient."""
    hints = kind.__annotations__.values()
    if state is None:
        return kind(*(0 if hint is int else torch.zeros_like(g) for hint in hints))
    require(len(state) == len(hints), "{} needs a state of {} parts, got {}", function, len(hints), len(state))
    for each in state:
        if isinstance(each, Tensor) and each.shape != g.shape:
            shapes = tuple(g.shape), tuple(each.shape)
            raise ValueError("{} needs a state of the shape of theta, got {} and {}".format(function, *shapes))
    return state


class _Mode(threading.local):
    overwrites = False


_mode = _Mode()


def entrywise(rule: R) -> R:
    """Mark a rule that moves each entry by itself, and changes nothing it is given but by the arithmetic below.

    So it may be given slices, and `overwritten`.
    """
    rule.__dict__["is_entrywise"] = True
    return rule


def is_entrywise(rule: Callable) -> bool:
    """Say whether the rule, or the one inside a partial, is marked so."""
    return getattr(getattr(rule, "func", rule), "is_entrywise", False)


def overwritten(rule: Callable, theta: Tensor, grad: Tensor, state: Any, hyper: dict[str, Any]) -> Any:
    """Take a step of a rule whose arithmetic may write over theta and the state, and so needs no memory for new ones.

    The rule is the same, and so are the values; only here is nobody left who needs the old ones.
    """
    _mode.overwrites = True
    try:
        return rule(theta, grad, state, **hyper)
    finally:
        _mode.overwrites = False


def averaged(mean: Tensor, new: Tensor, beta: float) -> Tensor:
    """Return `beta mean + (1 - beta) new`, in one pass where both have one dtype."""
    if mean.dtype != new.dtype:
        return beta * mean + (1 - beta) * new
    overwrites = not torch.compiler.is_compiling() and _mode.overwrites
    return mean.lerp_(new, 1 - beta) if overwrites else mean.lerp(new, 1 - beta)


def root(x: Tensor, more: float | Tensor = 0.0) -> Tensor:
    """Return `√x + more`."""
    if torch.compiler.is_compiling():
        return x.sqrt() + more
    inverse = x.rsqrt()  # of which the inverse is the root: torch.sqrt itself is not vectorized on every processor
    return inverse.reciprocal_().add_(more) if _mode.overwrites else inverse.reciprocal() + more


def moved(theta: Tensor, rate: float | Tensor, top: Tensor, bottom: Tensor | None = None) -> Tensor:
    """Return `theta - rate top / bottom`, computed as wide as top is, and rounded once, to theta's own dtype."""
    if isinstance(rate, Tensor) or torch.compiler.is_compiling():  # a compiler fuses the passes, and knows no scalars
        step = rate * top if bottom is None else rate * top / bottom
        return (theta - step).to(theta.dtype)
    to = theta if _mode.overwrites and theta.dtype == top.dtype else None
    if bottom is None:
        return torch.sub(theta, top, alpha=rate, out=to).to(theta.dtype)
    return torch.addcdiv(theta, top, bottom, value=-rate, out=to).to(theta.dtype)


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
