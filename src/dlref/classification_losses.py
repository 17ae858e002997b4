"""Losses for a class: one value per example, from a probability, a logit or a score.

A logit is any real number, a probability lies in [0, 1], a sign is -1 or 1, an index counts classes from 0. Classes lie
on the last axis. Nothing is averaged: the caller takes the mean or weights the examples. Predictions are floating;
targets may be of any real dtype. An integer prediction or a floating index is a TypeError; a shape that does not fit or
a target outside its law a ValueError. `f_grad` is the derivative of `f` by its first argument, written by hand.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from dlref._checks import aligned, distribution, every, fractions, indexed, real, require, vectors
from dlref._types import (
    Distributions,
    IndexedLogits,
    Indices,
    Labels,
    Logits,
    NonNegative,
    OneHots,
    PerClass,
    PerExample,
    Probabilities,
    Result,
    Share,
    Signs,
    TargetDistributions,
    TargetProbabilities,
    Values,
)


def binary_cross_entropy(probability: Probabilities, target: TargetProbabilities) -> Result:
    r"""Charge a probability with the surprise of what happened: the negative log-likelihood of a coin.

    `-(y log p + (1 - y) log(1 - p))`, in nats. A certain prediction that is wrong costs infinitely much; as in PyTorch,
    each logarithm is cut off at -100, so that such a value is 100. Keras moves the probability away from 0 and 1
    by 1e-7 instead. From a logit, call `binary_cross_entropy_with_logits`: a rounded probability has lost its tail.

    Reference: Good 1952, Rational decisions.

    Raises
    ------
    ValueError
        If a probability or a target lies outside [0, 1].

    """
    probability, target = _coins("binary_cross_entropy", probability, target)
    yes, no = _cut_logs(probability)
    return -target * yes - (1 - target) * no


def binary_cross_entropy_grad(probability: Probabilities, target: TargetProbabilities) -> Result:
    r"""Pull with `(p - y) / (p (1 - p))`, the denominator floored at 1e-12, as in PyTorch: at `p` = 0 and 1 finite.

    Where the floor holds, within 1e-12 of 0 and 1, this is PyTorch's gradient and no longer the slope of the value.
    """
    probability, target = _coins("binary_cross_entropy_grad", probability, target)
    floor = max(1e-12, torch.finfo(probability.dtype).tiny)
    return (probability - target) / (probability * (1 - probability)).clamp(min=floor)


def binary_cross_entropy_with_logits(logit: Values, target: TargetProbabilities) -> Result:
    r"""Charge a logit with the surprise of what happened, without ever rounding its probability to 0 or 1.

    `-(y log σ(z) + (1 - y) log σ(-z))`, in nats: linear in `z` where the prediction is wrong, never infinite.

    Reference: Cox 1958, The regression analysis of binary sequences.

    Raises
    ------
    ValueError
        If a target lies outside [0, 1].

    """
    logit, target = aligned("binary_cross_entropy_with_logits", logit, target)
    fractions("binary_cross_entropy_with_logits", "target", target)
    return -(target * logsigmoid(logit) + (1 - target) * logsigmoid(-logit))


def binary_cross_entropy_with_logits_grad(logit: Values, target: TargetProbabilities) -> Result:
    r"""Pull with `σ(z) - y`: the probability that was predicted minus the one that was right."""
    logit, target = aligned("binary_cross_entropy_with_logits_grad", logit, target)
    fractions("binary_cross_entropy_with_logits_grad", "target", target)
    return logit.sigmoid() - target


def cross_entropy(logits: Logits, target: TargetDistributions) -> PerExample:
    r"""Charge a predicted distribution over classes with the surprise of the target distribution.

    `-Σ y log softmax(z)` over the last axis, in nats. Keras calls it categorical cross-entropy and takes probabilities
    unless told `from_logits=True`; PyTorch's `cross_entropy` has the classes on axis 1.

    Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.

    Raises
    ------
    ValueError
        If a target is negative or does not sum to 1 within 1e-4 (4 machine epsilons in half precision). PyTorch does
        not look. Weight the value, not the target.

    """
    logits, target = _classes("cross_entropy", logits, target)
    return -(target * logits.log_softmax(-1)).sum(-1)


def cross_entropy_grad(logits: Logits, target: TargetDistributions) -> PerClass:
    r"""Pull with `softmax(z) - y`: it sums to 0, for a constant added to all logits changes nothing."""
    logits, target = _classes("cross_entropy_grad", logits, target)
    return logits.softmax(-1) - target


def sparse_cross_entropy(logits: IndexedLogits, index: Indices) -> PerExample:
    r"""Be `cross_entropy` for a target that is one class, given by its index: no one-hot vector is built.

    `-log softmax(z)[index]`, in nats.

    Raises
    ------
    ValueError
        If an index is no class, or there is not one per row. PyTorch leaves out examples with index -100; here they
        are refused: leave them out before.

    """
    position = indexed("sparse_cross_entropy", logits, index)
    return -logits.log_softmax(-1).gather(-1, position).squeeze(-1)


def sparse_cross_entropy_grad(logits: IndexedLogits, index: Indices) -> PerClass:
    r"""Pull with `softmax(z)`, less 1 at the right class."""
    position = indexed("sparse_cross_entropy_grad", logits, index)
    return logits.softmax(-1).scatter_add(-1, position, -torch.ones_like(position, dtype=logits.dtype))


def kl_divergence(prediction: Distributions, target: TargetDistributions) -> PerExample:
    r"""Measure what it costs, in nats, to believe `prediction` where `target` is true: 0 only if they are equal.

    `Σ target log(target / prediction)` over the last axis, with `0 log 0 = 0`; infinite where the prediction rules out
    what the target allows. It is the cross-entropy less the target's entropy, and not symmetric. PyTorch's `kl_div`
    takes the logarithm of the prediction; Keras clips both to at least 1e-7.

    Reference: Kullback & Leibler 1951, On information and sufficiency.

    Raises
    ------
    ValueError
        If either is negative or does not sum to 1, to within 1e-4 (4 machine epsilons in half precision).

    """
    prediction, target = _distributions("kl_divergence", prediction, target)
    return (torch.xlogy(target, target) - target * torch.where(target > 0, prediction, 1).log()).sum(-1)


def kl_divergence_grad(prediction: Distributions, target: TargetDistributions) -> PerClass:
    r"""Pull with `-target / prediction`, each component on its own, and 0 where the target is 0."""
    prediction, target = _distributions("kl_divergence_grad", prediction, target)
    return -target / torch.where(target > 0, prediction, 1)


def hinge(score: Values, sign: Signs) -> Result:
    r"""Ask for the right side and a margin of 1, and be content once both are there.

    `max(0, 1 - y s)` for `y` in {-1, 1}. Keras also takes labels 0 and 1 and maps them; here, map them first.

    Reference: Cortes & Vapnik 1995, Support-vector networks.

    Raises
    ------
    ValueError
        If a sign is neither -1 nor 1.

    """
    margin, _ = _margin("hinge", score, sign)
    return (1 - margin).clamp(min=0)


def hinge_grad(score: Values, sign: Signs) -> Result:
    r"""Pull with 1 toward the right side while the margin is missing; at the kink `y s = 1` too.

    `-y` while `y s <= 1`, else 0: PyTorch's `hinge_embedding_loss` and scikit-learn choose the same at the kink.
    """
    margin, sign = _margin("hinge_grad", score, sign)
    return torch.where(margin <= 1, -sign, 0)


def squared_hinge(score: Values, sign: Signs) -> Result:
    r"""Be a hinge without the kink: the square of what is missing to the margin.

    `max(0, 1 - y s)²` for `y` in {-1, 1}. An outlier pulls as hard as it is far.

    Reference: Tang 2013, Deep learning using linear support vector machines.

    Raises
    ------
    ValueError
        If a sign is neither -1 nor 1.

    """
    margin, _ = _margin("squared_hinge", score, sign)
    return (1 - margin).clamp(min=0).square()


def squared_hinge_grad(score: Values, sign: Signs) -> Result:
    r"""Pull with twice what is missing: `-2 y max(0, 1 - y s)`."""
    margin, sign = _margin("squared_hinge_grad", score, sign)
    return -2 * sign * (1 - margin).clamp(min=0)


def categorical_hinge(scores: Logits, target: OneHots) -> PerExample:
    r"""Ask that the right class beat its strongest rival by 1: Keras' `CategoricalHinge`.

    `max(0, 1 + max((1 - y) s) - Σ y s)` over the last axis. Keras' mask turns the right class' score into a 0 and
    leaves it among the rivals: with all rivals below 0, the score to beat is 0. Crammer & Singer's hinge takes the
    maximum over the wrong classes only, and depends on differences of scores alone; this one does not.

    Reference: Keras, `categorical_hinge`; Crammer & Singer 2001, On the algorithmic implementation of multiclass
    kernel-based vector machines.

    Raises
    ------
    ValueError
        If a target is not one-hot.

    """
    scores, target = _one_hot("categorical_hinge", scores, target)
    rivals = (1 - target) * scores
    return (1 + rivals.amax(-1) - (target * scores).sum(-1)).clamp(min=0)


def categorical_hinge_grad(scores: Logits, target: OneHots) -> PerClass:
    r"""Push the strongest rival down by 1 and the right class up by 1 while the margin is missing, or just met.

    Rivals that tie share the 1 equally, the masked 0 among them, as torch's `amax` and TensorFlow's do.
    """
    scores, target = _one_hot("categorical_hinge_grad", scores, target)
    rivals = (1 - target) * scores
    strongest = rivals.amax(-1, keepdim=True)
    short = 1 + strongest - (target * scores).sum(-1, keepdim=True) >= 0
    tied = (rivals == strongest).to(scores)
    return torch.where(short, (1 - target) * tied / tied.sum(-1, keepdim=True) - target, 0)


def multiclass_hinge(scores: IndexedLogits, index: Indices, *, margin: NonNegative = 1.0) -> PerExample:
    r"""Ask that the right class beat every other one by `margin`, and add up what is missing.

    `Σ max(0, s_j - s_y + margin)` over the wrong classes `j`, as in CS231n. PyTorch's `multi_margin_loss` divides it by
    the number of classes. `margin` is in the scores' units, 1 in both: it only sets the scale of
    scores that are free to grow.

    Reference: Weston & Watkins 1999, Support vector machines for multi-class pattern recognition.

    Raises
    ------
    ValueError
        If an index is no class, there is not one per row, or `margin` is below 0 or infinite.

    """
    return _violations("multiclass_hinge", scores, index, margin)[0].relu().sum(-1)


def multiclass_hinge_grad(scores: IndexedLogits, index: Indices, *, margin: NonNegative = 1.0) -> PerClass:
    r"""Push each class that violates its margin down by 1, and the right class up by their number.

    A margin that is just met is no violation, as in PyTorch's `multi_margin_loss`.
    """
    violations, position = _violations("multiclass_hinge_grad", scores, index, margin)
    violated = (violations > 0).to(scores)
    return violated.scatter_add(-1, position, -violated.sum(-1, keepdim=True))


def exponential(score: Values, sign: Signs) -> Result:
    r"""Punish a wrong side exponentially: the loss that AdaBoost lowers, whose best score is half the log-odds.

    `exp(-y s)` for `y` in {-1, 1}. It overflows to infinity from `y s` = -89 on in float32, and truly so.

    Reference: Friedman, Hastie & Tibshirani 2000, Additive logistic regression.

    Raises
    ------
    ValueError
        If a sign is neither -1 nor 1.

    """
    margin, _ = _margin("exponential", score, sign)
    return (-margin).exp()


def exponential_grad(score: Values, sign: Signs) -> Result:
    r"""Pull with `-y exp(-y s)`: mislabelled examples own the gradient."""
    margin, sign = _margin("exponential_grad", score, sign)
    return -sign * (-margin).exp()


def focal(logit: Values, target: Labels, *, gamma: NonNegative = 2.0) -> Result:
    r"""Turn down the easy examples, so that a thousand of them do not drown one hard one.

    `-(1 - p)^γ log p` with `p` the probability given to the label: `σ(z)` for 1, `σ(-z)` for 0. `γ = 0` is the
    binary cross-entropy. `gamma` sets how fast easy examples fade: 2 is the paper's choice. The paper's class weight α
    is left to the caller: multiply the value by it.

    Reference: Lin et al. 2017, Focal loss for dense object detection.

    Raises
    ------
    ValueError
        If a target is neither 0 nor 1, or `gamma` is below 0 or infinite.

    """
    margin, _ = _focus("focal", logit, target, gamma)
    return -(gamma * logsigmoid(-margin)).exp() * logsigmoid(margin)  # a power would have slope 0 * inf at p = 1


def focal_grad(logit: Values, target: Labels, *, gamma: NonNegative = 2.0) -> Result:
    r"""Pull with `±(1 - p)^γ (γ p log p - (1 - p))`, + for the label 1 and - for 0."""
    margin, sign = _focus("focal_grad", logit, target, gamma)
    fade = (gamma * logsigmoid(-margin)).exp()
    return sign * fade * (gamma * margin.sigmoid() * logsigmoid(margin) - (-margin).sigmoid())


def smooth_labels(target: TargetDistributions, *, epsilon: Share) -> PerClass:
    r"""Take a little certainty from the label, so that the logits need not grow for ever.

    `(1 - ε) target + ε / K` over the K classes of the last axis; the right class keeps `1 - ε + ε / K`.
    `epsilon` is the share spread over all classes, the right one among them, as in PyTorch and Keras: 0.1 in the paper.
    Whole-number targets become floating. No gradient: it prepares a target, by which nothing is differentiated.

    Reference: Szegedy et al. 2016, Rethinking the Inception architecture.

    Raises
    ------
    ValueError
        If `epsilon` lies outside [0, 1], or a target is no distribution.

    """
    require(0 <= epsilon <= 1, "smooth_labels needs epsilon in [0, 1], got {}", epsilon)
    real("smooth_labels", target)
    target = target if target.is_floating_point() else target.to(torch.get_default_dtype())
    distribution("smooth_labels", "target", target)
    return (1 - epsilon) * target + epsilon / target.shape[-1]


def _coins(function: str, probability: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    probability, target = aligned(function, probability, target)
    fractions(function, "probability", probability, "for logits there is binary_cross_entropy_with_logits")
    fractions(function, "target", target)
    return probability, target


def _cut_logs(p: Tensor) -> tuple[Tensor, Tensor]:
    # log p and log(1 - p), at least -100; the logarithm of 0 is never taken, or autograd would make it 0 * inf.
    yes = torch.where(p > 0, p, 1).log().clamp(min=-100).masked_fill(p == 0, -100)
    no = torch.where(p < 1, -p, 0).log1p().masked_fill(p == 1, -100)
    return yes, no


def _classes(function: str, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    fitting = vectors(function, logits, target)
    distribution(function, "target", target)  # as it came: half precision keeps its tolerance beside float32 logits
    return fitting


def _distributions(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    fitting = _classes(function, prediction, target)
    distribution(function, "prediction", prediction)
    return fitting


def _one_hot(function: str, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    scores, target = vectors(function, scores, target)
    every((target == 0) | (target == 1), f"{function} needs a one-hot target of zeros and ones", target)
    ones = target.sum(-1)
    every(ones == 1, f"{function} needs a one-hot target with a single 1", ones)
    return scores, target


def _margin(function: str, score: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
    score, sign = aligned(function, score, sign)
    every(sign.abs() == 1, f"{function} needs sign in {{-1, 1}}", sign, "map labels 0 and 1 with 2 * label - 1")
    return sign * score, sign


def _violations(function: str, scores: Tensor, index: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    require(0 <= margin < math.inf, "{} needs a finite margin >= 0, got {}", function, margin)
    position = indexed(function, scores, index)
    return (scores - scores.gather(-1, position) + margin).scatter(-1, position, 0), position


def _focus(function: str, logit: Tensor, target: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    require(0 <= gamma < math.inf, "{} needs a finite gamma >= 0, got {}", function, gamma)
    logit, target = aligned(function, logit, target)
    every((target == 0) | (target == 1), f"{function} needs target in {{0, 1}}", target)
    sign = 2 * target - 1
    return sign * logit, sign
