"""The derivations of PCA: `x` holds rows of features, `z` the same with the means taken away, `w` is a direction.

λ are the variances along the principal axes. In these axes the covariance is diagonal, and many a chain is short.
"""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, distribution, index, largest, named, positive, quantity, real, size, total, vector

D, same, sqrt = sp.Derivative, sp.KroneckerDelta, sp.sqrt
n, d = size("rows", tex="n"), size("columns", tex="d")
r, s, t = (index(name, n) for name in "rst")
i, j, k, a = (index(name, d) for name in "ijka")
x, z = vector(real("x"), n, d), vector(real("z"), n, d)
w, multiplier = vector(real("w"), d), real("multiplier", tex=r"\lambda")
spread = vector(positive("variance", tex=r"\lambda"), d)
LENGTH = quantity(r"\lVert w\rVert^2", total(w[a] ** 2, a))
ROWS = {"sizes": [{n: 2, d: 2}, {n: 3, d: 2}, {n: 3, d: 3}], "expect": "exact, all n"}
AXES = {"sizes": [{d: 2}, {d: 3}, {d: 4}], "expect": "exact, all n"}
_mu = named(r"\mu", lambda place, *_: total(x[s, place], s) / n, "subscript", example=(i, x.label, n))


def _mean(place: sp.Expr) -> sp.Expr:
    return _mu(place, x.label, n)


def covariance() -> Derivation:
    """The covariance of two columns is the sum of the products of their deviations, divided by n - 1."""
    gaps = total((x[r, i] - _mean(i)) * (x[r, j] - _mean(j)), r)
    return Derivation(
        [
            Step(quantity("C_{ij}", gaps / (n - 1))),
            Step(gaps / (n - 1), "definition"),
            Step((total(x[r, i] * x[r, j], r) - n * _mean(i) * _mean(j)) / (n - 1), "expand: on paper, not in float32"),
        ],
        poles=[n - 1],
        **ROWS,
        function="covariance",
    )


def covariance_around_another_point() -> Derivation:
    """Deviations may be taken from any point near the mean, and the mean be corrected for at the end."""
    c = vector(real("c"), d)
    around = total((x[r, i] - c[i]) * (x[r, j] - c[j]), r)
    return Derivation(
        [
            Step((around - n * (_mean(i) - c[i]) * (_mean(j) - c[j])) / (n - 1)),
            Step((total(x[r, i] * x[r, j], r) - n * _mean(i) * _mean(j)) / (n - 1), "every term with c cancels"),
            Step(total((x[r, i] - _mean(i)) * (x[r, j] - _mean(j)), r) / (n - 1), "the same without c"),
        ],
        poles=[n - 1],
        **ROWS,
        function="covariance",
    )


def chunks_add_up() -> Derivation:
    """The scatter of two chunks together is that of each, and a part for the distance of their means."""
    m = size("more", tex="m")
    p, q = index("p", m), index("q", m)
    left, right = vector(real("x"), n), vector(real("y"), m)
    first, second = total(left[s], s) / n, total(right[q], q) / m
    mu_x, mu_y = quantity(r"\mu_x", first), quantity(r"\mu_y", second)
    joint = (n * mu_x + m * mu_y) / (n + m)
    apart = total((left[r] - mu_x) ** 2, r) + total((right[p] - mu_y) ** 2, p)
    return Derivation(
        [
            Step(total((left[r] - joint) ** 2, r) + total((right[p] - joint) ** 2, p)),
            Step(apart + n * (mu_x - joint) ** 2 + m * (mu_y - joint) ** 2, "go by way of each chunk's own mean"),
            Step(apart + n * m / (n + m) * (mu_x - mu_y) ** 2, "put the joint mean in"),
        ],
        sizes=[{n: 2, m: 1}, {n: 2, m: 3}, {n: 3, m: 2}],
        expect="exact, all n",
    )


def not_centred() -> Derivation:
    """Without centring, a direction is praised for pointing at the mean."""
    along = total(x[r, j] * w[j], j)
    center = quantity(r"(\mu \cdot w)", total(total(x[s, i] * w[i], i), s) / n)
    return Derivation(
        [
            Step(total(along**2, r) / n),
            Step(total((along - center) ** 2, r) / n + center**2, "go by way of the mean: the rest sums to zero"),
        ],
        **ROWS,
    )


def first_axis() -> Derivation:
    """Where the variance along w is largest for its length, w is an eigenvector of the covariance."""
    spread_along = quantity(r"\operatorname{Var}", total(total(z[r, j] * w[j], j) ** 2, r) / (n - 1))
    product = quantity("(C w)_k", total(z[r, k] * total(z[r, j] * w[j], j), r) / (n - 1))
    return Derivation(
        [
            Step(D(spread_along - multiplier * (total(w[i] ** 2, i) - 1), w[k])),
            Step(
                2 * total(total(z[r, j] * w[j], j) * z[r, k], r) / (n - 1) - 2 * multiplier * w[k],
                "chain rule; the multiplier holds the length at 1",
            ),
            Step(
                2 * (product - multiplier * w[k]),
                "the sum is C w, as C = z' z / (n - 1): zero where w is an eigenvector",
            ),
        ],
        poles=[n - 1],
        **ROWS,
    )


def _plane() -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    """A covariance of two columns, and its larger eigenvalue."""
    one, two, both = positive("a"), positive("b"), real("c")
    half = quantity("h", sqrt(((one - two) / 2) ** 2 + both**2))
    return one, two, both, half


def variance_along_an_eigenvector() -> Derivation:
    """The variance along an eigenvector is its eigenvalue: here of two columns with variances a, b and covariance c."""
    one, two, both, half = _plane()
    top = quantity(r"\lambda_1", (one + two) / 2 + half)
    v = both, top - one
    return Derivation(
        [
            Step((one * v[0] ** 2 + 2 * both * v[0] * v[1] + two * v[1] ** 2) / (v[0] ** 2 + v[1] ** 2)),
            Step(
                (v[0] * (top * v[0]) + v[1] * (top * v[1])) / (v[0] ** 2 + v[1] ** 2),
                "(c, the eigenvalue less a) is an eigenvector: put it in",
            ),
            Step(top, "its length cancels"),
        ],
        poles=[both],
    )


def total_variance() -> Derivation:
    """The variances of the columns and those along the axes have one sum, so each axis has a share of it."""
    one, two, _, half = _plane()
    upper, lower = quantity(r"\lambda_1", (one + two) / 2 + half), quantity(r"\lambda_2", (one + two) / 2 - half)
    return Derivation([Step(upper + lower), Step(one + two, "the roots cancel: what is left is the trace")])


def largest_variance() -> Derivation:
    """No direction has more variance for its length than the first axis, whose variance is the largest eigenvalue."""
    return Derivation(
        [
            Step(total(spread[i] * w[i] ** 2, i)),
            Step(largest(spread[j], j) * total(w[i] ** 2, i), "seen from the axes; none is above the largest", "<="),
        ],
        **AXES,
    )


def reconstruction_error() -> Derivation:
    """What a direction leaves out of a row is the row's length less the part along it: more variance, less error."""
    row = vector(real("z"), d)
    along = quantity(r"(z \cdot w)", total(row[j] * w[j], j))
    return Derivation(
        [
            Step(total((row[i] - along / LENGTH * w[i]) ** 2, i)),
            Step(
                total(row[i] ** 2, i) - 2 * along * total(row[i] * w[i], i) / LENGTH + along**2 / LENGTH,
                "expand",
            ),
            Step(total(row[i] ** 2, i) - along**2 / LENGTH, "Pythagoras: the two parts stand at right angles"),
        ],
        poles=[LENGTH],
        **AXES,
    )


def discarded_variance() -> Derivation:
    """Seen from the axes, the error of keeping some of them is the sum of the variances along the others."""
    left = size("discarded", tex="m")
    b = index("b", left)
    y = vector(real("y"), n, left)
    kept, gone = total(total(z[r, i] ** 2, r), i), total(total(y[r, b] ** 2, r), b)
    along = named(r"\lambda", lambda place, *_: total(y[r, place] ** 2, r) / (n - 1), "subscript", (b, y.label, n))
    return Derivation(
        [
            Step(sp.Mul(kept + gone, 1 / (n - 1), evaluate=False) - kept / (n - 1)),
            Step(gone / (n - 1), "Pythagoras: z is kept, and y is what is left out"),
            Step(total(along(b, y.label, n), b), "the variances along the axes that are left out"),
        ],
        poles=[n - 1],
        sizes=[{n: 2, d: 2, left: 1}, {n: 3, d: 2, left: 2}, {n: 3, d: 1, left: 3}],
        expect="exact, all n",
    )


def no_better_subspace() -> Derivation:
    """No other subspace keeps more: what it takes from large eigenvalues it gives to smaller ones."""
    left = size("discarded", tex="m")
    b = index("b", left)
    edge, above = positive("c"), vector(positive("u"), d)
    below = vector(positive("v"), left)
    given, taken = vector(distribution("t"), left), vector(positive("q"), d)
    whole = total(taken[a], a)
    return Derivation(
        [
            Step(total((edge + above[i]) * taken[i], i) - total((edge - below[b]) * given[b] * total(taken[j], j), b)),
            Step(
                total(above[i] * taken[i], i) + whole * total(below[b] * given[b], b),
                "what is taken is given elsewhere, so c cancels",
            ),
            Step(sp.S.Zero, "nothing here is negative", ">="),
        ],
        sizes=[{d: 1, left: 2}, {d: 2, left: 2}, {d: 2, left: 3}],
        expect="exact, all n",
    )


def covariance_by_svd() -> Derivation:
    """With z = U S V', the covariance is V S² V' / (n - 1): its eigenvalues are the squares, shared out among n - 1."""
    m = size("m")
    b, c = index("b", m), index("c", m)
    sigma, v = vector(positive("sigma"), m), vector(real("v"), d, m)
    return Derivation(
        [
            Step(total(total(sigma[b] * v[i, b] * sigma[c] * v[j, c] * same(b, c), c), b) / (n - 1)),
            Step(total(sigma[b] ** 2 * v[i, b] * v[j, b], b) / (n - 1), "the columns of U are orthonormal: one term"),
        ],
        poles=[n - 1],
        sizes=[{n: 2, d: 2, m: 2}, {n: 3, d: 2, m: 2}, {n: 3, d: 3, m: 2}],
        expect="exact, all n",
    )


def gram() -> Derivation:
    """An eigenvector u of the small matrix z z' gives one of the large z' z, with the same eigenvalue: it is z' u."""
    u = vector(real("u"), n)
    return Derivation(
        [
            Step(total(total(z[r, i] * z[r, j], r) * total(z[s, j] * u[s], s), j)),
            Step(total(total(total(z[r, i] * z[r, j] * z[s, j] * u[s], j), s), r), "multiply out"),
            Step(
                total(z[r, i] * total(total(z[r, j] * z[s, j], j) * u[s], s), r),
                "add up over the columns first: between the rows stands z z'",
            ),
        ],
        sizes=ROWS["sizes"],
        expect="exact for (rows, columns) = (2, 2), (3, 2), (3, 3)",
    )


def whitening() -> Derivation:
    """Divided by the roots of their variances, the coordinates along the axes have the identity as covariance."""
    return Derivation(
        [
            Step(spread[i] * same(i, j) / (sqrt(spread[i]) * sqrt(spread[j]))),
            Step(same(i, j), "off the diagonal there was nothing; on it the roots cancel"),
        ],
        sizes=[{d: 2}, {d: 3}],
        expect="exact, all n",
    )


def scaled_columns() -> Derivation:
    """A column in other units has another variance, so the axes depend on the units."""
    unit = positive("c")
    return Derivation(
        [
            Step(total((unit * x[r, i] - unit * _mean(i)) ** 2, r) / (n - 1)),
            Step(unit**2 * total((x[r, i] - _mean(i)) ** 2, r) / (n - 1), "the factor stands before every deviation"),
        ],
        poles=[n - 1],
        **ROWS,
    )


def power_iteration() -> Derivation:
    """Each product with the covariance shrinks what is wrong, seen from the axes, by the ratio of two eigenvalues."""
    first, second, turns = positive("lambda_1", tex=r"\lambda_1"), between("share", 0, 1, tex=r"\rho"), positive("q")
    wanted, wrong = positive("w_1"), real("w_2")
    return Derivation(
        [
            Step((second * first) ** turns * wrong / (first**turns * wanted)),
            Step(second**turns * wrong / wanted, "what both powers share cancels"),
        ],
    )


def mixture_of_turns() -> Derivation:
    """Of the second turn less m times the first, nothing wrong is left where m is the second eigenvalue."""
    first, second, m = positive("lambda_1", tex=r"\lambda_1"), between("share", 0, 1, tex=r"\rho"), positive("m")
    wanted, wrong = positive("w_1"), real("w_2")
    part = lambda value, along: (value**2 - m * value) * along  # noqa: E731 (the same formula for both axes)
    return Derivation(
        [
            Step(part(second * first, wrong) / part(first, wanted)),
            Step(
                second * (second * first - m) / (first - m) * wrong / wanted, "one eigenvalue cancels above and below"
            ),
        ],
        poles=[first - m],
    )
