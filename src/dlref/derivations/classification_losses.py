"""The derivations of the classification losses."""

import sympy as sp

from . import Derivation, Step
from ._symbols import (
    between,
    distribution,
    index,
    largest,
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
FEW = [{n: 2}, {n: 3}]
D, log, exp, delta = sp.Derivative, sp.log, sp.exp, sp.KroneckerDelta
logit, logits = real("logit"), vector(real("logits"), n)
label = between("target", 0, 1)
target = vector(distribution("target"), n)
score, sign = real("score"), one_of("sign", -1, 1)
scores = vector(real("scores"), n)
p = softmax(logits)
lse = quantity(r"\operatorname{LSE}(z)", log(total(exp(logits[j]), j)))


def binary_cross_entropy() -> Derivation:
    """Binary cross-entropy is the surprise of a coin."""
    q = between("probability", 0, 1)
    chance = quantity("P", q**label * (1 - q) ** (1 - label))
    return Derivation(
        [
            Step(quantity(r"\ell", -log(chance))),
            Step(-log(chance), "the surprise of y, where 1 has the probability p"),
            Step(-label * log(q) - (1 - label) * log(1 - q), "the logarithm of a product"),
        ],
        function="binary_cross_entropy",
    )


def binary_cross_entropy_grad() -> Derivation:
    """In the probability, binary cross-entropy pulls with the error over the variance."""
    q = between("probability", 0, 1)
    loss = -label * log(q) - (1 - label) * log(1 - q)
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), q)),
            Step((1 - label) / (1 - q) - label / q, "slope of the logarithm, twice"),
            Step((q - label) / (q * (1 - q)), "one fraction"),
        ],
        function="binary_cross_entropy_grad",
    )


def _from_logit() -> sp.Expr:
    return -label * log(sigmoid(logit)) - (1 - label) * log(1 - sigmoid(logit))


def binary_cross_entropy_with_logits() -> Derivation:
    """From a logit, binary cross-entropy has a form that never overflows."""
    return Derivation(
        [
            Step(quantity(r"\ell", _from_logit())),
            Step(_from_logit(), "definition"),
            Step(log(1 + exp(logit)) - label * logit, "the logarithms of the fractions"),
            Step(sp.Max(0, logit) - label * logit + log(1 + exp(-sp.Abs(logit))), "take out the larger exponential"),
        ],
        kinks=[logit],
        expect="exact on open cells",
        function="binary_cross_entropy_with_logits",
    )


def binary_cross_entropy_with_logits_grad() -> Derivation:
    """In the logit, binary cross-entropy pulls with the predicted probability minus the target."""
    s = sigmoid(logit)
    return Derivation(
        [
            Step(D(quantity(r"\ell", _from_logit()), logit)),
            Step(((1 - label) / (1 - s) - label / s) * D(s, logit), "chain rule"),
            Step(((1 - label) / (1 - s) - label / s) * s * (1 - s), "slope of the sigmoid"),
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
            Step(exp(logits[k]) / total(exp(logits[j]), j), "the factor e^a stands above and below"),
            Step(p(k), "definition"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def log_sum_exp_grad() -> Derivation:
    """The gradient of log-sum-exp is the softmax."""
    return Derivation(
        [
            Step(D(lse, logits[k])),
            Step(D(total(exp(logits[j]), j), logits[k]) / total(exp(logits[j]), j), "chain rule"),
            Step(exp(logits[k]) / total(exp(logits[j]), j), "only the term of k depends on its logit"),
            Step(p(k), "definition"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def log_sum_exp_is_stable() -> Derivation:
    """Any constant may be taken out of log-sum-exp, so that no exponential overflows."""
    shift = real("a")
    return Derivation(
        [
            Step(lse),
            Step(log(exp(shift) * total(exp(logits[j] - shift), j)), "take out one factor"),
            Step(shift + log(total(exp(logits[j] - shift), j)), "the logarithm of a product"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def log_sum_exp_is_above_every_logit() -> Derivation:
    """Log-sum-exp is at least every logit, the largest among them."""
    return Derivation(
        [
            Step(lse),
            Step(logits[k], "leave out all terms but one: they are positive", ">="),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def log_sum_exp_is_at_most_log_n_above() -> Derivation:
    """Log-sum-exp exceeds the largest logit by at most log n."""
    top = largest(logits[i], i)
    return Derivation(
        [
            Step(lse),
            Step(log(total(exp(top), j)), "no logit is above the largest", "<="),
            Step(top + log(n), "n equal terms"),
        ],
        kinks=[logits[i] - logits[j]],
        sizes=SIZES,
        expect="exact, all n",
    )


def cross_entropy() -> Derivation:
    """Cross-entropy from logits is log-sum-exp less the target's average logit."""
    loss = -total(target[i] * log(p(i)), i)
    return Derivation(
        [
            Step(quantity(r"\ell", loss)),
            Step(loss, "definition"),
            Step(-total(target[i] * (logits[i] - lse), i), "the logarithm of a fraction"),
            Step(lse - total(target[i] * logits[i], i), "the target sums to one"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="cross_entropy",
    )


def cross_entropy_grad() -> Derivation:
    """Softmax and cross-entropy pull with prediction minus target."""
    loss = -total(target[i] * log(p(i)), i)
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), logits[k])),
            Step(-total(target[i] * D(log(p(i)), logits[k]), i), "definition"),
            Step(-total(target[i] * (delta(i, k) - p(k)), i), "slope of the logarithm of a softmax"),
            Step(p(k) * total(target[i], i) - target[k], "the bracket picks one term"),
            Step(p(k) - target[k], "the target sums to one"),
        ],
        sizes=SIZES,
        expect="exact, all n",
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
        sizes=SIZES,
        expect="exact for n = 2, 3, 4",
    )


def sparse_cross_entropy() -> Derivation:
    """With one right class, cross-entropy is log-sum-exp less that class's logit."""
    return Derivation(
        [
            Step(quantity(r"\ell", -total(delta(i, c) * log(p(i)), i))),
            Step(-log(p(c)), "the target is one at the class c"),
            Step(lse - logits[c], "the logarithm of a fraction"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="sparse_cross_entropy",
    )


def sparse_cross_entropy_grad() -> Derivation:
    """With one right class, cross-entropy pulls with the softmax, less one at that class."""
    return Derivation(
        [
            Step(D(quantity(r"\ell", -log(p(c))), logits[k])),
            Step(D(lse, logits[k]) - D(logits[c], logits[k]), "the logarithm of a fraction"),
            Step(p(k) - delta(k, c), "the gradient of log-sum-exp is the softmax"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="sparse_cross_entropy_grad",
    )


def kl_divergence() -> Derivation:
    """The divergence is the cross-entropy less the target's own entropy."""
    q = vector(distribution("prediction", tex="q"), n)
    loss = total(target[i] * log(target[i] / q[i]), i)
    entropy = quantity("H(y)", -total(target[i] * log(target[i]), i))
    return Derivation(
        [
            Step(quantity(r"\operatorname{KL}(y \,\Vert\, q)", loss)),
            Step(loss, "definition"),
            Step(-total(target[i] * log(q[i]), i) - entropy, "the logarithm of a fraction"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="kl_divergence",
    )


def kl_divergence_grad() -> Derivation:
    """In the predicted probabilities, the divergence pulls with target over prediction."""
    q = vector(distribution("prediction", tex="q"), n)
    loss = total(target[i] * log(target[i] / q[i]), i)
    return Derivation(
        [
            Step(D(quantity(r"\operatorname{KL}(y \,\Vert\, q)", loss), q[k])),
            Step(-D(total(target[i] * log(q[i]), i), q[k]), "the entropy of the target does not move"),
            Step(-target[k] / q[k], "slope of the logarithm"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="kl_divergence_grad",
    )


def gibbs_inequality() -> Derivation:
    """The divergence is never negative."""
    q = vector(distribution("prediction", tex="q"), n)
    return Derivation(
        [
            Step(quantity(r"\operatorname{KL}(y \,\Vert\, q)", total(target[i] * log(target[i] / q[i]), i))),
            Step(-total(target[i] * log(q[i] / target[i]), i), "turn the fraction over"),
            Step(
                -total(target[i] * (q[i] / target[i] - 1), i),
                "a logarithm lies below its tangent at 1",
                ">=",
                touch=(q[i], target[i]),
            ),
            Step(total(target[i], i) - total(q[i], i), "one sum at a time"),
            Step(sp.S.Zero, "both sum to one"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )


def hinge() -> Derivation:
    """The hinge is what is missing to a margin of 1."""
    cases = sp.Piecewise((1 - sign * score, sign * score < 1), (0, True))
    return Derivation(
        [
            Step(quantity(r"\ell", cases)),
            Step(cases, "definition"),
            Step(sp.Max(0, 1 - sign * score), "the larger of the two, in either case"),
        ],
        kinks=[1 - sign * score],
        expect="exact on open cells",
        function="hinge",
    )


def hinge_grad() -> Derivation:
    """The hinge pulls with 1 toward the right side until the margin is there."""
    return Derivation(
        [
            Step(D(quantity(r"\ell", sp.Max(0, 1 - sign * score)), score)),
            Step(sp.Piecewise((-sign, sign * score < 1), (0, True)), "each branch has a slope of its own"),
            Step(-sign * sp.Heaviside(1 - sign * score, 0), "the bracket is 1 where it holds, else 0"),
        ],
        kinks=[1 - sign * score],
        expect="exact on open cells",
        function="hinge_grad",
    )


def squared_hinge() -> Derivation:
    """The squared hinge is the square of what is missing."""
    cases = sp.Piecewise(((1 - sign * score) ** 2, sign * score < 1), (0, True))
    return Derivation(
        [
            Step(quantity(r"\ell", cases)),
            Step(cases, "definition"),
            Step(sp.Max(0, 1 - sign * score) ** 2, "the square of a hinge"),
        ],
        kinks=[1 - sign * score],
        expect="exact on open cells",
        function="squared_hinge",
    )


def squared_hinge_grad() -> Derivation:
    """The squared hinge pulls with twice what is missing."""
    missing = sp.Max(0, 1 - sign * score)
    return Derivation(
        [
            Step(D(quantity(r"\ell", missing**2), score)),
            Step(2 * missing * D(missing, score), "chain rule"),
            Step(-2 * sign * missing * sp.Heaviside(1 - sign * score, 0), "slope of the hinge"),
            Step(-2 * sign * missing, "the bracket is 1 wherever something is missing"),
        ],
        kinks=[1 - sign * score],
        expect="exact on open cells",
        function="squared_hinge_grad",
    )


def squared_hinge_has_no_corner() -> Derivation:
    """The squared hinge's slope fades to zero at the margin: it has no corner."""
    missing = sp.Max(0, 1 - sign * score)
    return Derivation(
        [
            Step(sp.Abs(D(quantity(r"\ell", missing**2), score))),
            Step(2 * missing, "the slope, whose sign is that of -y"),
            Step(2 * sp.Abs(1 - sign * score), "which is zero at the margin, from both sides", "<="),
        ],
        kinks=[1 - sign * score],
        expect="exact on open cells",
    )


def _categorical() -> tuple:
    """One-hot target, the masked rivals, and what is missing to a margin of 1 over each."""
    y = vector(one_hot("target"), n)

    def rival(place: sp.Expr) -> sp.Expr:
        return (1 - y[place]) * scores[place]

    return y, rival, total(y[i] * scores[i], i)


def categorical_hinge() -> Derivation:
    """The categorical hinge is the hinge of the strongest rival."""
    y, rival, right = _categorical()
    return Derivation(
        [
            Step(quantity(r"\ell", sp.Max(0, 1 + largest(rival(j), j) - right))),
            Step(sp.Max(0, 1 + largest(rival(j), j) - right), "definition"),
            Step(largest(sp.Max(0, 1 + rival(j) - right), j), "the strongest rival has the largest hinge"),
        ],
        kinks=[rival(i) - rival(j), 1 + rival(j) - total(y[m] * scores[m], m)],
        sizes=FEW,
        expect="exact for n = 2, 3",
        function="categorical_hinge",
    )


def categorical_hinge_grad() -> Derivation:
    """The categorical hinge pushes the strongest rival down and the right class up."""
    y, rival, right = _categorical()
    top = largest(rival(j), j)
    loss = sp.Max(0, 1 + top - right)
    short, strongest = sp.Heaviside(1 + top - right, 0), sp.Piecewise((1, rival(k) >= top), (0, True))
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), scores[k])),
            Step(short * (D(top, scores[k]) - D(right, scores[k])), "the hinge passes a slope on while it is positive"),
            Step(short * ((1 - y[k]) * strongest - y[k]), "only the strongest rival and the right class count"),
        ],
        kinks=[rival(i) - rival(j), 1 + rival(j) - total(y[m] * scores[m], m)],
        sizes=FEW,
        expect="exact for n = 2, 3",
        function="categorical_hinge_grad",
    )


def _violation(place: sp.Expr) -> sp.Expr:
    return scores[place] - scores[c] + positive("margin")


def multiclass_hinge() -> Derivation:
    """The multiclass hinge adds up what is missing over every wrong class."""
    loss = total((1 - delta(j, c)) * sp.Max(0, _violation(j)), j)
    return Derivation(
        [
            Step(quantity(r"\ell", loss)),
            Step(loss, "definition"),
            Step(
                total((1 - delta(j, c)) * sp.Heaviside(_violation(j), 0) * _violation(j), j),
                "a hinge is its argument where that is positive",
            ),
        ],
        kinks=[_violation(j)],
        sizes=FEW,
        expect="exact for n = 2, 3",
        function="multiclass_hinge",
    )


def multiclass_hinge_grad() -> Derivation:
    """The multiclass hinge pushes each violator down by 1 and the right class up by their number."""
    loss = total((1 - delta(j, c)) * sp.Max(0, _violation(j)), j)
    violated = sp.Heaviside(_violation(j), 0)
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), scores[k])),
            Step(total((1 - delta(j, c)) * violated * (delta(j, k) - delta(c, k)), j), "slope of each hinge"),
            Step(
                (1 - delta(k, c)) * sp.Heaviside(_violation(k), 0)
                - delta(k, c) * total((1 - delta(j, c)) * violated, j),
                "a wrong class counts once, the right class once for each violator",
            ),
        ],
        kinks=[_violation(j)],
        sizes=FEW,
        expect="exact, all n",
        function="multiclass_hinge_grad",
    )


def exponential() -> Derivation:
    """The exponential loss is the odds against the label, if the score is taken as log-odds."""
    right = sigmoid(sign * score)
    return Derivation(
        [
            Step(quantity(r"\ell", (1 - right) / right)),
            Step((1 - right) / right, "the odds against a label of probability sigma(y s)"),
            Step(exp(-sign * score), "one over the sigmoid, less 1"),
        ],
        function="exponential",
    )


def exponential_grad() -> Derivation:
    """The exponential loss pulls exponentially hard on the wrong side."""
    return Derivation(
        [
            Step(D(quantity(r"\ell", exp(-sign * score)), score)),
            Step(-sign * exp(-sign * score), "chain rule"),
        ],
        function="exponential_grad",
    )


def exponential_is_least_at_half_the_log_odds() -> Derivation:
    """On average the exponential loss is least at half the log-odds."""
    chance = between("eta", 0, 1)
    spread = 2 * sp.sqrt(chance * (1 - chance))
    best = quantity("s^*", log(chance / (1 - chance)) / 2)
    return Derivation(
        [
            Step(chance * exp(-score) + (1 - chance) * exp(score)),
            Step(spread * (exp(best - score) + exp(score - best)) / 2, "take out the geometric mean"),
            Step(spread * sp.cosh(score - best), "definition of cosh"),
            Step(spread, "cosh is at least 1, and 1 only at 0", ">=", touch=(score, best)),
        ],
    )


def _focal(gamma: sp.Expr) -> tuple:
    """The label's own probability, and the loss."""
    y, z = one_of("target", 0, 1), logit
    right = quantity("p", sigmoid((2 * y - 1) * z))
    return y, right, -((1 - right) ** gamma) * log(right)


def focal() -> Derivation:
    """The focal loss is cross-entropy, faded by how sure the prediction is."""
    gamma = positive("gamma")
    y, _, loss = _focal(gamma)
    margin = (2 * y - 1) * logit
    return Derivation(
        [
            Step(quantity(r"\ell", loss)),
            Step(loss, "definition"),
            Step(-exp(gamma * log(sigmoid(-margin))) * log(sigmoid(margin)), "a power through its logarithm"),
        ],
        function="focal",
    )


def focal_grad() -> Derivation:
    """The focal loss pulls with the faded error, and a little more while the prediction is unsure."""
    gamma = positive("gamma")
    y, right, loss = _focal(gamma)
    up = 2 * y - 1
    return Derivation(
        [
            Step(D(quantity(r"\ell", loss), logit)),
            Step(
                (gamma * (1 - right) ** (gamma - 1) * log(right) - (1 - right) ** gamma / right) * D(right, logit),
                "product rule",
            ),
            Step(
                (gamma * (1 - right) ** (gamma - 1) * log(right) - (1 - right) ** gamma / right)
                * (up * right * (1 - right)),
                "slope of the sigmoid",
            ),
            Step(up * (1 - right) ** gamma * (gamma * right * log(right) - (1 - right)), "multiply out"),
        ],
        function="focal_grad",
    )


def smooth_labels() -> Derivation:
    """Smoothed labels mix the target with a fair die."""
    epsilon = between("epsilon", 0, 1)
    return Derivation(
        [
            Step(quantity(r"\tilde y_k", target[k] + epsilon * (1 / n - target[k]))),
            Step(target[k] + epsilon * (1 / n - target[k]), "a step from the target toward the fair die"),
            Step((1 - epsilon) * target[k] + epsilon / n, "collect the target"),
        ],
        sizes=SIZES,
        expect="exact, all n",
        function="smooth_labels",
    )


def smooth_labels_in_cross_entropy() -> Derivation:
    """With smoothed labels, cross-entropy pulls toward the smoothed target."""
    epsilon = between("epsilon", 0, 1)
    smooth = (1 - epsilon) * target[i] + epsilon / n
    return Derivation(
        [
            Step(D(quantity(r"\ell", -total(smooth * log(p(i)), i)), logits[k])),
            Step(-total(smooth * (delta(i, k) - p(k)), i), "slope of the logarithm of a softmax"),
            Step(p(k) * total(smooth, i) - ((1 - epsilon) * target[k] + epsilon / n), "the bracket picks one term"),
            Step(p(k) - ((1 - epsilon) * target[k] + epsilon / n), "smoothed labels sum to one"),
        ],
        sizes=SIZES,
        expect="exact, all n",
    )
