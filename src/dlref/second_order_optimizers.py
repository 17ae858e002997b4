"""Second-order optimizers: look at how the gradient changes, and go to where it will be zero.

`newton` asks for that change itself, the Hessian; `bfgs` learns the Hessian's inverse from gradients it has met anyway;
`lbfgs` remembers only the last few of them. `conjugate_gradient` solves a linear system by products with its matrix.
They minimize `f`, which takes theta and gives one number by torch operations: gradients are autograd's. Each comes with
the step it is made of, a function of plain tensors. Wherever they stop, they say why, and whether that is a minimum.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from dlref._checks import lettered, require
from dlref._descent import Minimum, Model, Point, Surface, descend, dot, limits, norm, wide
from dlref._types import Array, Count, Iterations, NonNegative, Objective, Product, Recent, Scalar, Square, Units


class Solution(NamedTuple):
    """The solution of a linear system, and the norm of `b - A x`, computed from x."""

    x: Array
    residual: Scalar
    iterations: int
    converged: bool
    reason: str


def newton(
    f: Objective,
    theta: Array,
    *,
    tolerance: NonNegative | None = None,
    max_iterations: Iterations = 1000,
    keep_path: bool = True,
) -> Minimum:
    r"""Minimize with the Hessian itself: near most minima a step squares the error up to a factor; a bowl takes one.

    The step is `newton_step`, shortened or stretched until it meets the strong Wolfe conditions. So it is safe where
    the Hessian is indefinite, where Newton's own step may go up, to a saddle: here every step goes down. Where the
    gradient is zero and the Hessian has a negative eigenvalue it stops and says so.

    It has converged where no entry of the gradient is above `tolerance` and the Hessian has no negative eigenvalue, or
    where the model has less to gain than the rounding of the value and no lower point is found: `reason` says which.
    Near a minimum where the Hessian is singular, as for x⁴, the error falls by a share only. `tolerance` is 1e-10 in
    float64 and 1e-4 in float32 if not given. Each iteration computes the Hessian, by n passes backward, in n² numbers,
    and factors it in O(n³).

    No gradient: it is an algorithm.

    Reference: Nocedal & Wright 2006, Numerical Optimization, chapter 3.

    Raises
    ------
    TypeError
        If `theta` is not float32 or float64.
    ValueError
        If `f` does not give one number, or `tolerance` or `max_iterations` is below 0.

    """
    surface = Surface("newton", f, theta)
    tolerance = limits("newton", _usual(theta), tolerance, max_iterations)
    return descend(surface, theta, _Newton(surface), tolerance, max_iterations, keep_path=keep_path)


def bfgs(
    f: Objective,
    theta: Array,
    *,
    tolerance: NonNegative | None = None,
    max_iterations: Iterations = 1000,
    keep_path: bool = True,
) -> Minimum:
    r"""Minimize with an inverse Hessian learned from gradients: no second derivative, and nearly Newton's speed.

    The direction is `-H g`; H is the identity at first, then `bfgs_update`'s. Steps meet the strong
    Wolfe conditions, so `sᵀy > 0` and H stays positive definite. Each iteration costs O(n²) numbers and operations.

    It has converged where no entry of the gradient is above `tolerance`, 1e-10 in float64 and 1e-4 in float32 if
    not given. Such a point may be a saddle, if the search starts on its ridge: only `newton` sees the difference.
    It has also converged where the model has less to gain than the rounding of the value and no lower point is found;
    there the gradient may be larger, and `reason` says so.

    No gradient: it is an algorithm.

    Reference: Nocedal & Wright 2006, Numerical Optimization, algorithms 3.5, 3.6 and 6.1. Found by Broyden, Fletcher,
    Goldfarb and Shanno, each alone, in 1970; the letters are theirs in this order.

    Raises
    ------
    TypeError
        If `theta` is not float32 or float64.
    ValueError
        If `f` does not give one number, or `tolerance` or `max_iterations` is below 0.

    """
    surface = Surface("bfgs", f, theta)
    tolerance = limits("bfgs", _usual(theta), tolerance, max_iterations)
    return descend(surface, theta, _Bfgs(), tolerance, max_iterations, keep_path=keep_path)


def lbfgs(
    f: Objective,
    theta: Array,
    *,
    memory: Count = 10,
    tolerance: NonNegative | None = None,
    max_iterations: Iterations = 10_000,
    keep_path: bool = True,
) -> Minimum:
    r"""Minimize as `bfgs` does, but remember only the last `memory` steps, so that n may be in the millions.

    The direction is `lbfgs_direction`'s, in O(memory n) numbers and operations. Steps meet the strong Wolfe conditions.
    `path` holds one theta for each iteration: where that is too much, `keep_path=False` keeps the last one only.

    It has converged where no entry of the gradient is above `tolerance`, 1e-10 in float64 and 1e-4 in float32 if
    not given, or where it stops for the rounding of the value as `bfgs` does.

    No gradient: it is an algorithm.

    Reference: Liu & Nocedal 1989, On the limited memory BFGS method for large scale optimization.

    Raises
    ------
    TypeError
        If `theta` is not float32 or float64.
    ValueError
        If `f` does not give one number, `memory` is below 1, or `tolerance` or `max_iterations` below 0.

    """
    require(memory >= 1, "lbfgs needs memory >= 1, got {}", memory)
    surface = Surface("lbfgs", f, theta)
    tolerance = limits("lbfgs", _usual(theta), tolerance, max_iterations)
    return descend(surface, theta, _Lbfgs(memory), tolerance, max_iterations, keep_path=keep_path)


def conjugate_gradient(
    matvec: Product | Square,
    b: Array,
    *,
    tolerance: NonNegative | None = None,
    max_iterations: Iterations | None = None,
) -> Solution:
    r"""Solve `A x = b` for a symmetric positive definite A that is known by its products alone.

    `matvec` gives `A v` for a v of b's shape; a matrix will do. The k-th x minimizes `xᵀA x / 2 - bᵀx` over the first k
    directions, of which any two are conjugate: `pᵀA q = 0`. So n steps are enough without rounding; with it
    their number grows at most about as `√condition`. It starts at 0.

    It has converged where `‖b - A x‖` is at most `tolerance (‖A‖ ‖x‖ + ‖b‖)`, 32 eps if not given: then x solves a
    system that differs from this one by that share. ‖A‖ is the largest stretch seen. The residual that the recursion
    carries drifts, so it is computed anew before it is believed. `max_iterations` is 100 n if not given. If some
    `pᵀA p` is not above 0, A is not positive definite: it stops and says so.

    No gradient: it is an algorithm.

    Reference: Hestenes & Stiefel 1952, Methods of conjugate gradients for solving linear systems.

    Raises
    ------
    TypeError
        If `b` is not float32 or float64.
    ValueError
        If `A b` has not the shape of b, or `tolerance` or `max_iterations` is below 0.

    """
    wide("conjugate_gradient", b, "right-hand sides")
    limit = 100 * b.numel() if max_iterations is None else max_iterations
    share = limits("conjugate_gradient", 32 * torch.finfo(b.dtype).eps, tolerance, limit)
    b, times = b.detach(), _times(matvec, b)
    x, r, p, stretch = torch.zeros_like(b), b, b, 0.0
    iterations = 0
    while True:
        bound = share * (stretch * norm(x) + norm(b))
        if norm(r) <= bound < math.inf:
            r = p = b - times(x)
        converged = norm(r) <= bound < math.inf
        if converged or iterations == limit:
            reason = "the residual is within the tolerance" if converged else "max_iterations are over"
            break
        q = times(p)
        curvature = dot(p, q)
        if not curvature > 0:
            reason = "the matrix is not positive definite" if curvature <= 0 else "a product is not a finite number"
            break
        stretch = max(stretch, norm(q) / norm(p))
        before, rate = dot(r, r), dot(r, r) / curvature
        x, r = x + rate * p, r - rate * q
        p, iterations = r + dot(r, r) / before * p, iterations + 1
    return Solution(x, (b - times(x)).norm(), iterations, converged, reason)


def newton_step(grad: Units, hessian: Square) -> Units:
    r"""Give the step to the minimum of the model `gᵀp + pᵀH p / 2`; where there is none, one that goes down still.

    `p = -H⁻¹ g` if H is positive definite. Otherwise each eigenvalue λ of H is taken as |λ|, so that the step goes away
    from a saddle as fast as Newton's own would go to it, and one smaller than `√eps` of the largest is raised to that.
    Only the symmetric part of H counts.

    No gradient: it is a step.

    Reference: Nocedal & Wright 2006, Numerical Optimization, section 3.4.

    Raises
    ------
    ValueError
        If the Hessian has not a row and a column for each entry of the gradient.

    """
    dtype, (g, h) = lettered("newton_step", "n, nn", grad, hessian)
    h = (h + h.mT) / 2
    factor, failed = torch.linalg.cholesky_ex(h)
    if not failed:
        return -torch.cholesky_solve(g.unsqueeze(-1), factor).squeeze(-1).to(dtype)
    values, vectors = torch.linalg.eigh(h)
    sizes = values.abs()
    floor = torch.finfo(h.dtype).eps ** 0.5 * sizes.max()
    sizes = sizes.clamp(min=floor) if floor > 0 else torch.ones_like(sizes)
    return -(vectors @ ((vectors.mT @ g) / sizes)).to(dtype)


def bfgs_update(inverse: Square, step: Units, change: Units) -> Square:
    r"""Correct an inverse Hessian so that it explains the last step: it maps the gradient's change y to the step s.

    `(I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ` with `ρ = 1 / sᵀy`: of all symmetric matrices that map y to s it is the one
    nearest to H, in a norm that weighs by the Hessian. It is positive definite if H is and `sᵀy > 0`. If `sᵀy` is not
    above `eps ‖s‖ ‖y‖` the step says nothing that fits a minimum, and H stays as it is.

    No gradient: it is a step.

    Reference: Nocedal & Wright 2006, Numerical Optimization, equation 6.17.

    Raises
    ------
    ValueError
        If the matrix has not a row and a column for each entry of the step, or step and change differ in shape.

    """
    dtype, (h, s, y) = lettered("bfgs_update", "nn, n, n", inverse, step, change)
    return _updated(h, _Pair.of(s, y)).to(dtype)


def lbfgs_direction(grad: Units, steps: Recent, changes: Recent) -> Units:
    r"""Give `-H g` for the H that `bfgs_update` would make of these steps and changes, without ever making H.

    The oldest pair comes first. The matrix that is corrected is `sᵀy / yᵀy` times the identity, of the last pair. Two
    loops over the pairs, 4 n multiplications for each; a pair without positive `sᵀy` is passed over.

    No gradient: it is a step.

    Reference: Nocedal 1980, Updating quasi-Newton matrices with limited storage; Nocedal & Wright 2006, algorithm 7.4.

    Raises
    ------
    ValueError
        If steps and changes are not rows of the gradient's length, as many of one as of the other.

    """
    dtype, (g, *rows) = lettered("lbfgs_direction", "n, mn, mn", grad, steps, changes)
    pairs = [_Pair.of(s, y) for s, y in zip(*rows, strict=True)]
    return _two_loops(g, [pair for pair in pairs if pair.rho > 0]).to(dtype)


class _Newton(Model):
    def __init__(self, surface: Surface) -> None:
        self.surface = surface

    def direction(self, here: Point) -> tuple[Tensor, float]:
        hessian = self.surface.hessian(here.theta)
        self.is_curved = not torch.linalg.cholesky_ex(hessian).info
        return (newton_step(here.grad, hessian), 1.0) if hessian.isfinite().all() else super().direction(here)

    def objection(self, here: Point) -> str:
        if not len(here.theta):
            return ""
        values = torch.linalg.eigvalsh(self.surface.hessian(here.theta))
        falls = values[0] < -(torch.finfo(values.dtype).eps ** 0.5) * values.abs().max()
        return (
            "the gradient is zero at a saddle or a maximum: an eigenvalue of the Hessian is negative" if falls else ""
        )


class _Bfgs(Model):
    inverse: Tensor | None = None
    value = 0.0

    def direction(self, here: Point) -> tuple[Tensor, float]:
        fall, self.value = self.value - here.value, here.value
        if self.inverse is None:
            return super().direction(here)
        p = -(self.inverse @ here.grad)
        return p, min(1.0, 2.02 * fall / max(-dot(here.grad, p), 1e-300))  # as if the value will fall as far again

    def learn(self, step: Tensor, change: Tensor) -> None:
        pair = _Pair.of(step, change)
        if pair.rho > 0:
            # The identity at first; far too long a one would drown the update in its rounding.
            longest = pair.scale / torch.finfo(step.dtype).eps ** 0.5
            known = longest.clamp(max=1) * torch.eye(len(step)).to(step) if self.inverse is None else self.inverse
            self.inverse = _updated(known, pair)

    @property
    def is_curved(self) -> bool:
        return self.inverse is not None

    def forget(self) -> bool:
        known, self.inverse = self.is_curved, None
        return known


class _Lbfgs(Model):
    def __init__(self, memory: int) -> None:
        self.pairs: deque[_Pair] = deque(maxlen=memory)

    def direction(self, here: Point) -> tuple[Tensor, float]:
        return (_two_loops(here.grad, self.pairs), 1.0) if self.pairs else super().direction(here)

    def learn(self, step: Tensor, change: Tensor) -> None:
        pair = _Pair.of(step, change)
        if pair.rho > 0:
            self.pairs.append(pair)

    @property
    def is_curved(self) -> bool:
        return bool(self.pairs)

    def forget(self) -> bool:
        known = self.is_curved
        self.pairs.clear()
        return known


class _Pair(NamedTuple):
    """A step, the change of the gradient over it, and one over their product; 0 where that is not clearly positive."""

    step: Tensor
    change: Tensor
    rho: Tensor

    @classmethod
    def of(cls, step: Tensor, change: Tensor) -> "_Pair":
        product, lengths = step @ change, torch.linalg.vector_norm(step) * torch.linalg.vector_norm(change)
        is_clear = product > torch.finfo(step.dtype).eps * lengths
        return cls(step, change, torch.where(is_clear, 1 / torch.where(is_clear, product, 1), 0))

    @property
    def scale(self) -> Tensor:
        return 1 / (self.rho * (self.change @ self.change))


def _updated(inverse: Tensor, pair: _Pair) -> Tensor:
    s, y, rho = pair
    hy = inverse @ y
    half = (1 + rho * (y @ hy)) * rho / 2 * s
    return inverse - torch.outer(rho * hy - half, s) - torch.outer(s, rho * (y @ inverse) - half)


def _two_loops(grad: Tensor, pairs: Sequence[_Pair]) -> Tensor:
    q, shares = grad, []
    for s, y, rho in reversed(pairs):
        shares.append(rho * (s @ q))
        q = q - shares[-1] * y
    p = pairs[-1].scale * q if pairs else q
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        p = p + (share - rho * (y @ p)) * s
    return -p


def _usual(theta: Tensor) -> float:
    """Return the tolerance that a minimizer takes if none is given: a smaller gradient is mostly rounding."""
    return 1e-10 if theta.dtype == torch.float64 else 1e-4


def _times(matvec: Product | Tensor, b: Tensor) -> Product:
    """Return the product with the matrix, once it has the shape of b."""
    if not callable(matvec):
        _, (_, matrix) = lettered("conjugate_gradient", "n, nn", b, matvec)
        return lambda v: matrix @ v

    def times(v: Tensor) -> Tensor:
        product = matvec(v)
        law = "conjugate_gradient needs a product of the shape of b, got {} and {}"
        require(product.shape == b.shape, law, tuple(product.shape), tuple(b.shape))
        return product.detach()

    return times
