"""The derivations of gradient flow: products of slopes, and what clipping does to a gradient."""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, index, largest, named, positive, quantity, real, sigmoid, size, total, vector

n, steps = size(), size("t")
i, j, k = (index(name, n) for name in "ijk")
SIZES = [{n: 2}, {n: 3}, {n: 4}]
D, quarter = sp.Derivative, sp.Rational(1, 4)
limit, max_norm, eps = positive("limit", tex="c"), positive("max_norm", tex="c"), positive("eps", tex=r"\epsilon")
h, w = real("h"), real("w")


def chain_of_layers() -> Derivation:
    """The slope through two layers is the product of their slopes, and so through any number."""
    first, second = real("u"), real("w")
    inner = quantity("h_1", sp.tanh(first * h))
    outer = sp.tanh(second * inner)
    return Derivation(
        [
            Step(D(quantity("h_2", outer), h)),
            Step((1 - outer**2) * second * D(inner, h), "chain rule: the slope of tanh is 1 less its square"),
            Step((1 - outer**2) * second * ((1 - inner**2) * first), "and once more, one layer further down"),
        ],
    )


def chain_of_sigmoids() -> Derivation:
    """Through n sigmoids the logarithm of the slope falls by log 4 or more at each."""
    z = vector(real("z"), n)
    slope = named(r"\sigma'", lambda x: sigmoid(x) * (1 - sigmoid(x)))
    return Derivation(
        [
            Step(total(sp.log(slope(z[i])), i)),
            Step(-n * sp.log(4), "each slope is at most 1/4, which it is at 0", "<="),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def one_more_sigmoid() -> Derivation:
    """A product of slopes below 1/4 to the n falls below 1/4 to the n + 1 after one more sigmoid."""
    layers, share, z = positive("n"), between("u", 0, 1), real("z")
    return Derivation(
        [
            Step(share * quarter**layers * sigmoid(z) * (1 - sigmoid(z))),
            Step(share * quarter**layers * (quarter - (sigmoid(z) - sp.Rational(1, 2)) ** 2), "complete the square"),
            Step(share * quarter ** (layers + 1), "a square is never negative", "<="),
            Step(quarter ** (layers + 1), "u is below 1", "<="),
        ],
    )


def residual_slope() -> Derivation:
    """A residual connection adds 1 to the slope, so that it cannot vanish with the branch's."""
    return Derivation(
        [
            Step(D(h + sp.tanh(w * h), h)),
            Step(1 + D(sp.tanh(w * h), h), "the identity has slope 1"),
            Step(1 + w * (1 - sp.tanh(w * h) ** 2), "slope of tanh"),
        ],
    )


def weight_gradients_are_alike() -> Derivation:
    """Where each layer multiplies by one factor, both ways, the weights' gradients are alike at every depth."""
    factor, first, last = positive("r"), positive("l", tex=r"\ell"), positive("L")
    return Derivation(
        [
            Step(factor ** (first - 1) * factor ** (last - first)),
            Step(factor ** (last - 1), "the input comes up through l - 1 layers, the gradient down through the others"),
        ],
    )


def recurrence() -> Derivation:
    """Each step of a linear recurrence multiplies the slope once more: over t steps, by a power."""
    weight, start = real("weight", tex=r"\lambda"), real("h_0")
    state = quantity("h_t", weight**steps * start)
    return Derivation(
        [
            Step(D(weight * state, start)),
            Step(weight * D(state, start), "one more step, of the same weight"),
            Step(weight ** (steps + 1), "if t steps multiply by the power t, one more multiplies by the next"),
        ],
        sizes=[{steps: 1}, {steps: 2}, {steps: 7}],
        expect="exact, all n",
    )


def recurrence_of_a_shear() -> Derivation:
    """A shear can grow for many steps though its eigenvalues are below 1: its corner is t times a power."""
    value, corner, step = positive("weight", tex=r"\lambda"), real("c"), index("s", steps)
    return Derivation(
        [
            Step(total(value ** (step - 1) * corner * value ** (steps - step), step)),
            Step(steps * corner * value ** (steps - 1), "the corner is passed at one of t steps, all alike"),
        ],
        sizes=[{steps: 1}, {steps: 2}, {steps: 7}],
        expect="exact, all n",
    )


def recurrence_is_bounded_by_its_singular_value() -> Derivation:
    """No vector is stretched by more than the largest singular value: the axes are those of the singular vectors."""
    squared, x = vector(positive("s", tex=r"\sigma^2"), n), vector(real("x"), n)
    return Derivation(
        [
            Step(total(squared[i] * x[i] ** 2, i)),
            Step(largest(squared[j], j) * total(x[i] ** 2, i), "none is larger than the largest", "<="),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def clip_by_value() -> Derivation:
    """Clipping by value leaves an entry between the limits alone and puts any other at the nearer one."""
    grad = real("grads", tex="g")
    cases = sp.Piecewise((limit, grad > limit), (-limit, grad < -limit), (grad, True))
    return Derivation(
        [
            Step(quantity("g'", cases)),
            Step(cases, "definition"),
            Step(sp.Max(-limit, sp.Min(grad, limit)), "all three branches in one"),
        ],
        kinks=[grad - limit, grad + limit],
        expect="exact on open cells",
        function="clip_by_value",
    )


def _gradient() -> tuple[sp.IndexedBase, sp.Expr]:
    grad = vector(real("grad", tex="g"), n)
    return grad, quantity(r"\lVert g\rVert", sp.sqrt(total(grad[j] ** 2, j)))


def clip_by_norm() -> Derivation:
    """Clipping by norm divides by the norm only where that is above the limit."""
    grad, norm = _gradient()
    factor = max_norm / (norm + eps)
    cases = sp.Piecewise((grad[k] * factor, norm + eps > max_norm), (grad[k], True))
    return Derivation(
        [
            Step(quantity("g'_k", cases)),
            Step(cases, "definition"),
            Step(grad[k] * sp.Min(1, factor), "the smaller factor, in either case"),
        ],
        kinks=[norm + eps - max_norm],
        sizes=SIZES,
        expect="exact for n = 2, 3, 4, on open cells",
        function="clip_by_norm",
    )


def clip_by_global_norm_caps() -> Derivation:
    """After clipping the norm is below the limit."""
    norm = positive("r")
    return Derivation(
        [
            Step(norm * sp.Min(1, max_norm / (norm + eps))),
            Step(norm / (norm + eps) * sp.Min(norm + eps, max_norm), "take out r over r plus epsilon"),
            Step(sp.Min(norm + eps, max_norm), "that fraction is below 1", "<="),
            Step(max_norm, "the smaller of the two", "<="),
        ],
        kinks=[norm + eps - max_norm],
        expect="exact on open cells",
    )


def clip_by_global_norm_keeps_the_direction() -> Derivation:
    """One positive factor for all entries leaves the cosine to the given gradient at 1."""
    grad, norm = _gradient()
    factor = positive("f")
    return Derivation(
        [
            Step(total(grad[i] * (factor * grad[i]), i) / (norm * sp.sqrt(total((factor * grad[k]) ** 2, k)))),
            Step(factor * total(grad[i] ** 2, i) / (norm * factor * norm), "the factor stands before both sums"),
            Step(sp.S.One, "the sum is the norm squared"),
        ],
        poles=[norm],
        sizes=SIZES,
        expect="exact, all n",
    )
