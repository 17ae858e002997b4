"""Statements that study notes get wrong: the right one passes, the wrong one is refused with a counterexample."""

from dataclasses import dataclass, field

import pytest
import sympy as sp

from dlref.derivations import Derivation, Step, WrongStep
from dlref.derivations._symbols import between, index, one_of, positive, real, sigmoid, size, total

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
second_moment = sp.Integral(w**2 * exp(-(w**2) / 2) / sqrt(2 * sp.pi), (w, 0, sp.oo))  # of a ReLU of noise


def huber(tail: sp.Expr) -> sp.Expr:
    return sp.Piecewise((x**2 / 2, Abs(x) <= delta), (tail, True))


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
    "Xavier: the variance of U(-l, l) for l = sqrt(2/(in+out))": Statement(
        sp.Integral(w**2 / (2 * lam), (w, -lam, lam)), lam**2 / 3, lam**2
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


def test_all_misstatements_are_here() -> None:
    assert len(STATEMENTS) + len(BOUNDS) >= 28
