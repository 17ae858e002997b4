"""The way down that the second-order optimizers share: a direction, a step along it that is long enough, and again."""

import math
from collections import deque
from typing import NamedTuple, cast

import torch
from torch import Tensor

from dlref._checks import floating, require
from dlref._types import Array, Objective, Path, Scalar

SUFFICIENT, CURVATURE = 1e-4, 0.9  # Nocedal & Wright's numbers for the two Wolfe conditions, and SciPy's
TRIALS = 40


class Minimum(NamedTuple):
    """Where a minimizer stopped, what it cost, and why it stopped.

    `evaluations` counts values, each with its gradient. `path` holds every iterate, the start first.
    """

    theta: Array
    value: Scalar
    iterations: int
    evaluations: int
    converged: bool
    path: Path
    reason: str


class Point(NamedTuple):
    """A flat theta with the objective's value and gradient there."""

    theta: Tensor
    value: float
    grad: Tensor

    @property
    def is_finite(self) -> bool:
        """Whether one can go on from here."""
        return math.isfinite(self.value) and bool(self.grad.isfinite().all())

    @property
    def noise(self) -> float:
        """How far rounding may move the value."""
        return 4 * torch.finfo(self.theta.dtype).eps * abs(self.value)


class Trial(NamedTuple):
    """A point on the line that is searched: at this multiple of the direction, where the line has this slope."""

    rate: float
    slope: float
    point: Point


class Surface:
    """The objective as a function of a flat vector; it counts how often it is asked."""

    def __init__(self, function: str, f: Objective, start: Tensor) -> None:
        wide(function, start, "starts")
        self.function, self.f, self.shape, self.asked = function, f, start.shape, 0

    def at(self, theta: Tensor) -> Point:
        """Compute the value and the gradient."""
        self.asked += 1
        leaf = theta.detach().clone().requires_grad_()
        with torch.enable_grad():
            value = self._value(leaf)
            (grad,) = torch.autograd.grad(value, leaf)
        return Point(leaf.detach(), value.item(), grad)

    def hessian(self, theta: Tensor) -> Tensor:
        """Compute all second derivatives."""
        with torch.enable_grad():
            return cast("Tensor", torch.autograd.functional.hessian(self._value, theta))

    def _value(self, theta: Tensor) -> Tensor:
        value = self.f(theta.reshape(self.shape))
        law = "{} needs an f that gives one number computed by torch from theta, got {}"
        is_one = isinstance(value, Tensor) and value.numel() == 1
        kind = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        require(is_one and value.requires_grad, law, self.function, "a constant" if is_one else kind)
        return value.reshape(())


class Model:
    """What a method believes of the curvature; this one believes nothing, and goes down the gradient."""

    is_curved = False  # whether it knows of a bottom, so that it can tell how far below that lies

    def direction(self, here: Point) -> tuple[Tensor, float]:
        """Say where to go, and which multiple of it to try first."""
        return -here.grad, min(1.0, 1 / norm(here.grad))

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Take note of a step and of how it changed the gradient."""

    def forget(self) -> bool:
        """Drop all that was learned; say whether there was anything."""
        return False

    def objection(self, here: Point) -> str:  # noqa: ARG002  (a method that knows the curvature looks at it)
        """Say why a point without slope is no minimum, where that is known."""
        return ""


def descend(surface: Surface, start: Tensor, model: Model, tolerance: float, limit: int, *, keep_path: bool) -> Minimum:
    """Go down until the slope is within the tolerance, nothing lower is found, or `limit` iterations are over."""
    here = surface.at(start.detach().flatten())
    path, iterations = deque([here.theta], maxlen=None if keep_path else 1), 0
    while True:
        converged, reason = _verdict(here, model, tolerance, limit - iterations)
        if reason:
            break
        direction, rate = model.direction(here)
        there = search(surface, here, direction, rate)
        if there is not None:
            model.learn(there.theta - here.theta, there.grad - here.grad)
            here, iterations = there, iterations + 1
            path.append(here.theta)
        elif model.is_curved and 0 < -dot(here.grad, direction) <= here.noise:
            converged, reason = True, "what is left to gain is less than the rounding of the value"
            break
        elif not model.forget():
            reason = "no step along the direction goes lower: look at f and its gradient"
            break
    trail = torch.stack(list(path)).reshape(len(path), *start.shape)
    value = start.new_tensor(here.value)
    return Minimum(trail[-1].clone(), value, iterations, surface.asked, converged, trail, reason)


def _verdict(here: Point, model: Model, tolerance: float, left: int) -> tuple[bool, str]:
    if not here.is_finite:
        return False, "the value or the gradient is not finite"
    if largest(here.grad) <= tolerance:
        objection = model.objection(here)
        return not objection, objection or "the gradient is within the tolerance"
    return False, "max_iterations are over" if left == 0 else ""


def search(surface: Surface, here: Point, direction: Tensor, rate: float) -> Point | None:
    """Find a point along the direction that meets the strong Wolfe conditions, or at least one that is lower.

    Lower than a line of slope SUFFICIENT times the first, and no steeper than CURVATURE times that. `low` is the best
    point so far; once there is a `high`, a good point lies between them. Where values differ by their rounding only,
    slopes decide.
    """
    slope = dot(here.grad, direction)
    if not slope < 0:
        return None
    low, before, high = Trial(0.0, slope, here), None, None
    for _ in range(TRIALS):
        point = surface.at(here.theta + rate * direction)
        trial = Trial(rate, dot(point.grad, direction), point)
        enough = min(here.value + SUFFICIENT * rate * slope, low.point.value) + here.noise
        if not point.is_finite or point.value > enough:
            high = trial
        elif abs(trial.slope) <= -CURVATURE * slope:
            low = trial
            break
        else:
            if trial.slope > 0 if high is None else trial.slope * (high.rate - low.rate) >= 0:
                high = low
            before, low = low, trial
        rate = _between(low, high) if high else _beyond(before or low, low)
        if torch.equal(here.theta + rate * direction, low.point.theta):
            break
    is_progress = low.point.value < here.value or largest(low.point.grad) < largest(here.grad)
    return low.point if low.rate > 0 and is_progress else None


def _between(low: Trial, high: Trial) -> float:
    """The minimum of the cubic through both, kept away from the ends; the middle if there is none."""
    gap = high.rate - low.rate
    share = 0.5 if high.point.is_finite else 0.1
    if high.point.is_finite:
        turn = low.slope + high.slope - 3 * (high.point.value - low.point.value) / gap
        inside = turn * turn - low.slope * high.slope
        if inside >= 0:
            root = math.copysign(math.sqrt(inside), gap)
            bottom = high.slope - low.slope + 2 * root
            share = 1 - (high.slope + root - turn) / bottom if bottom else share
    return low.rate + gap * min(max(share, 0.01), 0.99)


def _beyond(before: Trial, low: Trial) -> float:
    """Where the slope would be zero if it went on as it did, two to ten times as far."""
    gain = low.slope - before.slope
    share = -low.slope / gain if gain > 0 else 9.0
    return low.rate + (low.rate - before.rate) * min(max(share, 1.0), 9.0)


def wide(function: str, tensor: Tensor, what: str) -> None:
    """Raise TypeError unless the tensor is float32 or float64: half precision cannot tell two values near a minimum."""
    floating(function, tensor, what)
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{function} needs floating {what} of 32 or 64 bits, got {tensor.dtype}: convert with .float()")


def limits(function: str, usual: float, tolerance: float | None, max_iterations: int) -> float:
    """Return the tolerance, the usual one if none is given, once both it and the number of iterations are legal."""
    require(max_iterations >= 0, "{} needs max_iterations >= 0, got {}", function, max_iterations)
    if tolerance is None:
        return usual
    require(0 <= tolerance < math.inf, "{} needs a finite tolerance >= 0, got {}", function, tolerance)
    return tolerance


def dot(a: Tensor, b: Tensor) -> float:
    """Multiply entry by entry and add up."""
    return (a * b).sum().item()


def norm(x: Tensor) -> float:
    """Return the Euclidean length."""
    return torch.linalg.vector_norm(x).item()


def largest(x: Tensor) -> float:
    """Return the largest size of an entry."""
    return x.abs().max().item() if x.numel() else 0.0
