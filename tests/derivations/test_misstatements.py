"""Statements that study notes get wrong: the right one passes, the wrong one is refused with a counterexample."""

from dataclasses import dataclass, field

import pytest
import sympy as sp

from dlref.derivations import Derivation, Step, WrongStep
from dlref.derivations._symbols import (
    between,
    index,
    one_of,
    positive,
    real,
    sigmoid,
    size,
    softmax,
    total,
    vector,
)

D, exp, log, sqrt, Abs = sp.Derivative, sp.exp, sp.log, sp.sqrt, sp.Abs
half = sp.Rational(1, 2)
x, y, z, g, w, c = map(real, "xyzgwc")
n, lam, epsilon, delta = map(positive, ("n", "lamda", "epsilon", "delta"))
beta, drop, keep, label = (between(name, 0, 1) for name in ("beta", "drop", "keep", "label"))
sign = one_of("y", -1, 1)
t = size("t")
i = index("i", t)
TIMES = {"sizes": [{t: 3}, {t: 5}]}
phi = exp(-(x**2) / 2) / sqrt(2 * sp.pi)
Phi = (1 + sp.erf(x / sqrt(2))) / 2
coin = -label * log(sigmoid(z)) - (1 - label) * log(1 - sigmoid(z))
corners = {"kinks": [x, x - delta, x + delta]}
rate = between("rate", 0, 2)
fan_in, fan_out, step, variance = map(positive, ("fan_in", "fan_out", "step", "v"))
a, b, gain, mean = map(real, ("a", "b", "gain", "mean"))
turn, tilt = real("turn"), real("tilt")
weights, first, second = (vector(real(name), t) for name in ("weights", "first", "second"))
j = index("j", t)
second_moment = sp.Integral(w**2 * exp(-(w**2) / 2) / sqrt(2 * sp.pi), (w, 0, sp.oo))  # of a ReLU of noise


def huber(tail: sp.Expr) -> sp.Expr:
    return sp.Piecewise((x**2 / 2, Abs(x) <= delta), (tail, True))


def uniform(limit: sp.Expr) -> sp.Expr:
    """The variance of a uniform distribution within a limit on both sides."""
    return sp.Integral(w**2 / (2 * limit), (w, -limit, limit))


def centered(entries: sp.IndexedBase) -> sp.Expr:
    return entries[i] - total(entries[j], j) / t


@dataclass
class Statement:
    """What the left side is, what the notes say it is, and what holds."""

    left: sp.Expr
    right: sp.Expr
    wrong: sp.Expr
    rest: dict = field(default_factory=dict)


STATEMENTS = {
    "He: randn / sqrt(2/n)": Statement(1 / (n * second_moment), 2 / n, n / 2),
    "He: std 2/sqrt(n)": Statement(1 / (n * second_moment), 2 / n, 4 / n),
    "Xavier: uniform within sqrt(2/(in + out))": Statement(
        uniform(sqrt(6 / (fan_in + fan_out))), 2 / (fan_in + fan_out), uniform(sqrt(2 / (fan_in + fan_out)))
    ),
    "RMSProp: cache += without decay": Statement(
        total((1 - beta) * beta ** (t - i) * g**2, i), (1 - beta**t) * g**2, t * g**2, rest=TIMES | {"expect": "exact"}
    ),
    "Huber without the absolute value": Statement(
        huber(delta * (Abs(x) - delta / 2)),
        sp.Piecewise((x**2 / 2, sp.And(x <= delta, x >= -delta)), (delta * (Abs(x) - delta / 2), True)),
        huber(delta * (x - delta / 2)),
        rest=corners,
    ),
    "Huber's tail with half of one delta": Statement(
        huber(delta * (Abs(x) - delta / 2)),
        huber(delta * Abs(x) - delta**2 / 2),
        huber(delta * Abs(x) - delta / 2),
        rest=corners,
    ),
    "L1 loss without the absolute value": Statement(
        D(lam * Abs(x - y), x), lam * sp.sign(x - y), lam, rest={"kinks": [x - y]}
    ),
    "MAE's slope under the name of MSE": Statement(D((x - y) ** 2, x), 2 * (x - y), 2 * sp.sign(x - y)),
    "the first softmax loss is log(1/n)": Statement(-log(1 / n), log(n), log(1 / n)),
    "dropout: at test time scale by the drop probability": Statement(drop * 0 + (1 - drop) * x, x - drop * x, drop * x),
    "sigmoid' = s(1 + s)": Statement(D(sigmoid(x), x), sigmoid(x) * (1 - sigmoid(x)), sigmoid(x) * (1 + sigmoid(x))),
    "tanh' = 1 - tanh": Statement(D(sp.tanh(x), x), 1 - sp.tanh(x) ** 2, 1 - sp.tanh(x)),
    "tanh = 2 sigmoid(x) - 1": Statement(sp.tanh(x), 2 * sigmoid(2 * x) - 1, 2 * sigmoid(x) - 1),
    "BCE's gradient is y - p": Statement(D(coin, z), sigmoid(z) - label, label - sigmoid(z)),
    "BCE without its minus": Statement(coin, log(1 + exp(z)) - label * z, -coin),
    "batch norm divides by std + eps": Statement(
        x / sqrt((w - 1) ** 2 + 2 * w - 1 + epsilon), x / sqrt(w**2 + epsilon), x / (Abs(w) + epsilon)
    ),
    "Adam: the correction is 1 - beta t": Statement(
        total((1 - beta) * beta ** (t - i) * g, i), (1 - beta**t) * g, (1 - beta * t) * g, rest=TIMES
    ),
    "weight decay without the 2": Statement(D(lam * w**2, w), 2 * lam * w, lam * w),
    "ELU' loses alpha": Statement(
        D(sp.Piecewise((x, x > 0), (c * (exp(x) - 1), True)), x),
        sp.Piecewise((1, x > 0), (c * exp(x), True)),
        sp.Piecewise((1, x > 0), (exp(x), True)),
        rest={"kinks": [x]},
    ),
    "the cosine schedule without its half": Statement(
        lam * (1 + sp.cos(x)) / 2, lam * sp.cos(x / 2) ** 2, lam * (1 + sp.cos(x))
    ),
    "GELU' is Phi alone": Statement(D(x * Phi, x), Phi + x * phi, Phi),
    "swish' is the sigmoid alone": Statement(D(x * sigmoid(x), x), sigmoid(x) * (1 + x * (1 - sigmoid(x))), sigmoid(x)),
    "log-sum-exp: c is not added back": Statement(
        log(exp(x) + exp(y)), c + log(exp(x - c) + exp(y - c)), log(exp(x - c) + exp(y - c))
    ),
    "GAN: the value at the optimum is -log 2": Statement(log(half) + log(1 - half), -log(4), -log(2)),
    "momentum as an average is the heavy ball": Statement(
        beta * ((1 - beta) * g) + (1 - beta) * w, (1 - beta) * (beta * g + w), beta * g + w
    ),
    "the variance is the mean less the mean": Statement(
        ((x - (x + y) / 2) ** 2 + (y - (x + y) / 2) ** 2) / 2, (x - y) ** 2 / 4, (x + y) / 2 - y
    ),
    "a convolution's size without the + 1": Statement(total(sp.S.One, i), t, t - 1, rest=TIMES),
    "perplexity is 2 to the cross-entropy in nats": Statement(exp(x), sp.cosh(x) + sp.sinh(x), 2**x),
    "hinge: labels 0 and 1 do as well": Statement(
        sp.Max(0, 1 - sign * x),
        sp.Piecewise((1 - sign * x, sign * x < 1), (0, True)),
        sp.Max(0, 1 - (1 + sign) / 2 * x),
        rest={"kinks": [1 - sign * x]},
    ),
    "L1 loss without the absolute value, as a value": Statement(
        lam * sp.Max(x - y, y - x), lam * Abs(x - y), lam * (x - y), rest={"kinks": [x - y]}
    ),
    "the leaky slope is 0.01": Statement(
        D(sp.Piecewise((x, x > 0), (c * x, True)), x),
        sp.Piecewise((1, x > 0), (c, True)),
        sp.Piecewise((1, x > 0), (sp.Rational(1, 100), True)),
        rest={"kinks": [x]},
    ),
    "elastic net: the absolute value of the sum": Statement(
        total(lam * weights[i] ** 2 + Abs(weights[i]), i),
        lam * total(weights[i] ** 2, i) + total(Abs(weights[i]), i),
        lam * total(weights[i] ** 2, i) + Abs(total(weights[i], i)),
        rest={"sizes": [{t: 2}, {t: 3}], "kinks": [weights[i]]},
    ),
    "ELU without its two cases": Statement(
        sp.Max(0, x) + lam * (exp(sp.Min(0, x)) - 1),
        sp.Piecewise((x, x > 0), (lam * (exp(x) - 1), True)),
        lam * (exp(x) - 1),
        rest={"kinks": [x]},
    ),
    "RMSProp: cache += decay * cache + (1 - decay) * g^2": Statement(
        beta * c + (1 - beta) * g**2, c + (1 - beta) * (g**2 - c), c + beta * c + (1 - beta) * g**2
    ),
    "Adam: m is corrected in place": Statement(
        (beta * (1 - beta) * g + (1 - beta) * g) / (1 - beta**2), g, (beta * g + (1 - beta) * g) / (1 - beta**2)
    ),
    "the SVD of X: X'X = V S V'": Statement(
        (a * sp.cos(turn) * sp.cos(tilt) + b * sp.sin(turn) * sp.sin(tilt)) ** 2
        + (a * sp.sin(turn) * sp.cos(tilt) - b * sp.cos(turn) * sp.sin(tilt)) ** 2,
        a**2 * sp.cos(tilt) ** 2 + b**2 * sp.sin(tilt) ** 2,
        a * sp.cos(tilt) ** 2 + b * sp.sin(tilt) ** 2,
    ),
    "dropout: p drops, and the rest is scaled by 1/p": Statement(drop * x + (1 - drop) * x, x, (1 - drop) * x / drop),
    "batch norm at test time costs nothing: it is left out": Statement(
        gain * (w * x + b - mean) / sqrt(variance + epsilon) + c,
        gain * w / sqrt(variance + epsilon) * x + gain * (b - mean) / sqrt(variance + epsilon) + c,
        w * x + b,
    ),
    "L2 is weight decay, for SGD: without the rate": Statement(
        w - step * (g + lam * w), (1 - step * lam) * w - step * g, (1 - lam) * w - step * g
    ),
    "L2 is weight decay, for Adam too: its first step": Statement(
        w - step * (g + lam * w) / Abs(g + lam * w),
        w - step * sp.sign(g + lam * w),
        w - step * lam * w - step * sp.sign(g),
        rest={"kinks": [g + lam * w, g]},
    ),
    "MAE's value under the name of MSE": Statement((x - y) ** 2, x**2 - 2 * x * y + y**2, Abs(x - y)),
    "Huber's tail delta * (y - prediction) - delta / 2": Statement(
        huber(delta * (Abs(x) - delta / 2)),
        huber(delta * Abs(x) - delta**2 / 2),
        huber(-delta * x - delta / 2),
        rest=corners,
    ),
    "covariance without 1 / (n - 1)": Statement(
        total(centered(first) * centered(second), i) / (t - 1),
        (total(first[i] * second[i], i) - total(first[i], i) * total(second[j], j) / t) / (t - 1),
        total(centered(first) * centered(second), i),
        rest=TIMES | {"poles": [t - 1]},
    ),
}
BOUNDS = {
    "AdaGrad: the step may grow": (lam / sqrt(w**2 + g**2 + epsilon), lam / sqrt(w**2 + epsilon), {}),
    "gradient descent needs a rate below 1 / L": (Abs(1 - rate), sp.S.One, {"kinks": [1 - rate]}),
    "the logarithm lies above its tangent": (log(n), n - 1, {}),
    "softplus lies below the ramp": (sp.Max(0, x), log(1 + exp(x)), {"kinks": [x]}),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_right_statement_is_proved(statement: Statement) -> None:
    right = Derivation([Step(statement.left), Step(statement.right, "as it is")], **statement.rest)

    assert right.check().level.startswith("exact")


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_the_wrong_statement_is_refused_with_a_counterexample(statement: Statement) -> None:
    wrong = Derivation([Step(statement.left), Step(statement.wrong, "as written")], **statement.rest)

    with pytest.raises(WrongStep, match=r"step 1 \(as written\) is wrong: at .*the line before is .*, this line is "):
        wrong.check()


@pytest.mark.parametrize(("low", "high", "rest"), BOUNDS.values(), ids=BOUNDS)
def test_a_bound_passes_one_way_only(low: sp.Expr, high: sp.Expr, rest: dict) -> None:
    def bound(relation: str) -> Derivation:
        return Derivation([Step(low), Step(high, "a bound", relation)], expect="numeric", **rest)

    bound("<=").check()
    with pytest.raises(WrongStep, match=r"step 1 \(a bound\) is wrong: at "):
        bound(">=").check()


def test_adam_counts_from_one() -> None:
    """Counted from zero the correction is zero over zero."""

    def corrected(first: int) -> Derivation:
        sizes = [{t: first}, {t: first + 2}]
        return Derivation([Step(total((1 - beta) * beta ** (t - i) * g, i) / (1 - beta**t)), Step(g)], sizes=sizes)

    assert corrected(1).check().level.startswith("exact")
    with pytest.raises(WrongStep, match=r"step 0 has no value at .*t = 0.*: it divides by zero there"):
        corrected(0).check()


def test_a_softmax_is_summed_to_the_last_class() -> None:
    p, k = softmax(weights), index("k", t)

    def summed(last: sp.Expr) -> Derivation:
        return Derivation([Step(sp.Sum(p(k), (k, 1, last))), Step(sp.S.One, "shares")], **TIMES)

    assert summed(t).check().level == "exact, all n"
    with pytest.raises(WrongStep, match="sums k from 1 to k, but it was made to run from 1 to t"):
        summed(k).check()


ERRATA = {
    "000: L1 loss as w (prediction - y)": ["L1 loss without the absolute value, as a value"],
    "000, 001, 003: leaky slope 0.01 or 0.1": ["the leaky slope is 0.01"],
    "001: elastic net": ["elastic net: the absolute value of the sum"],
    "001: ELU without its two cases": ["ELU without its two cases"],
    "001: RMSProp cache +=": ["RMSProp: cache += decay * cache + (1 - decay) * g^2", "RMSProp: cache += without decay"],
    "001: Adam divides in place, t from 0": ["Adam: m is corrected in place", test_adam_counts_from_one],
    "001: AdaGrad's larger rate": ["AdaGrad: the step may grow"],
    "002: He standard deviation 2/sqrt(n)": ["He: std 2/sqrt(n)"],
    "003: He as randn / sqrt(2/n)": ["He: randn / sqrt(2/n)"],
    "002: X'X = V S V'": ["the SVD of X: X'X = V S V'"],
    "002: drop where u < p, scale by 1/p": ["dropout: p drops, and the rest is scaled by 1/p"],
    "003: multiply by the dropout probability": ["dropout: at test time scale by the drop probability"],
    "003: batch norm has zero overhead": ["batch norm at test time costs nothing: it is left out"],
    "003: softmax sums to k": [test_a_softmax_is_summed_to_the_last_class],
    "003: normalisation divides by sigma": ["batch norm divides by std + eps"],
    "003: L2 called weight decay": [
        "L2 is weight decay, for SGD: without the rate",
        "L2 is weight decay, for Adam too: its first step",
    ],
    "004: MAE labelled MSE": ["MAE's value under the name of MSE", "MAE's slope under the name of MSE"],
    "004: Huber tail": ["Huber's tail delta * (y - prediction) - delta / 2", "Huber without the absolute value"],
    "004: covariance is x x'": ["covariance without 1 / (n - 1)"],
}
ONLY_WORDS = {
    "001: BGFS, L-BGFS": "a name: the letters are those of Broyden, Fletcher, Goldfarb and Shanno",
    "002: two names for one mask": "a name in code, which does not run",
    "004: what explosion is blamed on": "a cause; that it is a product, gradient_flow.chain_of_layers derives",
    "000: SGD ignores history; moment": "names: momentum is a method, and stochastic is the sampling",
}


@pytest.mark.parametrize("row", ERRATA.values(), ids=ERRATA)
def test_every_erratum_that_is_a_formula_is_refused(row: list) -> None:
    assert [name for name in row if not (callable(name) or name in STATEMENTS or name in BOUNDS)] == []


def test_no_erratum_is_forgotten() -> None:
    """The table has 23 rows; what is only words has its reason here."""
    assert len(ERRATA) + len(ONLY_WORDS) == 23
    assert all(len(reason) > 20 for reason in ONLY_WORDS.values())


THE_FIRST = [
    "He: randn / sqrt(2/n)", "He: std 2/sqrt(n)", "Xavier: uniform within sqrt(2/(in + out))",
    "RMSProp: cache += without decay", "Huber without the absolute value", "MAE's slope under the name of MSE",
    "the first softmax loss is log(1/n)", "dropout: at test time scale by the drop probability",
    "sigmoid' = s(1 + s)", "tanh' = 1 - tanh", "tanh = 2 sigmoid(x) - 1", "BCE's gradient is y - p",
    "BCE without its minus", "batch norm divides by std + eps", "Adam: the correction is 1 - beta t",
    "weight decay without the 2", "ELU' loses alpha", "the cosine schedule without its half", "GELU' is Phi alone",
    "swish' is the sigmoid alone", "log-sum-exp: c is not added back", "GAN: the value at the optimum is -log 2",
    "momentum as an average is the heavy ball", "the variance is the mean less the mean",
    "AdaGrad: the step may grow", "a convolution's size without the + 1",
    "gradient descent needs a rate below 1 / L", "perplexity is 2 to the cross-entropy in nats",
]  # fmt: skip


def test_the_28_misstatements_are_here() -> None:
    assert len(set(THE_FIRST)) == 28
    assert set(THE_FIRST) <= STATEMENTS.keys() | BOUNDS.keys()
