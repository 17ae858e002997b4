"""The derivations of the classification losses."""

import sympy as sp

from . import Derivation, Step
from ._symbols import distribution, index, quantity, real, size, softmax, total, vector

n = size()
i, j, k = (index(name, n) for name in "ijk")
logits = vector(real("logits"), n)
target = vector(distribution("target"), n)
p = softmax(logits)
SIZES = [{n: 2}, {n: 3}, {n: 4}]


def cross_entropy_grad() -> Derivation:
    """The gradient of softmax and cross-entropy is the prediction minus the target."""
    loss = quantity(r"\ell", -total(target[i] * sp.log(p(i)), i))
    return Derivation(
        [
            Step(sp.Derivative(loss, logits[k])),
            Step(-total(target[i] * sp.Derivative(sp.log(p(i)), logits[k]), i), "definition"),
            Step(-total(target[i] * (sp.KroneckerDelta(i, k) - p(k)), i), "slope of the logarithm of a softmax"),
            Step(p(k) * total(target[i], i) - target[k], "the delta picks one term"),
            Step(p(k) - target[k], "the target sums to one"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="cross_entropy_grad",
    )
