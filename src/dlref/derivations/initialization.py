"""The derivations of initialization: what a layer does to the mean square of what runs through it.

A weight has mean 0 and the variance v, and is independent of the others. What a layer multiplies a mean square by on
the way up it multiplies a gradient's by on the way down, with the fans exchanged.
"""

import sympy as sp

from . import Derivation, Step
from ._symbols import index, named, positive, quantity, real, size, total, vector

n = size()
i, j, k = (index(name, n) for name in "ijk")
SIZES = [{n: 2}, {n: 3}, {n: 4}]
v, q, a, s, z = positive("v"), positive("q"), real("a"), positive("s"), real("z")
fan_in, fan_out = positive("fan_in", tex=r"n_{\mathrm{in}}"), positive("fan_out", tex=r"n_{\mathrm{out}}")
phi = named(r"\varphi", lambda t: sp.exp(-(t**2) / 2) / sp.sqrt(2 * sp.pi))
leaky_relu = named("f", lambda t, slope: sp.Piecewise((t, t > 0), (slope * t, True)))
passed_on = quantity("g", (1 + a**2) / 2)
VARIANCE = r"\operatorname{Var}(w)"


def one_more_input() -> Derivation:
    """A weight of random sign adds its own square and no cross term."""
    rest, weight, x = real("S"), real("w"), real("x")
    return Derivation(
        [
            Step(((rest + weight * x) ** 2 + (rest - weight * x) ** 2) / 2),
            Step(
                rest**2 + (weight * x) ** 2,
                "w and -w are equally likely, whatever the sum S of the others is: the cross terms cancel",
            ),
        ],
    )


def linear_layer() -> Derivation:
    """The variance of a sum of n products is n times that of a weight times the mean square of the inputs."""
    x = vector(real("x"), n)

    def moment(place: sp.Expr, *_: sp.Expr) -> sp.Expr:
        return total(v * sp.KroneckerDelta(place, j) * x[j], j)

    with_y = named(r"\operatorname{E}[w_i y]", moment, "bare")
    square = quantity(r"\overline{x^2}", total(x[i] ** 2, i) / n)
    return Derivation(
        [
            Step(total(with_y(i, v, x.label, n) * x[i], i)),
            Step(total(v * x[i] ** 2, i), "weights of mean 0 and variance v, each independent of the others"),
            Step(n * v * square, "the mean square of the inputs, which may depend on each other and have any mean"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def one_more_layer() -> Derivation:
    """Over L linear layers the variance is multiplied by a power: it dies or explodes unless n v is 1."""
    width, depth = positive("n"), positive("L")
    return Derivation(
        [
            Step(width * v * quantity("q_L", q * (width * v) ** depth)),
            Step(q * (width * v) ** (depth + 1), "one more factor: L layers multiply by the power L"),
        ],
    )


def relu_gain() -> Derivation:
    """A ReLU passes half of the mean square of a standard normal input."""
    return Derivation(
        [
            Step(sp.Integral(z**2 * phi(z), (z, 0, sp.oo))),
            Step(sp.Integral(z**2 * phi(z), (z, -sp.oo, sp.oo)) / 2, "the square and the density are symmetric"),
            Step(sp.Rational(1, 2), "a standard normal has variance 1"),
        ],
    )


def leaky_relu_gain() -> Derivation:
    """A leaky ReLU of slope a passes the share (1 + a²)/2 of the mean square of whatever is symmetric around 0."""
    return Derivation(
        [
            Step((leaky_relu(s, a) ** 2 + leaky_relu(-s, a) ** 2) / 2),
            Step((s**2 + (a * s) ** 2) / 2, "whatever the size s is, both signs are equally likely"),
            Step(passed_on * s**2, "the share g is half of 1 plus a squared, and 1/2 for the ReLU"),
        ],
    )


def lecun_normal() -> Derivation:
    """LeCun's rule keeps the variance of a linear layer."""
    everything = quantity("g", sp.S.One)
    return Derivation(
        [
            Step(quantity(VARIANCE, 1 / (fan_in * everything))),
            Step(1 / (fan_in * everything), "the next mean square is fan-in times Var(w) times g times this one"),
            Step(1 / fan_in, "without an activation the share g that is passed on is 1"),
        ],
    )


def he_normal() -> Derivation:
    """He's rule keeps the mean square through a leaky ReLU of slope a, which is 0 for the ReLU."""
    return Derivation(
        [
            Step(quantity(VARIANCE, 1 / (fan_in * passed_on))),
            Step(1 / (fan_in * passed_on), "the next mean square is fan-in times Var(w) times g times this one"),
            Step(2 / ((1 + a**2) * fan_in), "the share g that the activation passes on"),
        ],
    )


def he_normal_on_the_way_down() -> Derivation:
    """With He's rule a gradient's mean square is multiplied by fan-out over fan-in, so square layers keep it too."""
    variance = quantity(VARIANCE, 2 / ((1 + a**2) * fan_in))
    return Derivation(
        [
            Step(fan_out * variance * (1 + a**2) / 2),
            Step(fan_out / fan_in, "the mean square of the slopes 1 and a is half of 1 plus a squared"),
        ],
    )


def xavier_normal() -> Derivation:
    """Xavier's rule is one over the mean of the two fans."""
    mean = quantity(r"\bar n", (fan_in + fan_out) / 2)
    return Derivation(
        [
            Step(quantity(VARIANCE, 1 / mean)),
            Step(1 / mean, "the signal asks for one over the fan-in, the gradient for one over the fan-out"),
            Step(2 / (fan_in + fan_out), "the mean of the two"),
        ],
    )


def xavier_is_a_compromise() -> Derivation:
    """Between unequal fans no variance keeps both signal and gradient: Xavier's loses as the square of their gap."""
    variance = quantity(VARIANCE, 2 / (fan_in + fan_out))
    return Derivation(
        [
            Step(fan_in * variance * fan_out * variance),
            Step(
                1 - ((fan_in - fan_out) / (fan_in + fan_out)) ** 2,
                "four times a product is the sum squared, less the gap squared",
            ),
            Step(sp.S.One, "a square is never negative, and is 0 for equal fans", "<="),
        ],
    )


def _uniform(limit: sp.Expr, variance: sp.Expr) -> Derivation:
    w, b = real("w"), quantity("b", limit)
    return Derivation(
        [
            Step(sp.Integral(w**2 / (2 * b), (w, -b, b))),
            Step(b**2 / 3, "the variance of a uniform distribution from -b to b"),
            Step(variance, "put the limit b in"),
        ],
    )


def xavier_uniform() -> Derivation:
    """Within the root of 6 over the sum of the fans, uniform weights have Xavier's variance."""
    return _uniform(sp.sqrt(6 / (fan_in + fan_out)), 2 / (fan_in + fan_out))


def he_uniform() -> Derivation:
    """Within the root of 6 over (1 + a²) times the fan-in, uniform weights have He's variance."""
    return _uniform(sp.sqrt(6 / ((1 + a**2) * fan_in)), 2 / ((1 + a**2) * fan_in))


def orthogonal() -> Derivation:
    """A reflection keeps the length of every vector, and an orthogonal matrix is a product of reflections."""
    x, u = vector(real("x"), n), vector(real("u"), n)
    along = quantity("c", total(u[j] * x[j], j) / total(u[k] ** 2, k))
    return Derivation(
        [
            Step(total((x[i] - 2 * along * u[i]) ** 2, i)),
            Step(
                total(x[i] ** 2, i) - 4 * along * total(u[i] * x[i], i) + 4 * along**2 * total(u[i] ** 2, i),
                "expand: c is the share of x along u",
            ),
            Step(total(x[i] ** 2, i), "the two last terms are the same"),
        ],
        poles=[total(u[k] ** 2, k)],
        sizes=SIZES,
        expect="exact, all n",
    )


def lsuv() -> Derivation:
    """Outputs divided by their standard deviation have variance 1; a layer without bias divides with its weight."""
    y = vector(real("y"), n)
    mean = quantity(r"\bar y", total(y[j], j) / n)
    deviation = quantity(r"\sigma", sp.sqrt(total((y[k] - mean) ** 2, k) / n))
    return Derivation(
        [
            Step(total((y[i] / deviation - mean / deviation) ** 2, i) / n),
            Step(total((y[i] - mean) ** 2, i) / (n * deviation**2), "the mean is divided too"),
            Step(sp.S.One, "the sum is n times the variance"),
        ],
        poles=[deviation],
        sizes=SIZES,
        expect="exact, all n",
    )


def residual_block() -> Derivation:
    """A branch whose last weights have mean 0 adds its mean square to what passes it by."""
    h, branch = real("h"), real("r")
    return Derivation(
        [
            Step(((h + branch) ** 2 + (h - branch) ** 2) / 2),
            Step(h**2 + branch**2, "the branch is as likely to have the other sign: the cross terms cancel"),
        ],
    )


def residual_blocks_grow() -> Derivation:
    """If each branch adds the share c, the variance after L blocks has grown by at least L times c."""
    share, depth = positive("c"), size("L")
    return Derivation(
        [
            Step((1 + share) ** depth),
            Step(1 + depth * share, "Bernoulli: a power lies above its tangent at 0", ">=", touch=(share, sp.S.Zero)),
        ],
        sizes=[{depth: 1}, {depth: 2}, {depth: 7}],
        expect="exact, all n",
    )


def residual_blocks_grow_no_faster() -> Derivation:
    """Over L blocks the variance grows to less than exp(L c): with c = 1/L below e times its start, at any depth."""
    share, depth = positive("c"), positive("L")
    return Derivation(
        [
            Step(sp.log((1 + share) ** depth)),
            Step(depth * sp.log(1 + share), "the logarithm of a power"),
            Step(depth * share, "a logarithm lies below its tangent at 1", "<=", touch=(share, sp.S.Zero)),
        ],
    )
