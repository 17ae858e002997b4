"""The derivations of the classification losses."""

from typing import Any

import sympy as sp

from . import Derivation, Step
from ._symbols import (
    between,
    distribution,
    index,
    largest,
    named,
    one_hot,
    one_of,
    positive,
    quantity,
    real,
    sigmoid,
    size,
    softmax,
    total,
    vector,
)

n = size()
i, j, k, m, c = (index(name, n) for name in ("i", "j", "k", "m", "index"))
SIZES = [{n: 2}, {n: 3}, {n: 4}]
ALL_N = {"sizes": SIZES, "expect": "exact, all n"}
BETWEEN_KINKS: dict[str, Any] = {"expect": "exact on open cells"}
FEW = {"sizes": [{n: 2}, {n: 3}], "expect": "exact for n = 2, 3"}

D, Abs, Max, log, exp = sp.Derivative, sp.Abs, sp.Max, sp.log, sp.exp
bracket, same = sp.Heaviside, sp.KroneckerDelta
logit, logits = real("logit"), vector(real("logits"), n)
label, target = between("target", 0, 1), vector(distribution("target"), n)
score, sign, scores = real("score"), one_of("sign", -1, 1), vector(real("scores"), n)
p = softmax(logits)
partition = total(exp(logits[j]), j)
lse = quantity(r"\operatorname{LSE}(z)", log(partition))


def _value(loss: sp.Expr, reason: str = "definition", tex: str = r"\ell") -> list[Step]:
    """A loss by its name, and in full."""
    return [Step(quantity(tex, loss)), Step(loss, reason)]


def _slope(loss: sp.Expr, by: sp.Expr) -> list[Step]:
    """The derivative of a loss by its name, and in full."""
    return [Step(D(quantity(r"\ell", loss), by)), Step(D(loss, by), "definition")]


def binary_cross_entropy() -> Derivation:
    """Binary cross-entropy is the surprise of a coin."""
    q = between("probability", 0, 1)
    chance = quantity("P", q**label * (1 - q) ** (1 - label))
    return Derivation(
        [
            *_value(-log(chance), "the surprise of y, where 1 has the probability p and 0 the rest"),
            Step(-log(q**label) - log((1 - q) ** (1 - label)), "p to the y times 1 - p to the 1 - y"),
            Step(-label * log(q) - (1 - label) * log(1 - q), "the logarithm of a power"),
        ],
        function="binary_cross_entropy",
    )


def binary_cross_entropy_grad() -> Derivation:
    """In the probability, binary cross-entropy pulls with the error over the variance."""
    q = between("probability", 0, 1)
    return Derivation(
        [
            *_slope(-label * log(q) - (1 - label) * log(1 - q), q),
            Step((1 - label) / (1 - q) - label / q, "slope of the logarithm, twice"),
            Step((q - label) / (q * (1 - q)), "one fraction"),
        ],
        function="binary_cross_entropy_grad",
    )


def _coin_from_logit() -> sp.Expr:
    return -label * log(sigmoid(logit)) - (1 - label) * log(1 - sigmoid(logit))


def binary_cross_entropy_with_logits() -> Derivation:
    """From a logit, binary cross-entropy has a form that never overflows."""
    return Derivation(
        [
            *_value(_coin_from_logit()),
            Step(log(1 + exp(logit)) - label * logit, "the logarithms of the fractions"),
            Step(Max(0, logit) - label * logit + log(1 + exp(-Abs(logit))), "take out the larger exponential"),
        ],
        kinks=[logit],
        **BETWEEN_KINKS,
        function="binary_cross_entropy_with_logits",
    )


def binary_cross_entropy_with_logits_grad() -> Derivation:
    """In the logit, binary cross-entropy pulls with the predicted probability minus the target."""
    s = sigmoid(logit)
    outer = (1 - label) / (1 - s) - label / s
    return Derivation(
        [
            *_slope(_coin_from_logit(), logit),
            Step(outer * D(s, logit), "chain rule"),
            Step(outer * s * (1 - s), "slope of the sigmoid"),
            Step((1 - label) * s - label * (1 - s), "the denominators cancel"),
            Step(s - label, "what is left"),
        ],
        function="binary_cross_entropy_with_logits_grad",
    )


def softmax_ignores_a_shift() -> Derivation:
    """Adding a constant to all logits changes no probability."""
    shift = real("a")
    return Derivation(
        [
            Step(exp(logits[k] + shift) / total(exp(logits[j] + shift), j)),
            Step(exp(logits[k]) / partition, "the factor exp(a) stands above and below the line"),
            Step(p(k), "definition"),
        ],
        **ALL_N,
    )


def log_sum_exp_grad() -> Derivation:
    """The gradient of log-sum-exp is the softmax."""
    return Derivation(
        [
            Step(D(lse, logits[k])),
            Step(D(log(partition), logits[k]), "definition"),
            Step(D(partition, logits[k]) / partition, "chain rule"),
            Step(exp(logits[k]) / partition, "only one term depends on this logit"),
            Step(p(k), "definition"),
        ],
        **ALL_N,
    )


def log_sum_exp_is_stable() -> Derivation:
    """Any constant may be taken out of log-sum-exp, so that no exponential overflows."""
    shift = real("a")
    return Derivation(
        [
            *_value(log(partition), tex=r"\operatorname{LSE}(z)"),
            Step(log(exp(shift) * total(exp(logits[j] - shift), j)), "take out one factor"),
            Step(shift + log(total(exp(logits[j] - shift), j)), "the logarithm of a product"),
        ],
        **ALL_N,
    )


def log_sum_exp_is_above_every_logit() -> Derivation:
    """Log-sum-exp is at least every logit, the largest among them."""
    reason = "leave out all terms but one: they are positive"
    return Derivation([*_value(log(partition), tex=r"\operatorname{LSE}(z)"), Step(logits[k], reason, ">=")], **ALL_N)


def log_sum_exp_is_at_most_log_n_above() -> Derivation:
    """Log-sum-exp exceeds the largest logit by at most log n."""
    top = largest(logits[i], i)
    return Derivation(
        [
            *_value(log(partition), tex=r"\operatorname{LSE}(z)"),
            Step(log(total(exp(top), j)), "no logit is above the largest", "<="),
            Step(top + log(n), "n equal terms"),
        ],
        **ALL_N,
    )


def cross_entropy() -> Derivation:
    """Cross-entropy from logits is log-sum-exp less the target's average logit."""
    return Derivation(
        [
            *_value(-total(target[i] * log(p(i)), i)),
            Step(-total(target[i] * (logits[i] - lse), i), "the logarithm of a fraction"),
            Step(lse - total(target[i] * logits[i], i), "the target sums to one"),
        ],
        **ALL_N,
        function="cross_entropy",
    )


def cross_entropy_grad() -> Derivation:
    """Softmax and cross-entropy pull with prediction minus target."""
    return Derivation(
        [
            *_slope(-total(target[i] * log(p(i)), i), logits[k]),
            Step(-total(target[i] * (same(i, k) - p(k)), i), "slope of the logarithm of a softmax"),
            Step(p(k) * total(target[i], i) - target[k], "the bracket picks one term"),
            Step(p(k) - target[k], "the target sums to one"),
        ],
        **ALL_N,
        function="cross_entropy_grad",
    )


def cross_entropy_from_likelihood() -> Derivation:
    """Cross-entropy is the surprise of independent draws, weighted by how often each class came."""
    return Derivation(
        [
            Step(-log(sp.Product(p(i) ** target[i], (i, 1, n)))),
            Step(-total(log(p(i) ** target[i]), i), "the logarithm of a product"),
            Step(-total(target[i] * log(p(i)), i), "the logarithm of a power"),
        ],
        **ALL_N,
    )


def sparse_cross_entropy() -> Derivation:
    """With one right class, cross-entropy is log-sum-exp less that class's logit."""
    return Derivation(
        [
            *_value(-total(same(i, c) * log(p(i)), i)),
            Step(-log(p(c)), "the target is one at the class c"),
            Step(lse - logits[c], "the logarithm of a fraction"),
        ],
        **ALL_N,
        function="sparse_cross_entropy",
    )


def sparse_cross_entropy_grad() -> Derivation:
    """With one right class, cross-entropy pulls with the softmax, less one at that class."""
    return Derivation(
        [
            *_slope(-log(p(c)), logits[k]),
            Step(D(lse, logits[k]) - D(logits[c], logits[k]), "the logarithm of a fraction"),
            Step(p(k) - same(k, c), "the gradient of log-sum-exp is the softmax"),
        ],
        **ALL_N,
        function="sparse_cross_entropy_grad",
    )


DIVERGENCE = r"\operatorname{KL}(y \,\Vert\, q)"
q = vector(distribution("prediction", tex="q"), n)
divergence = total(target[i] * log(target[i] / q[i]), i)


def kl_divergence() -> Derivation:
    """The divergence is the cross-entropy less the target's own entropy."""
    entropy = total(target[i] * log(target[i]), i)
    return Derivation(
        [
            Step(quantity(DIVERGENCE, entropy - total(target[i] * log(q[i]), i))),
            Step(-total(target[i] * log(q[i]), i) + entropy, "cross-entropy less entropy"),
            Step(divergence, "the logarithm of a fraction"),
        ],
        **ALL_N,
        function="kl_divergence",
    )


def kl_divergence_grad() -> Derivation:
    """In the predicted probabilities, the divergence pulls with target over prediction."""
    return Derivation(
        [
            Step(D(quantity(DIVERGENCE, divergence), q[k])),
            Step(-D(total(target[i] * log(q[i]), i), q[k]), "the entropy of the target does not move"),
            Step(-target[k] / q[k], "slope of the logarithm"),
        ],
        **ALL_N,
        function="kl_divergence_grad",
    )


def gibbs_inequality() -> Derivation:
    """The divergence is never negative."""
    tangents = -total(target[i] * (q[i] / target[i] - 1), i)
    return Derivation(
        [
            *_value(divergence, tex=DIVERGENCE),
            Step(-total(target[i] * log(q[i] / target[i]), i), "turn the fraction over"),
            Step(tangents, "a logarithm lies below its tangent at 1", ">=", touch=(q[i], target[i])),
            Step(total(target[i], i) - total(q[i], i), "one sum at a time"),
            Step(sp.S.Zero, "both sum to one"),
        ],
        **ALL_N,
    )


missing = Max(0, 1 - sign * score)
margin_kink = {"kinks": [1 - sign * score], **BETWEEN_KINKS}


def hinge() -> Derivation:
    """The hinge is what is missing to a margin of 1."""
    cases = sp.Piecewise((1 - sign * score, sign * score < 1), (0, True))
    return Derivation(
        [*_value(cases), Step(missing, "the larger of the two, in either case")], **margin_kink, function="hinge"
    )


def hinge_grad() -> Derivation:
    """The hinge pulls with 1 toward the right side until the margin is there."""
    return Derivation(
        [
            *_slope(missing, score),
            Step(sp.Piecewise((-sign, sign * score < 1), (0, True)), "each branch has a slope of its own"),
            Step(-sign * bracket(1 - sign * score, 0), "the bracket is 1 where it holds, else 0"),
        ],
        **margin_kink,
        function="hinge_grad",
    )


def squared_hinge() -> Derivation:
    """The squared hinge is the square of what is missing."""
    cases = sp.Piecewise(((1 - sign * score) ** 2, sign * score < 1), (0, True))
    return Derivation(
        [*_value(cases), Step(missing**2, "the square of a hinge")], **margin_kink, function="squared_hinge"
    )


def squared_hinge_grad() -> Derivation:
    """The squared hinge pulls with twice what is missing."""
    return Derivation(
        [
            *_slope(missing**2, score),
            Step(2 * missing * D(missing, score), "chain rule"),
            Step(-2 * sign * missing * bracket(1 - sign * score, 0), "slope of the hinge"),
            Step(-2 * sign * missing, "the bracket is 1 wherever something is missing"),
        ],
        **margin_kink,
        function="squared_hinge_grad",
    )


def squared_hinge_has_no_corner() -> Derivation:
    """The squared hinge's slope fades to zero at the margin: it has no corner."""
    return Derivation(
        [
            Step(Abs(D(missing**2, score))),
            Step(2 * missing, "twice what is missing, whatever the sign"),
            Step(2 * Abs(1 - sign * score), "zero at the margin, from both sides", "<="),
        ],
        **margin_kink,
    )


y = vector(one_hot("target"), n)
rival = named("r", lambda place, *_: (1 - y[place]) * scores[place], "subscript")
right = quantity("s_y", total(y[m] * scores[m], m))
top = largest(rival(j, y.label, scores.label), j)


def _rival(place: sp.Expr) -> sp.Expr:
    """The score of a wrong class; the right one counts as zero."""
    return rival(place, y.label, scores.label)


def _rivalry() -> dict:
    """Where the strongest rival changes, and where a hinge begins."""
    return {"kinks": [_rival(i) - _rival(j), 1 + _rival(j) - right], **FEW}


def categorical_hinge() -> Derivation:
    """The categorical hinge is the hinge of the strongest rival."""
    return Derivation(
        [
            Step(quantity(r"\ell", Max(0, 1 + top - right))),
            Step(largest(Max(0, 1 + _rival(j) - right), j), "the largest hinge over the rivals"),
            Step(Max(0, 1 + top - right), "the strongest rival has the largest"),
            Step(
                Max(0, 1 + largest((1 - y[j]) * scores[j], j) - total(y[m] * scores[m], m)),
                "the rivals and the right class by the one-hot target",
            ),
        ],
        **_rivalry(),
        function="categorical_hinge",
    )


def categorical_hinge_grad() -> Derivation:
    """The categorical hinge pushes the strongest rival down and the right class up."""
    short, strongest = bracket(1 + top - right, 0), sp.Piecewise((1, _rival(k) >= top), (0, True))
    return Derivation(
        [
            *_slope(Max(0, 1 + top - right), scores[k]),
            Step(short * (D(top, scores[k]) - D(right, scores[k])), "a hinge passes a slope on while it is positive"),
            Step(short * ((1 - y[k]) * strongest - y[k]), "only the strongest rival and the right class count"),
        ],
        **_rivalry(),
        function="categorical_hinge_grad",
    )


def _violation(place: sp.Expr) -> sp.Expr:
    return scores[place] - scores[c] + positive("margin")


violated = bracket(_violation(j), 0)
margins = total((1 - same(j, c)) * Max(0, _violation(j)), j)


def multiclass_hinge() -> Derivation:
    """The multiclass hinge adds up what is missing over every wrong class."""
    return Derivation(
        [
            *_value(total((1 - same(j, c)) * violated * _violation(j), j), "what is missing, where the margin is"),
            Step(margins, "a hinge is its argument where that is positive"),
        ],
        kinks=[_violation(j)],
        **ALL_N,
        function="multiclass_hinge",
    )


def multiclass_hinge_grad() -> Derivation:
    """The multiclass hinge pushes each violator down by 1 and the right class up by their number."""
    count = total((1 - same(j, c)) * violated, j)
    return Derivation(
        [
            *_slope(margins, scores[k]),
            Step(total((1 - same(j, c)) * violated * (same(j, k) - same(c, k)), j), "slope of each hinge"),
            Step(
                (1 - same(k, c)) * bracket(_violation(k), 0) - same(k, c) * count,
                "a wrong class counts once, the right class once for each violator",
            ),
        ],
        kinks=[_violation(j)],
        **ALL_N,
        function="multiclass_hinge_grad",
    )


def exponential() -> Derivation:
    """The exponential loss is the odds against the label, if the score is taken as log-odds."""
    chance = sigmoid(sign * score)
    return Derivation(
        [
            *_value((1 - chance) / chance, "the odds against the label"),
            Step(1 / chance - 1, "divide"),
            Step(exp(-sign * score), "one over the sigmoid, less 1"),
        ],
        function="exponential",
    )


def exponential_grad() -> Derivation:
    """The exponential loss pulls exponentially hard on the wrong side."""
    return Derivation(
        [*_slope(exp(-sign * score), score), Step(-sign * exp(-sign * score), "chain rule")],
        function="exponential_grad",
    )


def exponential_is_least_at_half_the_log_odds() -> Derivation:
    """On average the exponential loss is least at half the log-odds."""
    chance = between("eta", 0, 1)
    mean = sp.sqrt(chance * (1 - chance))
    best = quantity("s^*", log(chance / (1 - chance)) / 2)
    return Derivation(
        [
            Step(chance * exp(-score) + (1 - chance) * exp(score)),
            Step(mean * (exp(best - score) + exp(score - best)), "take out the geometric mean of the chances"),
            Step(2 * mean * sp.cosh(score - best), "definition of cosh"),
            Step(2 * mean, "cosh is at least 1, and 1 only at 0", ">=", touch=(score, best)),
        ]
    )


def _focal(gamma: sp.Expr) -> tuple[sp.Expr, ...]:
    """1 or -1 by the label, the label's own probability, and the loss."""
    up = 2 * one_of("target", 0, 1) - 1
    own = quantity("p", sigmoid(up * logit))
    return up, own, -((1 - own) ** gamma) * log(own)


def focal() -> Derivation:
    """The focal loss is cross-entropy, faded by how sure the prediction is."""
    gamma = positive("gamma")
    up, _, loss = _focal(gamma)
    from_logit = -exp(gamma * log(sigmoid(-up * logit))) * log(sigmoid(up * logit))
    return Derivation(
        [
            *_value(from_logit, "as it is computed"),
            Step(-(sigmoid(-up * logit) ** gamma) * log(sigmoid(up * logit)), "a power through its logarithm"),
            Step(loss, "p is the label's own probability"),
        ],
        function="focal",
    )


def focal_grad() -> Derivation:
    """The focal loss pulls with the faded error, and a little more while the prediction is unsure."""
    gamma = positive("gamma")
    up, own, loss = _focal(gamma)
    outer = gamma * (1 - own) ** (gamma - 1) * log(own) - (1 - own) ** gamma / own
    return Derivation(
        [
            *_slope(loss, logit),
            Step(outer * D(own, logit), "product rule"),
            Step(outer * up * own * (1 - own), "slope of the sigmoid"),
            Step(up * (1 - own) ** gamma * (gamma * own * log(own) - (1 - own)), "multiply out"),
        ],
        function="focal_grad",
    )


def smooth_labels() -> Derivation:
    """Smoothed labels mix the target with a fair die."""
    epsilon = between("epsilon", 0, 1)
    step = target[k] + epsilon * (1 / n - target[k])
    return Derivation(
        [
            *_value(step, "a step from the target toward the fair die", tex=r"\tilde y_k"),
            Step((1 - epsilon) * target[k] + epsilon / n, "collect the target"),
        ],
        **ALL_N,
        function="smooth_labels",
    )


def smooth_labels_in_cross_entropy() -> Derivation:
    """With smoothed labels, cross-entropy pulls toward the smoothed target."""
    epsilon = between("epsilon", 0, 1)
    smooth = named(r"\tilde y", lambda place, *_: (1 - epsilon) * target[place] + epsilon / n, "subscript")

    def mixed(place: sp.Expr) -> sp.Expr:
        return smooth(place, epsilon, target.label, n)

    return Derivation(
        [
            *_slope(-total(mixed(i) * log(p(i)), i), logits[k]),
            Step(-total(mixed(i) * (same(i, k) - p(k)), i), "slope of the logarithm of a softmax"),
            Step(p(k) * total(mixed(i), i) - mixed(k), "the bracket picks one term"),
            Step(p(k) - mixed(k), "smoothed labels sum to one"),
            Step(p(k) - ((1 - epsilon) * target[k] + epsilon / n), "the target mixed with a fair die"),
        ],
        **ALL_N,
    )
