"""Formulas read as a teacher writes them."""

import pytest
import sympy as sp

from dlref.derivations import Derivation, Step, load
from dlref.derivations._latex import latex, plain
from dlref.derivations._symbols import (
    index,
    largest,
    named,
    positive,
    quantity,
    real,
    sigmoid,
    size,
    softmax,
    total,
    vector,
)

prediction, target, x, z = map(real, ("prediction", "target", "x", "z"))
delta, epsilon, beta = map(positive, ("delta", "epsilon", "beta"))
error = quantity("e", prediction - target)
n = size()
i, j, k, c = (index(name, n) for name in ("i", "j", "k", "index"))
logits, y = vector(real("logits"), n), vector(target, n)
p = softmax(logits)
r = index("r", size("m"))
W = vector(real("W"), size("m"), n)
D = sp.Derivative

WRITTEN = {
    r"\hat y - y": prediction - target,
    r"2 (\hat y - y)": 2 * (prediction - target),
    r"\frac{\hat y - y}{\delta}": (prediction - target) / delta,
    r"\lvert \hat y - y \rvert": sp.Abs(target - prediction),
    r"\lvert 1 - x \rvert": sp.Abs(x - 1),
    r"\sigma(z) (1 - \sigma(z))": sigmoid(z) * (1 - sigmoid(z)),
    r"1 - \tanh^{2} x": 1 - sp.tanh(x) ** 2,
    r"\frac{1}{1 + e^{-x}}": 1 / (1 + sp.exp(-x)),
    r"\delta \left( \lvert e \rvert - \frac{\delta}{2} \right)": delta * (sp.Abs(error) - delta / 2),
    r"\max(-\delta, \min(e, \delta))": sp.Max(-delta, sp.Min(error, delta)),
    r"\max(0, 1 - x)^{2}": sp.Max(0, 1 - x) ** 2,
    r"p_{k} - y_{k}": p(k) - y[k],
    r"-\sum_{i=1}^{n} y_{i} \log p_{i}": -total(y[i] * sp.log(p(i)), i),
    r"\frac{\partial}{\partial z_{k}} \log p_{i}": D(sp.log(p(i)), logits[k]),
    r"\frac{\partial e}{\partial \hat y}": D(error, prediction),
    r"[\,i = k\,] - p_{k}": sp.KroneckerDelta(i, k) - p(k),
    r"[\,k \ne c\,] y_{k}": (1 - sp.KroneckerDelta(k, c)) * y[k],
    r"\sum_{j \ne c} y_{j}": total((1 - sp.KroneckerDelta(j, c)) * y[j], j),
    r"[\,x < 1\,]": sp.Heaviside(1 - x, 0),
    r"\max_{i} z_{i} + \log n": largest(logits[i], i) + sp.log(n),
    r"\log \cosh x": sp.log(sp.cosh(x)),
    r"(1 - \epsilon) y_{k} + \frac{\epsilon}{n}": (1 - epsilon) * y[k] + epsilon / n,
    r"\sqrt{\beta (\beta + 1)}": sp.sqrt(beta) * sp.sqrt(1 + beta),
    r"\frac{x^{2}}{2} - \frac{x^{4}}{12}": x**2 / 2 - x**4 / 12,
    r"e^{-(\hat y - y)^{2} / 2}": sp.exp(-((prediction - target) ** 2) / 2),
    r"\sum_{r=1}^{m} \sum_{i=1}^{n} W_{r,i}": total(total(W[r, i], i), r),
    r"\sum_{r=1}^{m} \sum_{i \ne k} W_{r,i}": total(total((1 - sp.KroneckerDelta(i, k)) * W[r, i], i), r),
    r"\prod_{i=1}^{n} y_{i}": sp.Product(y[i], (i, 1, n)),
    r"\frac{d}{dx} \tanh x": D(sp.tanh(x), x),
    r"\frac{d^{2}}{dx^{2}} \tanh x": D(sp.tanh(x), x, x),
    r"\frac{\partial}{\partial x} \tanh(\delta x)": D(sp.tanh(delta * x), x),
    r"-n \log 4": -n * sp.log(4),
    r"\frac{x}{4^{n + 1}}": x * 4 ** (-n - 1),
    r"\frac{1}{4^{n}}": sp.Rational(1, 4) ** n,
    r"\delta^{n + 1}": delta ** (n + 1),
    r"\delta^{1 - x}": delta ** (1 - x),
    r"\frac{1}{\sqrt{2 \pi}}": 1 / sp.sqrt(2 * sp.pi),
    r"\frac{x}{\sqrt{2}}": x / sp.sqrt(2),
    r"\sqrt{\frac{6}{\beta + \delta}}": sp.sqrt(6 / (beta + delta)),
    r"\sqrt{e}": sp.sqrt(sp.E),
    "0.044715": sp.Rational(8943, 200000),
    r"\frac{83}{500}": sp.Rational(83, 500),
    r"(\log x)^{2}": sp.log(x) ** 2,
    r"x^{2} - 2 \delta x + \delta^{2}": x**2 - 2 * delta * x + delta**2,
    r"y_{k} + \epsilon \left( \frac{1}{n} - y_{k} \right)": y[k] + epsilon * (1 / n - y[k]),
    r"\gamma_{k} x + \beta_{k}": vector(real("gamma"), n)[k] * x + vector(real("beta"), n)[k],
    r"\lvert x \rvert \sigma(-\lvert x \rvert)": sigmoid(-sp.Abs(x)) * sp.Abs(x),
    r"\exp(-2 \lvert e \rvert)": sp.exp(-2 * sp.Abs(error)),
}


@pytest.mark.parametrize(("written", "expression"), WRITTEN.items(), ids=WRITTEN)
def test_an_expression_is_written_as_on_a_blackboard(written: str, expression: sp.Expr) -> None:
    assert latex(expression) == written


def test_cases_put_the_data_before_the_parameter() -> None:
    cases = sp.Piecewise((error, sp.Abs(error) <= delta), (delta * sp.sign(error), True))

    assert latex(cases) == (
        r"\begin{dcases} e & \text{if } \lvert e \rvert \leq \delta \\ "
        r"\delta \operatorname{sign} e & \text{otherwise} \end{dcases}"
    )


def test_a_quantity_may_bear_any_name() -> None:
    """Sympy's printers go by the name of the class, and would print a gamma function."""
    assert latex(quantity("gamma", x**2)) == "gamma"
    assert latex(named("zeta", lambda t: t)(x)) == "zeta(x)"


def test_a_chain_has_one_reason_to_a_line_and_explains_its_names() -> None:
    steps = [
        Step(quantity(r"\ell", error**2 - 1)),
        Step(error**2 - 1, "definition"),
        Step((error - 1) * (error + 1), "5 %"),
    ]
    derivation = Derivation(steps)

    assert derivation.latex().splitlines() == [
        r"\begin{aligned}",
        r"& \ell \\",
        r"&= e^{2} - 1 && \text{definition} \\",
        r"&= (1 + e) (e - 1) && \text{5 \%} \\",
        r"& \text{where } e = \hat y - y",
        r"\end{aligned}",
    ]
    assert derivation.statement() == r"\ell = (1 + e) (e - 1)"
    assert derivation.rows()[0] == ("", r"\ell", "")


def test_beside_an_error_called_e_an_exponential_is_spelled_out_in_every_line() -> None:
    lines = [Step(sp.cosh(x) * error), Step((sp.exp(x) + sp.exp(-x)) * error / 2), Step(error * sp.cosh(x) + 0 * x)]

    assert r"\exp(x)" in Derivation(lines[:2]).latex()
    assert "e^{" not in load("regression_losses.log_cosh").latex()


def test_a_chain_of_bounds_states_a_bound() -> None:
    assert (
        Derivation([Step(sp.cosh(x)), Step(sp.S.One, "", ">=", touch=(x, sp.S.Zero))]).statement() == r"\cosh x \ge 1"
    )


def test_a_badge_says_what_the_level_rests_on() -> None:
    assert load("regression_losses.huber_grad").badge == (
        "exact on open cells; kink at prediction = target; kink at prediction = delta + target; "
        "kink at delta + prediction = target; delta > 0"
    )
    assert "; target is one-hot" in load("classification_losses.categorical_hinge").badge
    assert "; kink at eps + |g| = max_norm; " in load("gradient_flow.clip_by_norm").badge
    assert "; pole at sigma = 0" in load("initialization.lsuv").badge


def test_words_are_safe_inside_a_formula() -> None:
    assert plain("50 % of $x_1$ & {y}") == r"50 \% of \$x\_1\$ \& \{y\}"
