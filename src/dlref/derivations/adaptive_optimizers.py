"""The derivations of the adaptive optimizers: each rule, what corrects it, and what it does to decay."""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, count, index, positive, quantity, real, size, total, vector

sqrt = sp.sqrt
theta, grad, lr = real("theta"), real("grad", tex="g"), positive("lr", tex=r"\eta")
eps, decay = positive("eps", tex=r"\epsilon"), positive("weight_decay", tex=r"\lambda")
rho, alpha = between("rho", 0, 1), between("alpha", 0, 1)
beta1, beta2 = between("beta1", 0, 1, tex=r"\beta_1"), between("beta2", 0, 1, tex=r"\beta_2")
beta, mean, times = between("beta", 0, 1), real("c"), positive("t")
s, v, u, m, t = positive("s"), positive("v"), positive("u"), real("m"), count("t")
g, scale = positive("g"), positive("c")
moved = r"\theta'"


def adagrad() -> Derivation:
    """AdaGrad divides each gradient by the root of the sum of all squares, its own among them."""
    summed = quantity("s'", s + grad**2)
    return Derivation(
        [
            Step(quantity(moved, theta - lr * grad / (sqrt(summed) + eps))),
            Step(theta - lr * grad / (sqrt(summed) + eps), "definition"),
            Step(theta - lr * grad / (sqrt(s + grad**2) + eps), "the new sum in full"),
        ],
        function="adagrad",
    )


def adagrad_rate_only_falls() -> Derivation:
    """AdaGrad's rate never grows: the square of the next is at most that of the last."""
    return Derivation(
        [
            Step(lr**2 / (s + grad**2)),
            Step(lr**2 / s, "a square is never negative: the sum cannot fall", "<="),
        ],
    )


def adagrad_along_a_constant_gradient() -> Derivation:
    """Along one slope AdaGrad's nth step is the rate over the root of n."""
    n = size()
    i = index("i", n)
    return Derivation(
        [
            Step(lr * g / sqrt(total(g**2, i))),
            Step(lr / sqrt(n), "n equal squares under the root, and the gradient cancels"),
        ],
        sizes=[{n: 1}, {n: 2}, {n: 5}],
        expect="exact, all n",
    )


def rmsprop() -> Derivation:
    """RMSProp divides by the root of a running mean of squares."""
    running = quantity("v'", alpha * v + (1 - alpha) * grad**2)
    return Derivation(
        [
            Step(quantity(moved, theta - lr * grad / (sqrt(running) + eps))),
            Step(theta - lr * grad / (sqrt(running) + eps), "definition"),
            Step(theta - lr * grad / (sqrt(alpha * v + (1 - alpha) * grad**2) + eps), "the new mean in full"),
        ],
        function="rmsprop",
    )


def rmsprop_first_step() -> Derivation:
    """RMSProp's first step is too long by 1 over the root of 1 - alpha: its mean starts at zero."""
    return Derivation(
        [
            Step(lr * g / sqrt(quantity("v'", (1 - alpha) * g**2))),
            Step(lr / sqrt(1 - alpha), "the gradient cancels, its share does not"),
        ],
    )


def rmsprop_with_plus_equals() -> Derivation:
    """With += the cache of the notes grows by the factor 1 + alpha or more at every step."""
    return Derivation(
        [
            Step(v + (alpha * v + (1 - alpha) * grad**2)),
            Step((1 + alpha) * v + (1 - alpha) * grad**2, "collect"),
            Step((1 + alpha) * v, "a square is never negative", ">="),
        ],
    )


def adadelta() -> Derivation:
    """Adadelta multiplies the gradient by the usual step and divides it by the usual gradient."""
    running = quantity("v'", rho * v + (1 - rho) * grad**2)
    step = quantity("d", grad * sqrt(u + eps) / sqrt(running + eps))
    return Derivation(
        [
            Step(quantity(moved, theta - lr * step)),
            Step(theta - lr * grad * sqrt(u + eps) / sqrt(running + eps), "definition"),
            Step(theta - lr * grad * sqrt(u + eps) / sqrt(rho * v + (1 - rho) * grad**2 + eps), "the mean in full"),
        ],
        function="adadelta",
    )


def adadelta_has_the_units_of_theta() -> Derivation:
    """Adadelta's step does not depend on the units of the loss: its factor cancels."""
    return Derivation(
        [
            Step(scale * grad * sqrt(u) / sqrt(rho * scale**2 * v + (1 - rho) * (scale * grad) ** 2)),
            Step(grad * sqrt(u) / sqrt(rho * v + (1 - rho) * grad**2), "its square can be taken out of the root"),
        ],
    )


def _direction() -> tuple[sp.Expr, sp.Expr]:
    """Adam's direction with its corrected means by their names, and in full."""
    first, second = beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2
    corrected = first / (1 - beta1 ** (t + 1)), second / (1 - beta2 ** (t + 1))
    names = quantity(r"\hat m", corrected[0]), quantity(r"\hat v", corrected[1])
    return names[0] / (sqrt(names[1]) + eps), corrected[0] / (sqrt(corrected[1]) + eps)


def adam() -> Derivation:
    """Adam divides a mean of gradients by the root of a mean of squares, both corrected for their start."""
    named, full = _direction()
    return Derivation(
        [
            Step(quantity(moved, theta - lr * named)),
            Step(theta - lr * named, "definition"),
            Step(theta - lr * full, "both means and their corrections in full, after t steps"),
        ],
        function="adam",
    )


def adam_bias_correction() -> Derivation:
    """A running mean that starts at zero is too small by the factor 1 - beta to the t, at every t."""
    return Derivation(
        [
            Step(beta * (mean * (1 - beta**times)) + (1 - beta) * mean),
            Step(mean * (1 - beta ** (times + 1)), "true after t steps, it is true after one more; at 0 both are 0"),
        ],
    )


def adam_mean_is_a_weighted_sum() -> Derivation:
    """The running mean weighs each gradient by 1 - beta, and by beta once for every step since."""
    n = size("t")
    place = index("s", n)
    given = vector(real("g"), n)
    return Derivation(
        [
            Step(beta * total((1 - beta) * beta ** (n - place) * given[place], place) + (1 - beta) * grad),
            Step(
                total((1 - beta) * beta ** (n + 1 - place) * given[place], place) + (1 - beta) * grad,
                "one more step: every old gradient fades once more",
            ),
        ],
        sizes=[{n: 1}, {n: 2}, {n: 5}],
        expect="exact, all n",
    )


def adam_first_step() -> Derivation:
    """Adam's first step has the length of the rate in every entry, whatever the gradient."""
    first, second = quantity("m'", (1 - beta1) * grad), quantity("v'", (1 - beta2) * grad**2)
    corrected = first / (1 - beta1), second / (1 - beta2)
    return Derivation(
        [
            Step(theta - lr * corrected[0] / (sqrt(corrected[1]) + eps)),
            Step(theta - lr * grad / (sp.Abs(grad) + eps), "t is 1, and the corrections undo the first shares"),
        ],
        kinks=[grad],
        function="adam",
    )


def adam_folded() -> Derivation:
    """Both corrections fold into two numbers: the rate, and an eps that shrinks with the root's correction."""
    c1, c2 = positive("c1", tex="c_1"), positive("c2", tex="c_2")
    return Derivation(
        [
            Step(lr * quantity(r"\hat m", m / c1) / (sqrt(quantity(r"\hat v", v / c2**2)) + eps)),
            Step(
                (lr * c2 / c1) * m / (sqrt(v) + c2 * eps),
                "top and bottom times the second correction",
            ),
        ],
    )


def adam_forgets_the_scale() -> Derivation:
    """A loss of other units gives Adam the same steps: the factor cancels, but for eps."""
    return Derivation(
        [
            Step(lr * (scale * m) / sqrt(quantity("v'", scale**2 * v))),
            Step(lr * m / sqrt(v), "every gradient times c: m times c, v times its square, and c cancels"),
        ],
    )


def adam_corrected_in_place() -> Derivation:
    """Corrected in place, the mean of a constant gradient is too large, and corrected again at each step."""
    return Derivation(
        [
            Step((beta * g + (1 - beta) * g) / (1 - beta**times)),
            Step(g / (1 - beta**times), "what was right already is divided once more"),
        ],
    )


def adamw() -> Derivation:
    """AdamW shrinks theta by one factor and leaves Adam's step alone."""
    named, full = _direction()
    return Derivation(
        [
            Step(quantity(moved, theta - lr * (named + decay * theta))),
            Step((1 - lr * decay) * theta - lr * named, "definition; collect theta"),
            Step((1 - lr * decay) * theta - lr * full, "both means in full: no decay in them"),
        ],
        function="adamw",
    )


def adamw_is_not_l2() -> Derivation:
    """Where the data do not pull, an L2 penalty in Adam moves every weight by the rate, whatever the penalty."""
    weight = positive("theta")
    return Derivation(
        [
            Step(lr * (decay * weight) / sqrt(quantity(r"\hat v", (decay * weight) ** 2))),
            Step(lr, "the penalty is divided by itself; AdamW would subtract lr times decay times theta"),
        ],
    )


def lion() -> Derivation:
    """Lion steps by the sign of a mean, so that every entry moves by the rate."""
    mixed = beta1 * m + (1 - beta1) * grad
    c = quantity("c", mixed)
    return Derivation(
        [
            Step(theta - lr * (c / sp.Abs(c) + decay * theta)),
            Step(theta - lr * (sp.sign(c) + decay * theta), "a number over its size is its sign"),
            Step(theta - lr * (sp.sign(mixed) + decay * theta), "the mean in full"),
        ],
        kinks=[mixed],
        expect="exact on open cells",
        function="lion",
    )
