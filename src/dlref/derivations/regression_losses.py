"""The derivations of the regression losses."""

from typing import Any

import sympy as sp

from . import Derivation, Step
from ._symbols import between, count, index, inner_index, named, positive, quantity, real, size, total, vector

n = size()
i, j, k = (index(name, n) for name in "ijk")
ALL_N = {"sizes": [{n: 2}, {n: 3}, {n: 4}], "expect": "exact, all n"}
BETWEEN_KINKS: dict[str, Any] = {"expect": "exact on open cells"}

prediction, target = real("prediction"), real("target")
error = prediction - target
e = quantity("e", error)
D, Abs, Min, Max, log, exp = sp.Derivative, sp.Abs, sp.Min, sp.Max, sp.log, sp.exp


def _value(loss: sp.Expr, reason: str = "definition") -> list[Step]:
    """A loss by its name, and in full."""
    return [Step(quantity(r"\ell", loss)), Step(loss, reason)]


def _slope(loss: sp.Expr, by: sp.Expr = prediction) -> list[Step]:
    """The derivative of a loss by its name, and in full."""
    return [Step(D(quantity(r"\ell", loss), by)), Step(D(loss, by), "definition")]


def squared_error() -> Derivation:
    """The squared error is the surprise of a normal distribution, up to constants."""
    scale = positive("Z")
    density = quantity(r"\varphi", exp(-(error**2) / 2) / scale)
    return Derivation(
        [
            *_value(-2 * log(density) - 2 * log(scale), "twice the surprise of y under a normal distribution"),
            Step(-2 * log(exp(-(error**2) / 2), evaluate=False), "the density, and its constant Z cancels"),
            Step(error**2, "the logarithm undoes the exponential"),
        ],
        function="squared_error",
    )


def squared_error_grad() -> Derivation:
    """The squared error pulls with twice the error."""
    return Derivation([*_slope(error**2), Step(2 * error, "power rule")], function="squared_error_grad")


def mean_minimizes_squared_error() -> Derivation:
    """The mean of the targets is the best constant under the squared error."""
    y, c = vector(target, n), real("c")
    mean = quantity(r"\bar y", total(y[j], j) / n)
    spread, offset = total((y[i] - mean) ** 2, i), n * (mean - c) ** 2
    return Derivation(
        [
            Step(total((y[i] - c) ** 2, i)),
            Step(spread + 2 * (mean - c) * total(y[i] - mean, i) + offset, "go by way of the mean, and expand"),
            Step(spread + offset, "deviations from the mean sum to zero"),
            Step(spread, "a square is never negative, and zero only at the mean", ">="),
        ],
        **ALL_N,
    )


def absolute_error() -> Derivation:
    """The absolute error is the surprise of a Laplace distribution, up to a constant."""
    density = quantity(r"\varphi", exp(-Abs(error)) / 2)
    return Derivation(
        [
            *_value(-log(density) - log(2), "the surprise of y under a Laplace distribution"),
            Step(-log(exp(-Abs(error)), evaluate=False), "the density, and its constant cancels"),
            Step(Abs(error), "the logarithm undoes the exponential"),
        ],
        kinks=[error],
        **BETWEEN_KINKS,
        function="absolute_error",
    )


def absolute_error_grad() -> Derivation:
    """The absolute error pulls with 1, however wrong the prediction is."""
    return Derivation(
        [*_slope(Abs(error)), Step(sp.sign(error), "slope 1 to the right of the target, -1 to the left")],
        kinks=[error],
        **BETWEEN_KINKS,
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
            Step(total(Abs(y(i) - c), i)),
            Step(total(Abs(y(i) - y((n + 1) / 2)), i), "for c in each of the gaps between the ordered targets", ">="),
        ],
        kinks=[y(i) - c],
        sizes=[{n: 3}, {n: 5}],
        expect="exact for n = 3, 5",
    )


def absolute_percentage_error() -> Derivation:
    """The percentage error looks at the ratio of prediction and target only."""
    return Derivation(
        [*_value(Abs(error) / Abs(target)), Step(Abs(1 - prediction / target), "divide inside")],
        kinks=[error, target],
        poles=[target],
        **BETWEEN_KINKS,
        function="absolute_percentage_error",
    )


def absolute_percentage_error_grad() -> Derivation:
    """The percentage error pulls harder on small targets."""
    return Derivation(
        [
            *_slope(Abs(error) / Abs(target)),
            Step(D(Abs(error), prediction) / Abs(target), "the target is a constant"),
            Step(sp.sign(error) / Abs(target), "slope of the absolute value"),
        ],
        kinks=[error, target],
        poles=[target],
        **BETWEEN_KINKS,
        function="absolute_percentage_error_grad",
    )


def absolute_percentage_error_has_no_bound() -> Derivation:
    """Near a zero target the percentage error's gradient passes every bound."""
    bound, share = positive("M"), between("u", 0, 1)
    loss = Abs(error) / Abs(target)
    slope = named(r"\ell'", lambda y: D(loss, prediction).xreplace({target: y}), example=(target,))
    return Derivation(
        [
            Step(Abs(slope(share / bound))),
            Step(bound / share, "the slope is 1 over the target, here below 1 / M"),
            Step(bound, "u is below 1", ">="),
        ],
        kinks=[prediction - share / bound],
        **BETWEEN_KINKS,
    )


def _logarithmic() -> tuple[sp.Expr, ...]:
    """Prediction and target above -1, and the gap of their logarithms."""
    above, goal = between("prediction", -1), between("target", -1)
    return above, goal, log(1 + above) - log(1 + goal)


def squared_logarithmic_error() -> Derivation:
    """The squared logarithmic error is a function of the relative error."""
    above, goal, gap = _logarithmic()
    relative = quantity("r", (above - goal) / (1 + goal))
    return Derivation(
        [
            *_value(gap**2),
            Step(log((1 + above) / (1 + goal)) ** 2, "the logarithm of a ratio"),
            Step(log(1 + relative) ** 2, "r is the error relative to 1 + y"),
        ],
        function="squared_logarithmic_error",
    )


def squared_logarithmic_error_grad() -> Derivation:
    """The squared logarithmic error pulls with the logarithm of a ratio, in relative units."""
    above, goal, gap = _logarithmic()
    return Derivation(
        [
            *_slope(gap**2, above),
            Step(2 * gap * D(log(1 + above), above), "chain rule"),
            Step(2 * gap / (1 + above), "slope of the logarithm"),
            Step(2 * log((1 + above) / (1 + goal)) / (1 + above), "the logarithm of a ratio"),
        ],
        function="squared_logarithmic_error_grad",
    )


def logarithmic_error_is_below_the_relative_error() -> Derivation:
    """The logarithmic error is at most the relative error, and equal to first order."""
    above, goal, gap = _logarithmic()
    tangent = (above - goal) / (1 + goal)
    return Derivation(
        [
            Step(gap),
            Step(log((1 + above) / (1 + goal)), "the logarithm of a ratio"),
            Step(tangent, "a logarithm lies below its tangent at 1", "<=", touch=(above, goal)),
        ]
    )


def _huber(delta: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Huber in two cases, and at one go."""
    core = quantity("m", Min(Abs(e), delta))
    cases = sp.Piecewise((e**2 / 2, Abs(e) <= delta), (delta * (Abs(e) - delta / 2), True))
    return cases, core * (Abs(e) - core / 2)


def _corners(delta: sp.Expr) -> dict:
    """Where Huber's branches meet, and where the absolute error has its kink."""
    return {"kinks": [error, error - delta, error + delta], **BETWEEN_KINKS}


def huber() -> Derivation:
    """Huber is a parabola near zero and a line beyond delta."""
    delta = positive("delta")
    cases, at_one_go = _huber(delta)
    return Derivation(
        [
            *_value(at_one_go, "as it is computed; m is the smaller of |e| and delta"),
            Step(cases, "m is |e| in the one case, delta in the other"),
        ],
        **_corners(delta),
        function="huber",
    )


def huber_grad() -> Derivation:
    """Huber pulls with the error, clipped."""
    delta = positive("delta")
    branches = sp.Piecewise((e, Abs(e) <= delta), (delta * sp.sign(e), True))
    return Derivation(
        [
            *_slope(_huber(delta)[0]),
            Step(branches, "each branch has a slope of its own"),
            Step(Max(-delta, Min(e, delta)), "both branches are the error, clipped"),
        ],
        **_corners(delta),
        function="huber_grad",
    )


def huber_branches_meet() -> Derivation:
    """Huber's two branches meet at delta in value and in slope."""
    delta = positive("delta")
    return Derivation(
        [
            Step(e**2 / 2 - delta * (Abs(e) - delta / 2)),
            Step((Abs(e) ** 2 - 2 * delta * Abs(e) + delta**2) / 2, "multiply out"),
            Step((Abs(e) - delta) ** 2 / 2, "a double zero at delta: no jump, no corner"),
        ],
        kinks=[error],
        **BETWEEN_KINKS,
    )


def smooth_l1() -> Derivation:
    """Smooth L1 is Huber divided by its threshold."""
    beta = positive("beta")
    huber_cases, at_one_go = _huber(beta)
    cases = sp.Piecewise((e**2 / (2 * beta), Abs(e) <= beta), (Abs(e) - beta / 2, True))
    return Derivation(
        [
            *_value(at_one_go / beta, "as it is computed; m is the smaller of |e| and beta"),
            Step(huber_cases / beta, "Huber, with beta for delta"),
            Step(cases, "divide each branch"),
        ],
        **_corners(beta),
        function="smooth_l1",
    )


def smooth_l1_grad() -> Derivation:
    """Smooth L1 pulls with the error in units of beta, clipped to 1."""
    beta = positive("beta")
    cases = sp.Piecewise((e**2 / (2 * beta), Abs(e) <= beta), (Abs(e) - beta / 2, True))
    branches = sp.Piecewise((e / beta, Abs(e) <= beta), (sp.sign(e), True))
    return Derivation(
        [
            *_slope(cases),
            Step(branches, "each branch has a slope of its own"),
            Step(Max(-1, Min(e / beta, 1)), "both branches are the error in units of beta, clipped"),
        ],
        **_corners(beta),
        function="smooth_l1_grad",
    )


def log_cosh() -> Derivation:
    """Log-cosh has a form that never overflows."""
    return Derivation(
        [
            *_value(log(sp.cosh(e)), "definition, with e for the error"),
            Step(log((exp(e) + exp(-e)) / 2), "definition of cosh"),
            Step(log(exp(Abs(e)) * (1 + exp(-2 * Abs(e))) / 2), "take out the larger exponential"),
            Step(Abs(e) + log(1 + exp(-2 * Abs(e))) - log(2), "the logarithm of a product"),
        ],
        kinks=[error],
        **BETWEEN_KINKS,
        function="log_cosh",
    )


def log_cosh_grad() -> Derivation:
    """Log-cosh pulls with the hyperbolic tangent of the error."""
    return Derivation(
        [
            Step(D(quantity(r"\ell", log(sp.cosh(e))), prediction)),
            Step(sp.sinh(e) / sp.cosh(e), "slope of the logarithm, times the slope of cosh"),
            Step(sp.tanh(e), "definition of tanh"),
        ],
        function="log_cosh_grad",
    )


def log_cosh_near_zero() -> Derivation:
    """Log-cosh lies just below half the square."""
    reason = "value and slope agree at zero, and the gap is convex"
    return Derivation([Step(log(sp.cosh(e))), Step(e**2 / 2, reason, "<=", touch=(prediction, target))])


def log_cosh_near_zero_from_below() -> Derivation:
    """Log-cosh falls short of half the square by at most a twelfth of the fourth power."""
    reason = "value and three slopes agree at zero, and the gap's fourth derivative is never negative"
    return Derivation(
        [Step(log(sp.cosh(e))), Step(e**2 / 2 - e**4 / 12, reason, ">=", touch=(prediction, target))],
    )


def log_cosh_far_from_zero() -> Derivation:
    """Far from zero log-cosh is the absolute error less log 2, up to an exponentially small rest."""
    rest = exp(-2 * Abs(e))
    return Derivation(
        [
            Step(log(sp.cosh(e)) - (Abs(e) - log(2))),
            Step(log(1 + rest), "take out the larger exponential"),
            Step(rest, "a logarithm lies below its tangent at 1", "<=", touch=(rest, sp.S.Zero)),
        ],
        kinks=[error],
        **BETWEEN_KINKS,
    )


def poisson() -> Derivation:
    """The Poisson loss is the surprise of a count, up to a constant."""
    rate, number = positive("prediction", tex=r"\lambda"), count("target")
    chance = quantity("P", rate**number * exp(-rate) / sp.factorial(number))
    return Derivation(
        [
            *_value(-log(chance) - log(sp.factorial(number)), "the surprise of the count y, less a constant"),
            Step(-log(rate**number * exp(-rate), evaluate=False), "the Poisson chance, and the factorial cancels"),
            Step(rate - number * log(rate), "the logarithm of a product"),
        ],
        function="poisson",
    )


def poisson_grad() -> Derivation:
    """The Poisson loss pulls with the rate's excess over the count, relative to the rate."""
    rate, number = positive("prediction", tex=r"\lambda"), count("target")
    return Derivation(
        [
            *_slope(rate - number * log(rate), rate),
            Step(1 - number / rate, "slope of the logarithm"),
            Step((rate - number) / rate, "one fraction"),
        ],
        function="poisson_grad",
    )


def poisson_from_log_rate() -> Derivation:
    """With the logarithm of the rate as output, the Poisson loss needs no logarithm."""
    z, number = real("prediction", tex="z"), count("target")
    rate = quantity(r"\lambda", exp(z))
    return Derivation(
        [
            *_value(rate - number * log(rate), "the Poisson loss of a rate"),
            Step(exp(z) - number * z, "z is the logarithm of the rate"),
        ],
        function="poisson_from_log_rate",
    )


def poisson_from_log_rate_grad() -> Derivation:
    """In the logarithm of the rate, the Poisson loss pulls with rate minus count."""
    z, number = real("prediction", tex="z"), count("target")
    return Derivation(
        [*_slope(exp(z) - number * z, z), Step(exp(z) - number, "the exponential is its own slope")],
        function="poisson_from_log_rate_grad",
    )


a, b = vector(prediction, n), vector(target, n)
length = named(r"\lVert \hat y \rVert", lambda *_: sp.sqrt(total(a[j] ** 2, j)), "bare")(a.label, n)
goal_length = named(r"\lVert y \rVert", lambda *_: sp.sqrt(total(b[j] ** 2, j)), "bare")(b.label, n)
cosine = quantity(r"\cos(\theta)", total(a[i] * b[i], i) / (length * goal_length))


direction = named("u", lambda place, *_: a[place] / length, "subscript")
goal_direction = named("v", lambda place, *_: b[place] / goal_length, "subscript")


def _directions(place: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The unit vectors of prediction and target, at one place."""
    return direction(place, a.label, n), goal_direction(place, b.label, n)


def cosine_distance() -> Derivation:
    """The cosine distance is half the squared distance of the unit vectors."""
    u, v = _directions(i)
    return Derivation(
        [
            *_value(total((u - v) ** 2, i) / 2, "half the squared distance of the directions"),
            Step(total(u**2, i) / 2 + total(v**2, i) / 2 - total(u * v, i), "expand the square"),
            Step(1 - total(u * v, i), "directions have length 1"),
            Step(1 - total(a[i] * b[i], i) / (length * goal_length), "u and v are the vectors over their lengths"),
        ],
        **ALL_N,
        function="cosine_distance",
    )


def cosine_distance_grad() -> Derivation:
    """The cosine distance turns the prediction, and turns a long one slowly."""
    u, v = _directions(k)
    slope = total(a[i] * b[i], i) * a[k] / (length**3 * goal_length) - b[k] / (length * goal_length)
    return Derivation(
        [
            Step(D(quantity(r"\ell", 1 - cosine), a[k])),
            Step(slope, "quotient rule"),
            Step((cosine * a[k] / length - b[k] / goal_length) / length, "the sum is the cosine times both lengths"),
            Step((cosine * u - v) / length, "u and v are the vectors over their lengths"),
        ],
        **ALL_N,
        function="cosine_distance_grad",
    )


def cosine_distance_grad_is_orthogonal() -> Derivation:
    """The cosine distance's gradient is orthogonal to the prediction."""
    u, v = _directions(i)
    return Derivation(
        [
            Step(total(a[i] * (cosine * u - v) / length, i)),
            Step(cosine * total(u**2, i) - total(u * v, i), "u is the prediction over its length"),
            Step(cosine - cosine, "directions have length 1, and their product is the cosine"),
        ],
        **ALL_N,
    )
