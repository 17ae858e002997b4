"""The derivations of the regression losses."""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, count, index, inner_index, named, positive, quantity, real, size, total, vector

n = size()
i, j, k = (index(name, n) for name in "ijk")
SIZES = [{n: 2}, {n: 3}, {n: 4}]
prediction, target = real("prediction"), real("target")
e = quantity("e", prediction - target)
D, half = sp.Derivative, sp.Rational(1, 2)


def squared_error() -> Derivation:
    """The squared error is the surprise of a normal distribution, up to constants."""
    density = quantity(r"\varphi", sp.exp(-((target - prediction) ** 2) / 2) / sp.sqrt(2 * sp.pi))
    surprise = -2 * sp.log(density) - sp.log(2 * sp.pi)
    return Derivation(
        [
            Step(quantity(r"\ell", surprise)),
            Step(surprise, "twice the surprise of y under a normal distribution around the prediction"),
            Step((prediction - target) ** 2, "the logarithm undoes the exponential, the constants cancel"),
        ],
        function="squared_error",
    )


def squared_error_grad() -> Derivation:
    """The squared error pulls with twice the error."""
    loss = (prediction - target) ** 2
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), prediction)),
            Step(D(loss, prediction), "definition"),
            Step(2 * (prediction - target), "power rule"),
        ],
        function="squared_error_grad",
    )


def mean_minimizes_squared_error() -> Derivation:
    """The mean of the targets is the best constant under the squared error."""
    y, c = vector(target, n), real("c")
    mean = quantity(r"\bar y", total(y[j], j) / n)
    return Derivation(
        [
            Step(total((y[i] - c) ** 2, i)),
            Step(
                total((y[i] - mean) ** 2, i) + 2 * (mean - c) * total(y[i] - mean, i) + n * (mean - c) ** 2,
                "go by way of the mean and expand",
            ),
            Step(total((y[i] - mean) ** 2, i) + n * (mean - c) ** 2, "deviations from the mean sum to zero"),
            Step(total((y[i] - mean) ** 2, i), "a square is never negative", ">="),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def absolute_error() -> Derivation:
    """The absolute error is the surprise of a Laplace distribution, up to a constant."""
    density = quantity(r"\varphi", sp.exp(-sp.Abs(target - prediction)) / 2)
    surprise = -sp.log(density) - sp.log(2)
    return Derivation(
        [
            Step(quantity(r"\ell", surprise)),
            Step(surprise, "the surprise of y under a Laplace distribution around the prediction"),
            Step(sp.Abs(prediction - target), "the logarithm undoes the exponential"),
        ],
        kinks=[prediction - target],
        expect="exact on open cells",
        function="absolute_error",
    )


def absolute_error_grad() -> Derivation:
    """The absolute error pulls with 1, however wrong the prediction is."""
    loss = sp.Abs(prediction - target)
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), prediction)),
            Step(D(loss, prediction), "definition"),
            Step(sp.sign(prediction - target), "slope 1 to the right of the target, -1 to the left"),
        ],
        kinks=[prediction - target],
        expect="exact on open cells",
        function="absolute_error_grad",
    )


def median_minimizes_absolute_error() -> Derivation:
    """The middle target is the best constant under the absolute error."""
    gap, c, start = vector(positive("g"), n), real("c"), real("a")

    def from_the_left(place: sp.Expr, *_: sp.Expr) -> sp.Expr:
        before = inner_index(place, place - 1)
        return start + total(gap[before], before)

    ordered = named("y", from_the_left, "subscript")

    def y(place: sp.Expr) -> sp.Expr:
        return ordered(place, gap.label, start, n)

    return Derivation(
        [
            Step(total(sp.Abs(y(i) - c), i)),
            Step(total(sp.Abs(y(i) - y((n + 1) / 2)), i), "in every cell between the targets the sum lies above", ">="),
        ],
        kinks=[y(i) - c],
        sizes=[{n: 3}, {n: 5}],
        expect="exact for n = 3, 5",
    )


def absolute_percentage_error() -> Derivation:
    """The percentage error looks at the ratio of prediction and target only."""
    loss = sp.Abs(prediction - target) / sp.Abs(target)
    return Derivation(
        [
            Step(quantity(r"\ell", loss)),
            Step(loss, "definition"),
            Step(sp.Abs(prediction / target - 1), "divide inside"),
        ],
        kinks=[prediction - target, target],
        poles=[target],
        expect="exact on open cells",
        function="absolute_percentage_error",
    )


def absolute_percentage_error_grad() -> Derivation:
    """The percentage error pulls harder on small targets."""
    loss = sp.Abs(prediction - target) / sp.Abs(target)
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), prediction)),
            Step(D(sp.Abs(prediction - target), prediction) / sp.Abs(target), "the target is a constant"),
            Step(sp.sign(prediction - target) / sp.Abs(target), "slope of the absolute value"),
        ],
        kinks=[prediction - target, target],
        poles=[target],
        expect="exact on open cells",
        function="absolute_percentage_error_grad",
    )


def absolute_percentage_error_has_no_bound() -> Derivation:
    """Near a zero target the percentage error's gradient passes every bound."""
    bound, share = positive("M"), between("u", 0, 1)
    loss = sp.Abs(prediction - target) / sp.Abs(target)
    slope = named(r"\ell'", lambda y: D(loss, prediction).xreplace({target: y}))
    return Derivation(
        [
            Step(sp.Abs(slope(share / bound))),
            Step(bound / share, "the slope is 1 over the target; take a target below 1 over M"),
            Step(bound, "u is below 1", ">="),
        ],
        kinks=[prediction - share / bound],
        expect="exact on open cells",
    )


def squared_logarithmic_error() -> Derivation:
    """The squared logarithmic error is a function of the relative error."""
    prediction, target = between("prediction", -1), between("target", -1)
    relative = quantity("r", (prediction - target) / (1 + target))
    loss = (sp.log(1 + prediction) - sp.log(1 + target)) ** 2
    return Derivation(
        [
            Step(quantity(r"\ell", loss)),
            Step(loss, "definition"),
            Step(sp.log((1 + prediction) / (1 + target)) ** 2, "the logarithm of a ratio"),
            Step(sp.log(1 + relative) ** 2, "r is the error relative to 1 + y"),
        ],
        function="squared_logarithmic_error",
    )


def squared_logarithmic_error_grad() -> Derivation:
    """The squared logarithmic error pulls with the logarithm of a ratio, in relative units."""
    prediction, target = between("prediction", -1), between("target", -1)
    gap = sp.log(1 + prediction) - sp.log(1 + target)
    return Derivation(
        [
            Step(D(quantity(r"\ell", gap**2), prediction)),
            Step(2 * gap * D(sp.log(1 + prediction), prediction), "chain rule"),
            Step(2 * gap / (1 + prediction), "slope of the logarithm"),
            Step(2 * sp.log((1 + prediction) / (1 + target)) / (1 + prediction), "the logarithm of a ratio"),
        ],
        function="squared_logarithmic_error_grad",
    )


def logarithmic_error_is_below_the_relative_error() -> Derivation:
    """The logarithmic error is at most the relative error, and equal to first order."""
    prediction, target = between("prediction", -1), between("target", -1)
    return Derivation(
        [
            Step(sp.log(1 + prediction) - sp.log(1 + target)),
            Step(sp.log((1 + prediction) / (1 + target)), "the logarithm of a ratio"),
            Step(
                (prediction - target) / (1 + target),
                "a logarithm lies below its tangent at 1",
                "<=",
                touch=(prediction, target),
            ),
        ],
    )


def _huber_cases(delta: sp.Expr) -> sp.Expr:
    return sp.Piecewise((e**2 / 2, sp.Abs(e) <= delta), (delta * (sp.Abs(e) - delta / 2), True))


def huber() -> Derivation:
    """Huber is a parabola near zero and a line beyond delta."""
    delta = positive("delta")
    core = sp.Min(sp.Abs(e), delta)
    return Derivation(
        [
            Step(quantity(r"\ell", _huber_cases(delta))),
            Step(_huber_cases(delta), "definition"),
            Step(core * (sp.Abs(e) - core / 2), "the smaller of the error and delta, in either case"),
        ],
        kinks=[e, e - delta, e + delta],
        expect="exact on open cells",
        function="huber",
    )


def huber_grad() -> Derivation:
    """Huber pulls with the error, clipped."""
    delta = positive("delta")
    return Derivation(
        [
            Step(D(quantity(r"\ell", _huber_cases(delta)), prediction)),
            Step(
                sp.Piecewise((e, sp.Abs(e) <= delta), (delta * sp.sign(e), True)), "each branch has a slope of its own"
            ),
            Step(sp.Max(-delta, sp.Min(e, delta)), "both branches are the error, clipped"),
        ],
        kinks=[e, e - delta, e + delta],
        expect="exact on open cells",
        function="huber_grad",
    )


def huber_branches_meet() -> Derivation:
    """Huber's two branches meet at delta in value and in slope."""
    delta = positive("delta")
    return Derivation(
        [
            Step(e**2 / 2 - delta * (sp.Abs(e) - delta / 2)),
            Step((sp.Abs(e) ** 2 - 2 * delta * sp.Abs(e) + delta**2) / 2, "the square of a size is the square"),
            Step((sp.Abs(e) - delta) ** 2 / 2, "a double zero at delta: no jump, no corner"),
        ],
        kinks=[e],
        expect="exact on open cells",
    )


def _smooth_l1_cases(beta: sp.Expr) -> sp.Expr:
    return sp.Piecewise((e**2 / (2 * beta), sp.Abs(e) <= beta), (sp.Abs(e) - beta / 2, True))


def smooth_l1() -> Derivation:
    """Smooth L1 is Huber divided by its threshold."""
    beta = positive("beta")
    core = sp.Min(sp.Abs(e), beta)
    return Derivation(
        [
            Step(quantity(r"\ell", _smooth_l1_cases(beta))),
            Step(_smooth_l1_cases(beta), "definition"),
            Step(_huber_cases(beta) / beta, "Huber with delta = beta, divided by beta"),
            Step(core / beta * (sp.Abs(e) - core / 2), "both branches in one"),
        ],
        kinks=[e, e - beta, e + beta],
        expect="exact on open cells",
        function="smooth_l1",
    )


def smooth_l1_grad() -> Derivation:
    """Smooth L1 pulls with the error in units of beta, clipped to 1."""
    beta = positive("beta")
    return Derivation(
        [
            Step(D(quantity(r"\ell", _smooth_l1_cases(beta)), prediction)),
            Step(sp.Piecewise((e / beta, sp.Abs(e) <= beta), (sp.sign(e), True)), "each branch has a slope of its own"),
            Step(sp.Max(-1, sp.Min(e / beta, 1)), "both branches are the error in units of beta, clipped"),
        ],
        kinks=[e, e - beta, e + beta],
        expect="exact on open cells",
        function="smooth_l1_grad",
    )


def log_cosh() -> Derivation:
    """Log-cosh has a form that never overflows."""
    size = sp.Abs(e)
    return Derivation(
        [
            Step(quantity(r"\ell", sp.log(sp.cosh(e)))),
            Step(sp.log((sp.exp(e) + sp.exp(-e)) / 2), "definition of cosh"),
            Step(sp.log(sp.exp(size) * (1 + sp.exp(-2 * size)) / 2), "take out the larger exponential"),
            Step(size + sp.log(1 + sp.exp(-2 * size)) - sp.log(2), "the logarithm of a product"),
        ],
        kinks=[e],
        expect="exact on open cells",
        function="log_cosh",
    )


def log_cosh_grad() -> Derivation:
    """Log-cosh pulls with the hyperbolic tangent of the error."""
    return Derivation(
        [
            Step(D(quantity(r"\ell", sp.log(sp.cosh(e))), prediction)),
            Step(sp.sinh(e) / sp.cosh(e), "chain rule"),
            Step(sp.tanh(e), "definition of tanh"),
        ],
        function="log_cosh_grad",
    )


def log_cosh_near_zero() -> Derivation:
    """Log-cosh lies just below half the square."""
    return Derivation(
        [
            Step(sp.log(sp.cosh(e))),
            Step(e**2 / 2, "value and slope agree at zero, and the gap is convex", "<=", touch=(prediction, target)),
        ],
    )


def log_cosh_near_zero_from_below() -> Derivation:
    """Log-cosh differs from half the square by less than a twelfth of the fourth power."""
    return Derivation(
        [
            Step(sp.log(sp.cosh(e))),
            Step(
                e**2 / 2 - e**4 / 12,
                "four derivatives agree at zero, and the fourth of the gap is positive",
                ">=",
                touch=(prediction, target),
            ),
        ],
    )


def log_cosh_far_from_zero() -> Derivation:
    """Far from zero log-cosh is the absolute error less log 2, up to an exponentially small rest."""
    size = sp.Abs(e)
    return Derivation(
        [
            Step(sp.log(sp.cosh(e)) - (size - sp.log(2))),
            Step(sp.log(1 + sp.exp(-2 * size)), "take out the larger exponential"),
            Step(
                sp.exp(-2 * size), "a logarithm lies below its tangent at 1", "<=", touch=(sp.exp(-2 * size), sp.S.Zero)
            ),
        ],
        kinks=[e],
        expect="exact on open cells",
    )


def poisson() -> Derivation:
    """The Poisson loss is the surprise of a count, up to a constant."""
    rate, number = positive("prediction", tex=r"\lambda"), count("target")
    chance = quantity("P", rate**number * sp.exp(-rate) / sp.factorial(number))
    surprise = -sp.log(chance) - sp.log(sp.factorial(number))
    return Derivation(
        [
            Step(quantity(r"\ell", surprise)),
            Step(surprise, "the surprise of the count y, without what does not depend on the rate"),
            Step(rate - number * sp.log(rate), "the logarithm of a product"),
        ],
        function="poisson",
    )


def poisson_grad() -> Derivation:
    """The Poisson loss pulls with the rate's excess over the count, relative to the rate."""
    rate, number = positive("prediction", tex=r"\lambda"), count("target")
    return Derivation(
        [
            Step(D(quantity(r"\ell", rate - number * sp.log(rate)), rate)),
            Step(1 - number / rate, "slope of the logarithm"),
            Step((rate - number) / rate, "one fraction"),
        ],
        function="poisson_grad",
    )


def poisson_from_log_rate() -> Derivation:
    """With the logarithm of the rate as output, the Poisson loss needs no logarithm."""
    z, number = real("prediction", tex="z"), count("target")
    rate = quantity(r"\lambda", sp.exp(z))
    return Derivation(
        [
            Step(quantity(r"\ell", rate - number * sp.log(rate))),
            Step(rate - number * sp.log(rate), "the Poisson loss of a rate"),
            Step(sp.exp(z) - number * z, "z is the logarithm of the rate"),
        ],
        function="poisson_from_log_rate",
    )


def poisson_from_log_rate_grad() -> Derivation:
    """In the logarithm of the rate, the Poisson loss pulls with rate minus count."""
    z, number = real("prediction", tex="z"), count("target")
    return Derivation(
        [
            Step(D(quantity(r"\ell", sp.exp(z) - number * z), z)),
            Step(sp.exp(z) - number, "the exponential is its own slope"),
        ],
        function="poisson_from_log_rate_grad",
    )


def _unit_vectors() -> tuple:
    """Two vectors, their lengths and their cosine."""
    a, b = vector(prediction, n), vector(target, n)
    norm = named(r"\lVert\hat y\rVert", lambda *_: sp.sqrt(total(a[j] ** 2, j)), "bare")(a.label, n)
    other = named(r"\lVert y\rVert", lambda *_: sp.sqrt(total(b[j] ** 2, j)), "bare")(b.label, n)
    return a, b, norm, other, quantity("c", total(a[i] * b[i], i) / (norm * other))


def cosine_distance() -> Derivation:
    """The cosine distance is half the squared distance of the unit vectors."""
    a, b, norm, other, cosine = _unit_vectors()
    return Derivation(
        [
            Step(quantity(r"\ell", 1 - cosine)),
            Step(total((a[i] / norm - b[i] / other) ** 2, i) / 2, "expand: two unit lengths, less twice the cosine"),
            Step(1 - total(a[i] * b[i], i) / (norm * other), "the cosine is the product of the unit vectors"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="cosine_distance",
    )


def cosine_distance_grad() -> Derivation:
    """The cosine distance turns the prediction and leaves its length alone."""
    a, b, norm, other, cosine = _unit_vectors()
    return Derivation(
        [
            Step(D(quantity(r"\ell", 1 - cosine), a[k])),
            Step(-b[k] / (norm * other) + total(a[i] * b[i], i) * a[k] / (norm**3 * other), "quotient rule"),
            Step((cosine * a[k] / norm - b[k] / other) / norm, "the sum is the cosine times both lengths"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="cosine_distance_grad",
    )


def cosine_distance_grad_is_orthogonal() -> Derivation:
    """The cosine distance's gradient is orthogonal to the prediction."""
    a, b, norm, other, cosine = _unit_vectors()
    return Derivation(
        [
            Step(total(a[i] * (cosine * a[i] / norm - b[i] / other) / norm, i)),
            Step(cosine * total(a[i] ** 2, i) / norm**2 - total(a[i] * b[i], i) / (norm * other), "one sum at a time"),
            Step(sp.S.Zero, "both terms are the cosine"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )
