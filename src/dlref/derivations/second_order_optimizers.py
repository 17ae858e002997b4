"""The derivations of the second-order optimizers: Newton's step, conjugate directions, the secant equation."""

from collections.abc import Callable

import sympy as sp

from . import Derivation, Step
from ._symbols import Variable, between, index, named, positive, quantity, real, size, total, vector

n = size("units", tex="n")
i, j, k, at, m = (index(name, n) for name in ("i", "j", "k", "l", "m"))
SIZES = [{n: 2}, {n: 3}]


def newton_step() -> Derivation:
    """Along one axis the model of slope g and curvature h is lowest at -g/h, where it has fallen by g²/2h."""
    g, h, p = real("grad", tex="g"), positive("hessian", tex="h"), real("p")
    return Derivation(
        [
            Step(g * p + h * p**2 / 2),
            Step(h * (p + g / h) ** 2 / 2 - g**2 / (2 * h), "complete the square"),
            Step(-(g**2) / (2 * h), "a square is never negative, and is zero at p = -g/h", ">="),
        ],
    )


def newton_step_of_one() -> Derivation:
    """Newton's step divides the slope by the size of the curvature, whatever its sign."""
    g, h = real("grad", tex="g"), real("hessian", tex="h")
    cases = sp.Piecewise((-g / h, h > 0), (g / h, True))
    return Derivation(
        [
            Step(quantity("p", cases)),
            Step(cases, "down to the bottom of a valley, and away from the top of a ridge"),
            Step(-g / sp.Abs(h), "both branches in one"),
        ],
        kinks=[h],
        expect="exact on open cells",
        function="newton_step",
    )


def newton_solves_a_quadratic() -> Derivation:
    """On a quadratic in two variables one Newton step makes the gradient zero."""
    a, b, c, x, y, u, v = (real(name) for name in ("a", "b", "c", "x", "y", "u", "v"))
    slope_x = quantity("g_1", a * (x - u) + b * (y - v))
    slope_y = quantity("g_2", b * (x - u) + c * (y - v))
    area = quantity("D", a * c - b**2)
    right = quantity("p_1", (b * slope_y - c * slope_x) / area)
    up = quantity("p_2", (b * slope_x - a * slope_y) / area)
    return Derivation(
        [
            Step((a * (x + right - u) + b * (y + up - v)) ** 2 + (b * (x + right - u) + c * (y + up - v)) ** 2),
            Step(
                (slope_x + a * right + b * up) ** 2 + (slope_y + b * right + c * up) ** 2,
                "a quadratic's gradient changes by the Hessian times the step",
            ),
            Step(sp.S.Zero, "the step is minus the inverse of the Hessian times the gradient"),
        ],
        poles=[a * c - b**2],
    )


def newton_squares_the_error() -> Derivation:
    """Where the slope is not linear, a Newton step leaves the square of the error before, times a factor."""
    e, h, c = real("e"), positive("h"), real("c")
    slope = quantity("g", h * e + c * e**2)
    return Derivation(
        [
            Step(e - slope / sp.Derivative(h * e + c * e**2, e)),
            Step(e - slope / (h + 2 * c * e), "the curvature at the error e"),
            Step(c * e**2 / (h + 2 * c * e), "over one denominator: what was linear in e cancels"),
        ],
        poles=[h + 2 * c * e],
    )


def newton_goes_up_at_a_saddle() -> Derivation:
    """Where the curvature is negative Newton's own step goes uphill, and the step divided by its size down."""
    g, h = real("g"), positive("h", tex=r"\lvert h\rvert")
    own, safe = quantity("p", -g / -h), quantity("p'", -g / h)
    return Derivation(
        [
            Step(g * own),
            Step(g**2 / h, "minus the slope over a negative curvature: the step has the sign of the slope"),
            Step(-g * safe, "the safe step has the opposite sign"),
            Step(sp.S.Zero, "a square: Newton's own step never goes down, the safe one never up", ">="),
        ],
    )


def _first_conjugate_step() -> tuple:
    r, q = vector(real("r"), n), vector(real("q"), n)
    square, curvature = total(r[j] ** 2, j), total(r[k] * q[k], k)
    rate = quantity(r"\alpha", square / curvature)
    return r, q, square, curvature, rate


def conjugate_gradient_residuals() -> Derivation:
    """The first step of conjugate gradients leaves a residual at a right angle to the one before."""
    r, q, square, curvature, rate = _first_conjugate_step()
    return Derivation(
        [
            Step(total((r[i] - rate * q[i]) * r[i], i)),
            Step(square - rate * curvature, "q is the matrix times the direction, which is r at first"),
            Step(sp.S.Zero, "the rate was chosen so"),
        ],
        poles=[curvature],
        sizes=SIZES,
        expect="exact, all n",
    )


def conjugate_gradient_directions() -> Derivation:
    """The second direction of conjugate gradients is conjugate to the first: the matrix between them gives zero."""
    r, q, square, curvature, rate = _first_conjugate_step()
    new = total((r[at] - rate * q[at]) ** 2, at)
    share = quantity(r"\beta", new / square)
    crossed = total((r[i] - rate * q[i]) * q[i], i)
    return Derivation(
        [
            Step(total((r[i] - rate * q[i] + share * r[i]) * q[i], i)),
            Step(crossed + share * curvature, "the new residual and its share of the old direction, each by itself"),
            Step(crossed + new * curvature / square, "the share is the ratio of the squared residuals"),
            Step(sp.S.Zero, "put the rate in: both terms are the same but for the sign"),
        ],
        poles=[curvature, total(r[j] ** 2, j)],
        sizes=SIZES,
        expect="exact, all n",
    )


def curvature_is_positive() -> Derivation:
    """Where a step meets the second Wolfe condition the gradient's change has a positive share along it."""
    rate, fall = positive("alpha"), positive("m")
    share, more = between("c", 0, 1), positive("u")
    after = quantity(r"\varphi'(\alpha)", -share * fall + more)
    return Derivation(
        [
            Step(rate * (after - -fall)),
            Step(rate * ((1 - share) * fall + more), "the new slope is above the share c of the old, -m, by some u"),
            Step(rate * (1 - share) * fall, "that much and more", ">="),
            Step(sp.S.Zero, "c is below 1", ">="),
        ],
    )


def _pair(kind: Callable[..., Variable] = real) -> tuple:
    inverse = vector(real("inverse", tex="H"), n, n)
    step, change = vector(kind("step", tex="s"), n), vector(kind("change", tex="y"), n)
    product = total(step[at] * change[at], at)
    return inverse, step, change, product, quantity(r"\rho", 1 / product)


def _products(inverse: sp.IndexedBase, y: sp.IndexedBase) -> tuple:
    """The inverse times y, y times the inverse, and y on both sides."""
    rest = inverse.label, y.label, n
    left = named("(Hy)", lambda row, *_: total(inverse[row, at] * y[at], at), "subscript")
    right = named(r"(y^\top H)", lambda column, *_: total(y[m] * inverse[m, column], m), "subscript")
    both = quantity(r"(y^\top H y)", total(total(y[m] * inverse[m, at] * y[at], m), at))
    return lambda row: left(row, *rest), lambda column: right(column, *rest), both


def bfgs_update() -> Derivation:
    """The update as a product of three matrices, multiplied out: two corrections, and what the step says."""
    inverse, s, y, _, rho = _pair(positive)
    left, right, both = _products(inverse, y)
    once = inverse[i, k] - rho * s[i] * right(k)
    product = once - rho * (left(i) - rho * s[i] * both) * s[k] + rho * s[i] * s[k]
    return Derivation(
        [
            Step(quantity("H'_{i,k}", product)),
            Step(product, "definition"),
            Step(
                inverse[i, k] - rho * (s[i] * right(k) + left(i) * s[k]) + (1 + rho * both) * rho * s[i] * s[k],
                "multiply out",
            ),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="bfgs_update",
    )


def secant_equation() -> Derivation:
    """The new inverse maps the change of the gradient to the step, whatever the old one was."""
    inverse, s, y, product, rho = _pair()
    left, right, both = _products(inverse, y)
    corrected = inverse[i, j] - rho * (s[i] * right(j) + left(i) * s[j])
    return Derivation(
        [
            Step(total(corrected * y[j], j) + (1 + rho * both) * rho * s[i] * total(s[j] * y[j], j)),
            Step(
                left(i) - rho * (s[i] * both + left(i) * product) + (1 + rho * both) * rho * s[i] * product,
                "the update times y, each term by itself",
            ),
            Step(s[i], "rho times the product is 1: all else cancels"),
        ],
        poles=[product],
        sizes=SIZES,
        expect="exact, all n",
    )


def bfgs_stays_symmetric() -> Derivation:
    """A symmetric matrix stays symmetric: exchange row and column, and the same numbers come out."""
    half, s, y, product, rho = _pair()

    def old(row: sp.Expr, column: sp.Expr) -> sp.Expr:
        return half[row, column] + half[column, row]

    rest = half.label, y.label, n
    left = named("(Ay)", lambda row, *_: total(old(row, at) * y[at], at), "subscript")
    right = named(r"(y^\top A)", lambda column, *_: total(y[m] * old(m, column), m), "subscript")
    both = quantity(r"(y^\top A y)", total(total(y[m] * old(m, at) * y[at], m), at))

    def new(row: sp.Expr, column: sp.Expr) -> sp.Expr:
        once = old(row, column) - rho * s[row] * right(column, *rest)
        return once - rho * (left(row, *rest) - rho * s[row] * both) * s[column] + rho * s[row] * s[column]

    return Derivation(
        [
            Step(new(i, j)),
            Step(
                new(j, i),
                "A, any matrix plus its transpose, is symmetric: the one-sided terms change places",
            ),
        ],
        poles=[product],
        sizes=SIZES,
        expect="exact, all n",
    )


def bfgs_stays_positive() -> Derivation:
    """In any direction v the new inverse gives no number below zero, if the old did not and step and change agree."""
    factor, v = vector(real("L"), n, n), vector(real("v"), n)
    _, s, y, _, rho = _pair(positive)
    along = quantity(r"s^\top v", total(s[at] * v[at], at))
    w = named("w", lambda row, *_: v[row] - rho * along * y[row], "subscript")
    old = total(factor[i, k] * factor[j, k], k)

    def turned(row: sp.Expr) -> sp.Expr:
        return w(row, v.label, s.label, y.label, n)

    return Derivation(
        [
            Step(total(total(turned(i) * old * turned(j), i), j) + rho * along**2),
            Step(
                total(total(factor[m, i] * turned(m), m) ** 2, i) + rho * along**2,
                "the update takes v to w before H; H is L times its transpose",
            ),
            Step(rho * along**2, "a sum of squares", ">="),
            Step(sp.S.Zero, "rho is positive where the product of step and change is", ">="),
        ],
        sizes=SIZES,
        expect="exact for units = 2, 3",
    )


def lbfgs_direction() -> Derivation:
    """With one pair the two loops give what the updated matrix would, and no matrix is made."""
    grad = vector(real("grad", tex="g"), n)
    s, y = vector(positive("steps", tex="s"), n), vector(positive("changes", tex="y"), n)
    product, square = total(s[k] * y[k], k), total(y[j] ** 2, j)
    rho, scale = quantity(r"\rho", 1 / product), quantity(r"\gamma", product / square)
    on_step, on_change = (
        quantity(rf"({name}^\top g)", total(row[at] * grad[at], at)) for name, row in (("s", s), ("y", y))
    )
    share = quantity("a", on_step / product)
    after = quantity(r"y^\top p", scale * (on_change - share * square))
    return Derivation(
        [
            Step(-(scale * (grad[i] - share * y[i]) + (share - rho * after) * s[i])),
            Step(
                -scale * grad[i] + scale * rho * (s[i] * on_change + y[i] * on_step) - 2 * rho * s[i] * on_step,
                "gamma times y y is the product of s and y, one over rho",
            ),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="lbfgs_direction",
    )
