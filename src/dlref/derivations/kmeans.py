"""The derivations of k-means: why neither half of a step can raise the inertia, and what the other distances change.

Distances are squared and add up over the columns, so one column stands for all of them where nothing mixes columns.
"""

import sympy as sp

from . import Derivation, Step
from ._symbols import index, positive, quantity, real, size, total, vector

n = size()
i, j = index("i", n), index("j", n)
x, c = vector(real("x"), n), real("c")
mean = quantity(r"\bar x", total(x[j], j) / n)
within = total((x[i] - mean) ** 2, i)
ALL_N = {"sizes": [{n: 2}, {n: 3}, {n: 4}], "expect": "exact, all n"}

d = size("d")
m = index("m", d)
row, centroid = vector(real("x"), d), vector(real("c"), d)
w, h = positive("w"), positive("h")
ALL_D = {"sizes": [{d: 2}, {d: 3}], "expect": "exact, all n"}


def centroids_step() -> Derivation:
    """The mean of its rows is the best place for a centroid: moving there cannot raise the inertia."""
    return Derivation(
        [
            Step(total((x[i] - c) ** 2, i)),
            Step(within + 2 * (mean - c) * total(x[i] - mean, i) + n * (mean - c) ** 2, "go by way of the mean"),
            Step(within + n * (mean - c) ** 2, "deviations from the mean sum to zero"),
            Step(within, "a square is never negative, and zero only at the mean", ">="),
        ],
        **ALL_N,
    )


def centroids_step_is_a_gradient_step() -> Derivation:
    """The slope of the inertia by a centroid is zero at the mean alone: the rule 1/(2n) times the slope leads there."""
    return Derivation(
        [
            Step(sp.Derivative(total((x[i] - c) ** 2, i), c)),
            Step(-2 * total(x[i] - c, i), "power rule, term by term"),
            Step(2 * n * (c - mean), "n equal terms, and the sum of the rows is n times their mean"),
        ],
        **ALL_N,
    )


def assignment_step() -> Derivation:
    """To go to the nearest centroid cannot raise a row's share of the inertia."""
    old, new = positive("d"), positive("d_j", tex="d'")  # the squared distances to its own centroid and to another
    return Derivation(
        [
            Step(old),
            Step(sp.Min(old, new), "it may stay where it was, so the lesser of the two is no larger", ">="),
        ],
        kinks=[old - new],
        expect="exact on open cells",
    )


def total_is_within_plus_between() -> Derivation:
    """All the spread there is lies within the clusters or between them: with one the other is known."""
    p, q = size("p"), size("q")
    a, b = vector(real("a"), p), vector(real("b"), q)
    u, v = index("u", p), index("v", q)
    first, second = quantity(r"\bar a", total(a[u], u) / p), quantity(r"\bar b", total(b[v], v) / q)
    inside = total((a[u] - first) ** 2, u) + total((b[v] - second) ** 2, v)
    between = p * (first - c) ** 2 + q * (second - c) ** 2
    cross = 2 * (first - c) * total(a[u] - first, u) + 2 * (second - c) * total(b[v] - second, v)
    return Derivation(
        [
            Step(total((a[u] - c) ** 2, u) + total((b[v] - c) ** 2, v)),
            Step(inside + cross + between, "go by way of the mean of each cluster"),
            Step(inside + between, "deviations from a mean sum to zero, whatever c is, the mean of all rows too"),
        ],
        sizes=[{p: 2, q: 3}, {p: 1, q: 2}],
        expect="exact, all n",
    )


def a_row_as_a_centroid_costs_twice() -> Derivation:
    """A centroid on one of its rows, any with the same chance, costs twice the mean's inertia on average."""
    return Derivation(
        [
            Step(total(total((x[i] - x[j]) ** 2, i), j) / n),
            Step(total(within + n * (mean - x[j]) ** 2, j) / n, "for each such row, go by way of the mean"),
            Step(2 * within, "n equal terms, and the squares around the mean once more"),
        ],
        **ALL_N,
    )


def nearest_by_a_product() -> Derivation:
    """The nearest centroid is found by a matrix product: the square of the row is the same for all of them."""
    return Derivation(
        [
            Step(total((row[m] - centroid[m]) ** 2, m)),
            Step(
                total(row[m] ** 2, m) - 2 * total(row[m] * centroid[m], m) + total(centroid[m] ** 2, m),
                "expand the square: the sum of the x squared does not know the centroid",
            ),
        ],
        **ALL_D,
    )


def minibatch_step() -> Derivation:
    """To go a share 1/N of the way to the N-th row is to stay the mean of all rows so far."""
    seen, old, new = positive("s"), real("S"), real("x")
    average = quantity("c", old / seen)
    return Derivation(
        [
            Step(average + (new - average) / (seen + 1)),
            Step((seen * average + new) / (seen + 1), "one denominator"),
            Step((old + new) / (seen + 1), "the sum of s rows with mean c is s c"),
        ],
    )


def median_between_two() -> Derivation:
    """Between two rows every place is as good as any other, and outside worse: so the median, pair by pair."""
    left, gap = real("a"), positive("g")
    right = left + gap
    return Derivation(
        [
            Step(sp.Abs(left - c) + sp.Abs(right - c)),
            Step(gap, "the way from a to a + g by way of c is no shorter than the straight one", ">="),
        ],
        kinks=[left - c, right - c],
        expect="exact on open cells",
    )


def cosine_is_a_distance() -> Derivation:
    """Between vectors of length 1 the squared distance is twice one less the cosine."""
    alpha, beta = real("alpha"), real("beta")
    return Derivation(
        [
            Step((sp.cos(alpha) - sp.cos(beta)) ** 2 + (sp.sin(alpha) - sp.sin(beta)) ** 2),
            Step(
                2 - 2 * (sp.cos(alpha) * sp.cos(beta) + sp.sin(alpha) * sp.sin(beta)),
                "expand; each vector has length 1",
            ),
            Step(2 * (1 - sp.cos(alpha - beta)), "the product of two vectors of length 1 is the cosine between them"),
        ],
    )


def mahalanobis_by_whitening() -> Derivation:
    """The Mahalanobis distance is the Euclidean one after a linear map: here with two columns of correlation r."""
    u, v, r = real("u"), real("v"), real("r")
    rest = quantity("q", 1 - r**2)
    return Derivation(
        [
            Step((u**2 - 2 * r * u * v + v**2) / rest),
            Step((u**2 * (1 - r**2) + (v - r * u) ** 2) / rest, "complete the square in v"),
            Step(u**2 + (v - r * u) ** 2 / rest, "u itself, and what u does not say of v, at its own scale"),
        ],
        poles=[1 - r**2],
    )


def silhouette() -> Derivation:
    """The silhouette of a row that is nearer to its own cluster is one less the ratio of the two distances."""
    a, gap = positive("a"), positive("g")
    b = quantity("b", a + gap)
    return Derivation(
        [
            Step((b - a) / b),
            Step(1 - a / b, "b exceeds a, here by g, and the larger of the two divides"),
            Step(sp.Integer(1), "a distance is never negative", "<="),
        ],
    )


def stuck_start_stays() -> Derivation:
    """The corners of a box, cut into top and bottom, stay so: each is nearer to its own mean, however wide the box."""
    own, other = quantity("d", (w / 2) ** 2), quantity(r"d'", (w / 2) ** 2 + h**2)
    return Derivation(
        [
            Step(other - own),
            Step(h**2, "both means lie in the middle of the width, one of them a height away"),
            Step(sp.Integer(0), "so the other mean is farther", ">="),
        ],
    )


def stuck_start_costs() -> Derivation:
    """A start that cuts a wide box along its width costs as much more as the square of width over height."""
    cut_wrongly, cut_well = (
        quantity("E_w", 4 * (w / 2) ** 2),
        quantity("E_h", 4 * (h / 2) ** 2),
    )
    return Derivation(
        [
            Step(cut_wrongly / cut_well),
            Step((w / h) ** 2, "each of the four rows lies half a side from its mean"),
        ],
    )
