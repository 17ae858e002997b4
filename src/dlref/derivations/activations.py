"""The derivations of the activations."""

from functools import partial

import sympy as sp

from . import Derivation, Step, _symbols
from ._symbols import between, index, largest, named, positive, quantity, real, size, total, vector

n = size()
i, j, k = (index(name, n) for name in "ijk")
SIZES = [{n: 2}, {n: 3}, {n: 4}]
D, log, exp, sqrt, half, delta = sp.Derivative, sp.log, sp.exp, sp.sqrt, sp.Rational(1, 2), sp.KroneckerDelta
x, alpha, beta = real("x"), positive("alpha"), positive("beta")
scores = vector(real("x"), n)
sigma = _symbols.sigmoid
p = _symbols.softmax(scores)
relu_of = named(r"\operatorname{relu}", lambda t: sp.Max(0, t))
softplus_of = named(r"\operatorname{softplus}", lambda t: log(1 + exp(t)))
phi = named(r"\varphi", lambda t: exp(-(t**2) / 2) / sqrt(2 * sp.pi))
Phi = named(r"\Phi", lambda t: (1 + sp.erf(t / sqrt(2))) / 2)
on_cells = partial(Derivation, kinks=[x], expect="exact on open cells")
for_all_n = partial(Derivation, sizes=SIZES, expect="exact, all n")


def sigmoid() -> Derivation:
    """The sigmoid is the softmax of two scores, x and 0."""
    return Derivation(
        [
            Step(sigma(x)),
            Step(exp(x) / (exp(x) + 1), "the share of exp(x) beside exp(0)"),
            Step(1 / (1 + exp(-x)), "divide above and below by the first"),
        ],
        function="sigmoid",
    )


def sigmoid_undoes_the_log_odds() -> Derivation:
    """The log-odds of a sigmoid are what went in."""
    return Derivation(
        [
            Step(log(sigma(x) / (1 - sigma(x)))),
            Step(log((1 + exp(x)) / (1 + exp(-x))), "what is left to 1 is the sigmoid of the opposite"),
            Step(x, "the numerator is exp(x) times the denominator"),
        ],
    )


def sigmoid_is_symmetric() -> Derivation:
    """What a sigmoid leaves to 1 is the sigmoid of the opposite."""
    return Derivation(
        [
            Step(1 - sigma(x)),
            Step(exp(-x) / (1 + exp(-x)), "one fraction"),
            Step(1 / (1 + exp(x)), "multiply above and below by exp(x)"),
            Step(sigma(-x), "definition"),
        ],
    )


def sigmoid_grad() -> Derivation:
    """The sigmoid's slope is its value times what is left to 1."""
    return Derivation(
        [
            Step(D(sigma(x), x)),
            Step(exp(-x) / (1 + exp(-x)) ** 2, "chain rule"),
            Step(sigma(x) * (1 - sigma(x)), "one fraction is the sigmoid, the other what is left to 1"),
            Step(sigma(x) * sigma(-x), "which is the sigmoid of the opposite, and does not cancel"),
        ],
        function="sigmoid_grad",
    )


def sigmoid_slope_is_at_most_a_quarter() -> Derivation:
    """The sigmoid's slope is never above a quarter."""
    return Derivation(
        [
            Step(D(sigma(x), x)),
            Step(sigma(x) * (1 - sigma(x)), "slope of the sigmoid"),
            Step(sp.Rational(1, 4) - (sigma(x) - half) ** 2, "complete the square"),
            Step(sp.Rational(1, 4), "a square is never negative", "<="),
        ],
    )


def tanh() -> Derivation:
    """The hyperbolic tangent is a sigmoid, stretched to both sides of zero."""
    return Derivation(
        [
            Step(sp.tanh(x)),
            Step((exp(x) - exp(-x)) / (exp(x) + exp(-x)), "definition"),
            Step((1 - exp(-2 * x)) / (1 + exp(-2 * x)), "divide above and below by exp(x)"),
            Step(2 / (1 + exp(-2 * x)) - 1, "add 1 and take it away"),
            Step(2 * sigma(2 * x) - 1, "definition of the sigmoid"),
        ],
        function="tanh",
    )


def tanh_grad() -> Derivation:
    """The slope of tanh is 1 less its square."""
    return Derivation(
        [
            Step(D(sp.tanh(x), x)),
            Step((sp.cosh(x) ** 2 - sp.sinh(x) ** 2) / sp.cosh(x) ** 2, "quotient rule on sinh over cosh"),
            Step(1 - sp.tanh(x) ** 2, "one fraction at a time"),
            Step((1 + sp.tanh(x)) * (1 - sp.tanh(x)), "a difference of squares"),
            Step(4 * sigma(2 * x) * sigma(-2 * x), "each is twice a sigmoid, and neither cancels"),
        ],
        function="tanh_grad",
    )


def relu() -> Derivation:
    """The ReLU is the larger of its input and 0."""
    return on_cells(
        [
            Step(relu_of(x)),
            Step(sp.Piecewise((x, x > 0), (0, True)), "pass what is positive, stop the rest"),
            Step(sp.Max(0, x), "the larger of the two, in either case"),
        ],
        function="relu",
    )


def relu_grad() -> Derivation:
    """The ReLU passes the gradient on where it is on, and stops it where it is off."""
    return on_cells(
        [
            Step(D(relu_of(x), x)),
            Step(sp.Heaviside(x, 0), "the slope of x, or of 0: the bracket is 1 where it holds, else 0"),
        ],
        function="relu_grad",
    )


def _leaky(slope: sp.Expr) -> sp.Expr:
    return sp.Piecewise((x, x > 0), (slope * x, True))


def leaky_relu() -> Derivation:
    """A leaky ReLU is the positive part and a little of the negative one."""
    slope = positive("negative_slope", tex=r"\alpha")
    return on_cells(
        [
            Step(quantity("f", _leaky(slope))),
            Step(_leaky(slope), "definition"),
            Step(sp.Max(0, x) + slope * sp.Min(0, x), "one of the two parts is 0, in either case"),
        ],
        function="leaky_relu",
    )


def leaky_relu_grad() -> Derivation:
    """A leaky ReLU always lets something through."""
    slope = positive("negative_slope", tex=r"\alpha")
    return on_cells(
        [
            Step(D(quantity("f", _leaky(slope)), x)),
            Step(sp.Piecewise((1, x > 0), (slope, True)), "each branch has a slope of its own"),
        ],
        function="leaky_relu_grad",
    )


def prelu() -> Derivation:
    """A PReLU is one ReLU less a learned share of another that looks the other way."""
    slope = real("alpha")
    return on_cells(
        [
            Step(quantity("f", _leaky(slope))),
            Step(_leaky(slope), "definition"),
            Step(relu_of(x) - slope * relu_of(-x), "one of the two is 0, in either case"),
        ],
        function="prelu",
    )


def prelu_grad() -> Derivation:
    """By its input, a PReLU has the slope 1 or the learned one."""
    slope = real("alpha")
    return on_cells(
        [
            Step(D(quantity("f", _leaky(slope)), x)),
            Step(sp.Piecewise((1, x > 0), (slope, True)), "each branch has a slope of its own"),
        ],
        function="prelu_grad",
    )


def prelu_grad_by_alpha() -> Derivation:
    """A PReLU learns its slope from negative inputs only."""
    slope = real("alpha")
    return on_cells(
        [
            Step(D(quantity("f", _leaky(slope)), slope)),
            Step(sp.Piecewise((0, x > 0), (x, True)), "only the negative branch holds the slope"),
            Step(sp.Min(0, x), "the smaller of the two, in either case"),
        ],
    )


def _elu(scale: sp.Expr) -> sp.Expr:
    return sp.Piecewise((x, x > 0), (scale * (exp(x) - 1), True))


def elu() -> Derivation:
    """An ELU is a ReLU plus an exponential that levels off on the left."""
    return on_cells(
        [
            Step(quantity("f", _elu(alpha))),
            Step(_elu(alpha), "definition"),
            Step(sp.Max(0, x) + alpha * (exp(sp.Min(0, x)) - 1), "one of the two is 0: no exponential overflows"),
        ],
        function="elu",
    )


def elu_grad() -> Derivation:
    """On the left an ELU's slope is its output plus alpha."""
    f = quantity("f", _elu(alpha))
    return on_cells(
        [
            Step(D(f, x)),
            Step(sp.Piecewise((1, x > 0), (f + alpha, True)), "the exponential is its own slope"),
            Step(sp.Piecewise((1, x > 0), (alpha * exp(x), True)), "put the output in"),
        ],
        function="elu_grad",
    )


def elu_has_a_corner_unless_alpha_is_1() -> Derivation:
    """Where ELU's branches meet, their slopes differ by 1 less alpha."""
    return Derivation(
        [
            Step(D(x, x) - D(alpha * (exp(x) - 1), x)),
            Step(1 - alpha * exp(x), "slopes of the right and of the left branch"),
            Step(1 - alpha - alpha * (exp(x) - 1), "the last bracket is 0 where they meet"),
        ],
    )


def elu_joins_smoothly_at_alpha_1() -> Derivation:
    """With alpha = 1 the line on the right is the tangent, at 0, of the curve on the left: no jump, no corner."""
    return Derivation(
        [
            Step(exp(x) - 1),
            Step(x, "value and slope agree at 0, and the curve is convex", ">=", touch=(x, sp.S.Zero)),
        ],
    )


z = real("z")
LEFT, RIGHT = (z, -sp.oo, 0), (z, 0, sp.oo)


def _selu_constants() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """SELU's alpha, the second moment that it leaves, and the scale that makes that 1."""
    fixed = quantity(r"\alpha", 1 / sqrt(2 * sp.pi) / (half - sqrt(sp.E) * Phi(-1)))
    moment = half + fixed**2 * (exp(2) * Phi(-2) - 2 * sqrt(sp.E) * Phi(-1) + half)
    return fixed, moment, quantity(r"\lambda", 1 / sqrt(moment))


def _to_five_places(number: sp.Expr) -> sp.Expr:
    return sp.floor(100000 * number) / 100000


def selu_alpha() -> Derivation:
    """SELU's alpha is where a standard normal comes out with mean 0: 1.67326, and more places."""
    fixed, *_ = _selu_constants()
    return Derivation(
        [
            Step(_to_five_places(fixed)),
            Step(quantity("1.67326", sp.Rational(167326, 100000)), "the mean's positive part over its negative one"),
        ],
    )


def selu_keeps_mean_0() -> Derivation:
    """With that alpha a standard normal comes out of SELU with mean 0."""
    fixed, *_ = _selu_constants()
    return Derivation(
        [
            Step(sp.Integral(z * phi(z), RIGHT) + fixed * sp.Integral((exp(z) - 1) * phi(z), LEFT)),
            Step(1 / sqrt(2 * sp.pi) - fixed * (half - sqrt(sp.E) * Phi(-1)), "two Gaussian integrals"),
            Step(sp.S.Zero, "put alpha in"),
        ],
    )


def selu_lambda() -> Derivation:
    """SELU's scale is one over the deviation that is left: 1.05070, and more places."""
    *_, scale = _selu_constants()
    return Derivation(
        [
            Step(_to_five_places(scale)),
            Step(quantity("1.05070", sp.Rational(105070, 100000)), "one over the root of the second moment"),
        ],
    )


def selu_keeps_variance_1() -> Derivation:
    """With both constants a standard normal comes out of SELU with variance 1."""
    fixed, moment, scale = _selu_constants()
    return Derivation(
        [
            Step(
                scale**2
                * (sp.Integral(z**2 * phi(z), RIGHT) + fixed**2 * sp.Integral((exp(z) - 1) ** 2 * phi(z), LEFT))
            ),
            Step(scale**2 * moment, "three Gaussian integrals"),
            Step(sp.S.One, "put lambda in"),
        ],
    )


def selu() -> Derivation:
    """SELU is an ELU with that alpha, times that scale."""
    fixed, _, scale = _selu_constants()
    cases = sp.Piecewise((scale * x, x > 0), (scale * fixed * (exp(x) - 1), True))
    return on_cells(
        [
            Step(quantity("f", cases)),
            Step(cases, "definition"),
            Step(scale * (sp.Max(0, x) + fixed * (exp(sp.Min(0, x)) - 1)), "the scale before an ELU"),
        ],
        function="selu",
    )


def selu_grad() -> Derivation:
    """On the left, SELU's slope starts above its slope on the right: there is a corner at 0."""
    fixed, _, scale = _selu_constants()
    return on_cells(
        [
            Step(D(quantity("f", scale * _elu(fixed)), x)),
            Step(scale * D(_elu(fixed), x), "the scale is a constant"),
            Step(sp.Piecewise((scale, x > 0), (scale * fixed * exp(x), True)), "each branch has a slope of its own"),
        ],
        function="selu_grad",
    )


def gelu() -> Derivation:
    """GELU weights its input by the chance that a standard normal lies below it."""
    return Derivation(
        [
            Step(x * Phi(x)),
            Step(x * (half + sp.Integral(phi(z), (z, 0, x))), "half of it lies below 0, and this much between 0 and x"),
            Step(x * (1 + sp.erf(x / sqrt(2))) / 2, "definition of the error function"),
        ],
        function="gelu",
    )


def gelu_grad() -> Derivation:
    """GELU's slope is its gate, and what the gate's own slope adds."""
    return Derivation(
        [
            Step(D(x * Phi(x), x)),
            Step(Phi(x) + x * D(Phi(x), x), "product rule"),
            Step(Phi(x) + x * phi(x), "the slope of a distribution function is its density"),
        ],
        function="gelu_grad",
    )


def _cubic() -> tuple[sp.Expr, sp.Expr]:
    """What the tanh form of GELU puts into tanh, and its slope."""
    share = quantity("c", sp.Rational(44715, 1000000))
    return quantity("u", sqrt(2 / sp.pi) * (x + share * x**3)), sqrt(2 / sp.pi) * (1 + 3 * share * x**2)


def gelu_tanh() -> Derivation:
    """GELU's tanh form, where c is 0.044715, has a sigmoid for its gate."""
    u, _ = _cubic()
    return Derivation(
        [
            Step(x * (1 + sp.tanh(u)) / 2),
            Step(x * (1 + (1 - exp(-2 * u)) / (1 + exp(-2 * u))) / 2, "tanh in exponentials"),
            Step(x * sigma(2 * u), "one fraction: a sigmoid, which does not cancel on the left"),
        ],
    )


def gelu_tanh_grad() -> Derivation:
    """The slope of GELU's tanh form is its gate, and what the gate's own slope adds."""
    u, slope = _cubic()
    return Derivation(
        [
            Step(D(x * sigma(2 * u), x)),
            Step(sigma(2 * u) + 2 * x * sigma(2 * u) * sigma(-2 * u) * D(u, x), "product rule, slope of the sigmoid"),
            Step(sigma(2 * u) + 2 * x * sigma(2 * u) * sigma(-2 * u) * slope, "power rule"),
        ],
    )


def swish() -> Derivation:
    """Swish has the shape of GELU's tanh form, without the cube."""
    return Derivation(
        [
            Step(x * (1 + sp.tanh(beta * x / 2)) / 2),
            Step(x * sigma(beta * x), "tanh is a stretched sigmoid"),
            Step(x / (1 + exp(-beta * x)), "definition of the sigmoid"),
        ],
        function="swish",
    )


def swish_grad() -> Derivation:
    """Swish's slope is its gate, and what the gate's own slope adds."""
    gate = sigma(beta * x)
    return Derivation(
        [
            Step(D(x * gate, x)),
            Step(gate + x * D(gate, x), "product rule"),
            Step(gate + beta * x * gate * sigma(-beta * x), "slope of the sigmoid"),
            Step(gate * (1 + beta * x * sigma(-beta * x)), "take out the gate"),
        ],
        function="swish_grad",
    )


def swish_is_below_relu() -> Derivation:
    """Swish is the ReLU less an amount that fades on both sides, the faster the larger beta is."""
    return on_cells(
        [
            Step(relu_of(x) - x * sigma(beta * x)),
            Step(sp.Abs(x) * sigma(-beta * sp.Abs(x)), "what the gate lets through on the left and stops on the right"),
        ],
    )


def softplus() -> Derivation:
    """Softplus has a form that never overflows: the ReLU, and a logarithm that fades on both sides."""
    return on_cells(
        [
            Step(softplus_of(x)),
            Step(log(1 + exp(x)), "definition"),
            Step(sp.Max(0, x) + log(1 + exp(-sp.Abs(x))), "take out the larger exponential"),
        ],
        function="softplus",
    )


def softplus_grad() -> Derivation:
    """The slope of softplus is the sigmoid."""
    return Derivation(
        [
            Step(D(softplus_of(x), x)),
            Step(exp(x) / (1 + exp(x)), "chain rule"),
            Step(sigma(x), "divide above and below by exp(x)"),
        ],
        function="softplus_grad",
    )


def softmax() -> Derivation:
    """The softmax stays what it is when the largest score is taken off all: then nothing overflows."""
    top = largest(scores[i], i)
    return for_all_n(
        [
            Step(p(k)),
            Step(exp(scores[k]) / total(exp(scores[j]), j), "definition"),
            Step(exp(scores[k] - top) / total(exp(scores[j] - top), j), "divide above and below by the largest term"),
        ],
        function="softmax",
    )


def softmax_grad() -> Derivation:
    """Raising one score raises its own probability and lowers all others."""
    return for_all_n(
        [
            Step(D(p(i), scores[k])),
            Step(delta(i, k) * p(i) - exp(scores[i]) * exp(scores[k]) / total(exp(scores[j]), j) ** 2, "quotient rule"),
            Step(p(i) * (delta(i, k) - p(k)), "take out the probability"),
        ],
        function="softmax_grad",
    )


def softmax_rows_sum_to_0() -> Derivation:
    """Each row of the softmax's Jacobian sums to 0: the same added to all scores changes nothing."""
    return for_all_n(
        [
            Step(total(p(i) * (delta(i, k) - p(k)), k)),
            Step(p(i) * (1 - total(p(k), k)), "the bracket picks one term"),
            Step(sp.S.Zero, "the probabilities sum to one"),
        ],
    )


def softmax_pulls_back() -> Derivation:
    """Back through a softmax, each score gets its probability times its own slope from above less the average one."""
    g = vector(real("g"), n)
    return for_all_n(
        [
            Step(D(total(g[i] * p(i), i), scores[k])),
            Step(total(g[i] * p(i) * (delta(i, k) - p(k)), i), "the Jacobian"),
            Step(p(k) * (g[k] - total(g[i] * p(i), i)), "the bracket picks one term"),
        ],
    )


def log_softmax() -> Derivation:
    """The logarithm of a softmax needs no softmax."""
    return for_all_n(
        [
            Step(log(p(k))),
            Step(log(exp(scores[k]) / total(exp(scores[j]), j)), "definition"),
            Step(scores[k] - log(total(exp(scores[j]), j)), "the logarithm of a fraction"),
        ],
        function="log_softmax",
    )


def log_softmax_grad() -> Derivation:
    """Raising one score raises its own log-probability, and lowers all by its probability."""
    return for_all_n(
        [
            Step(D(log(p(i)), scores[k])),
            Step(D(p(i), scores[k]) / p(i), "slope of the logarithm"),
            Step(delta(i, k) - p(k), "the softmax's Jacobian"),
        ],
        function="log_softmax_grad",
    )


def logsumexp() -> Derivation:
    """Log-sum-exp stays what it is when the largest entry is taken off before and put back after."""
    top = largest(scores[i], i)
    return for_all_n(
        [
            Step(quantity(r"\operatorname{LSE}(x)", log(total(exp(scores[j]), j)))),
            Step(log(exp(top) * total(exp(scores[j] - top), j)), "take out the largest term"),
            Step(top + log(total(exp(scores[j] - top), j)), "the logarithm of a product"),
        ],
        function="logsumexp",
    )


def logsumexp_grad() -> Derivation:
    """The gradient of log-sum-exp is the softmax."""
    return for_all_n(
        [
            Step(D(quantity(r"\operatorname{LSE}(x)", log(total(exp(scores[j]), j))), scores[k])),
            Step(D(total(exp(scores[j]), j), scores[k]) / total(exp(scores[j]), j), "chain rule"),
            Step(exp(scores[k]) / total(exp(scores[j]), j), "only one term depends on its entry"),
            Step(p(k), "definition"),
        ],
        function="logsumexp_grad",
    )


units, pieces = size("outputs", tex="m"), size("pieces", tex="K")
unit, piece, other = index("o", units), index("l", pieces), index("q", pieces)
weight, bias = vector(real("weight", tex="w"), pieces, units, n), vector(real("bias", tex="b"), pieces, units)
NETS = [{n: 1, units: 2, pieces: 2}, {n: 2, units: 1, pieces: 2}]


def _affine(piece: sp.Expr, unit: sp.Expr, *_: sp.Expr) -> sp.Expr:
    return total(weight[piece, unit, j] * scores[j], j) + bias[piece, unit]


def _wins(piece: sp.Expr, unit: sp.Expr, *_: sp.Expr) -> sp.Expr:
    return sp.Piecewise((1, affine(piece, unit, *DATA) >= largest(affine(other, unit, *DATA), other)), (0, True))


affine, winner = named("a", _affine, "subscript", shown=2), named(r"\omega", _wins, "subscript", shown=2)
DATA = weight.label, scores.label, bias.label, n, pieces


def _piece(place: sp.Expr) -> sp.Expr:
    return affine(place, unit, *DATA)


def maxout() -> Derivation:
    """A maxout unit is its first piece, and a ReLU of how far the best piece exceeds it."""
    first = _piece(sp.S.One)
    return Derivation(
        [
            Step(quantity("f_o", largest(_piece(piece), piece))),
            Step(largest(_piece(piece), piece), "the largest affine piece"),
            Step(first + sp.Max(0, largest(_piece(piece) - first, piece)), "the first piece is one of them"),
        ],
        kinks=[_piece(piece) - _piece(other)],
        sizes=[*NETS, {n: 1, units: 1, pieces: 3}],
        expect="exact for (n, outputs, pieces) = (1, 2, 2), (2, 1, 2), (1, 1, 3)",
        function="maxout",
    )


def maxout_grad() -> Derivation:
    """A maxout unit has the slope of its winning piece."""
    wins = winner(piece, unit, *DATA)
    return Derivation(
        [
            Step(D(quantity("f_o", largest(_piece(piece), piece)), scores[k])),
            Step(total(wins * D(_piece(piece), scores[k]), piece), "only the largest piece counts"),
            Step(total(wins * weight[piece, unit, k], piece), "slope of an affine piece"),
        ],
        kinks=[_piece(piece) - _piece(other)],
        sizes=NETS,
        expect="exact for (n, outputs, pieces) = (1, 2, 2), (2, 1, 2)",
        function="maxout_grad",
    )


def _maxout_of_two(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """A maxout of two lines through the origin, shown by their slopes."""
    lines = named(r"\operatorname{maxout}", lambda t, u, v: sp.Max(u * t, v * t), shown=3)
    return lines(x, a, b)


def relu_is_a_maxout() -> Derivation:
    """The ReLU is a maxout of the lines with slopes 1 and 0."""
    return on_cells(
        [
            Step(_maxout_of_two(sp.S.One, sp.S.Zero)),
            Step(sp.Piecewise((x, x > 0), (0, True)), "the larger of x and 0"),
            Step(relu_of(x), "definition"),
        ],
    )


def leaky_relu_is_a_maxout() -> Derivation:
    """A leaky ReLU whose slope is below 1 is a maxout of the lines with the slopes 1 and that one."""
    slope = between("negative_slope", 0, 1, tex=r"\alpha")
    return on_cells(
        [
            Step(_maxout_of_two(sp.S.One, slope)),
            Step(sp.Max(x, slope * x), "definition"),
            Step(_leaky(slope), "below 1, the smaller slope is the larger line where x is negative"),
        ],
    )


def positive_inputs_share_the_sign_of_the_gradient() -> Derivation:
    """If all inputs of a unit are positive, no two of its weights have gradients of opposite sign."""
    inputs, w, g = vector(positive("x"), n), vector(real("w"), n), real("g")
    loss = g * total(w[j] * inputs[j], j)
    return for_all_n(
        [
            Step(D(loss, w[i]) * D(loss, w[k])),
            Step(g**2 * inputs[i] * inputs[k], "the slope g from above, times the weight's own input"),
            Step(sp.S.Zero, "a square, times two positive inputs", ">="),
        ],
    )
