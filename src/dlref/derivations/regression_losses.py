"""The derivations of the regression losses."""

import sympy as sp

from . import Derivation, Step
from ._symbols import positive, quantity, real

prediction, target = real("prediction"), real("target")
error = prediction - target


def squared_error_grad() -> Derivation:
    """The gradient of the squared error is twice the error."""
    loss = quantity(r"\ell", error**2)
    return Derivation(
        [
            Step(sp.Derivative(loss, prediction)),
            Step(sp.Derivative(error**2, prediction), "definition"),
            Step(2 * error, "power rule"),
        ],
        function="squared_error_grad",
    )


def huber() -> Derivation:
    """Huber is quadratic up to delta and linear beyond."""
    delta = positive("delta")
    size = sp.Abs(error)
    cases = sp.Piecewise((error**2 / 2, size <= delta), (delta * (size - delta / 2), True))
    core = sp.Min(size, delta)
    return Derivation(
        [
            Step(quantity(r"\ell_\delta", cases)),
            Step(cases, "definition"),
            Step(core * (size - core / 2), "the quadratic share is the error, cut at delta"),
        ],
        kinks=[error, error - delta, error + delta],
        expect="exact on open cells",
        function="huber",
    )


def huber_grad() -> Derivation:
    """Huber's gradient is the error, clipped."""
    delta = positive("delta")
    size = sp.Abs(error)
    cases = sp.Piecewise((error**2 / 2, size <= delta), (delta * (size - delta / 2), True))
    return Derivation(
        [
            Step(sp.Derivative(quantity(r"\ell_\delta", cases), prediction)),
            Step(sp.Piecewise((error, size <= delta), (delta * sp.sign(error), True)), "each branch has its own slope"),
            Step(sp.Max(-delta, sp.Min(error, delta)), "both branches are the error, clipped"),
        ],
        kinks=[error, error - delta, error + delta],
        expect="exact on open cells",
        function="huber_grad",
    )
