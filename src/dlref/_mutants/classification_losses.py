"""Damaged classification losses."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def sparse_cross_entropy_half_shifted(logits: Tensor, index: Tensor) -> Tensor:
    """Give -log softmax(logits)[index], however large the logits are."""
    position = index.unsqueeze(-1)
    shifted = logits - logits.amax(-1, keepdim=True)
    total = shifted.exp().sum(-1)
    # right: `right = shifted.gather(-1, position).squeeze(-1)`
    right = logits.gather(-1, position).squeeze(-1)  # wrong: it takes the logit before the shift, `total` after.
    return total.log() - right


def multiclass_hinge_grad_one_pull(scores: Tensor, index: Tensor, *, margin: float = 1.0) -> Tensor:
    """Give the derivative of the sum, over the wrong classes j, of max(0, s_j - s_y + margin)."""
    position = index.unsqueeze(-1)
    missing = scores - scores.gather(-1, position) + margin
    violated = (missing > 0).to(scores)
    violated = violated.scatter(-1, position, 0.0)
    # right: `return violated.scatter(-1, position, -violated.sum(-1, keepdim=True))`
    return violated.scatter(-1, position, -1.0)  # wrong: the right class gets minus the number of violations.


def focal_fades_the_hard(logit: Tensor, target: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Give the cross-entropy of a logit, with the easy examples turned down."""
    margin = torch.where(target == 1, logit, -logit)
    p = margin.sigmoid()
    # right: `fade = (1 - p) ** gamma`
    fade = p**gamma  # wrong: `p` is near 1 for an easy example, so this keeps the easy and fades the hard.
    return -fade * logsigmoid(margin)


def sparse_cross_entropy_as_written(logits: Tensor, index: Tensor) -> Tensor:
    """Give -log softmax(logits)[index]."""
    power = logits.exp()  # wrong: it overflows for large logits, and inf / inf is nan.
    share = power / power.sum(-1, keepdim=True)
    return -share.gather(-1, index.unsqueeze(-1)).squeeze(-1).log()


def sparse_cross_entropy_log_of_softmax(logits: Tensor, index: Tensor) -> Tensor:
    """Give -log softmax(logits)[index]."""
    share = logits.softmax(-1)
    return -share.gather(-1, index.unsqueeze(-1)).squeeze(-1).log()  # wrong: a share rounded to 0 has no logarithm.


def sparse_cross_entropy_unshifted_back(logits: Tensor, index: Tensor) -> Tensor:
    """Give -log softmax(logits)[index], however large the logits are."""
    shifted = logits - logits.amax(-1, keepdim=True)
    total = shifted.exp().sum(-1).log()
    return -(shifted.gather(-1, index.unsqueeze(-1)).squeeze(-1) + total)  # wrong: log softmax is z - log sum.


def hinge_without_margin(score: Tensor, sign: Tensor) -> Tensor:
    """Give what is missing to a margin of 1 on the right side."""
    return (-sign * score).clamp(min=0)  # wrong: that is the perceptron's loss: no margin is asked for.


def hinge_of_the_distance(score: Tensor, sign: Tensor) -> Tensor:
    """Give what is missing to a margin of 1 on the right side."""
    return (sign - score).abs()  # wrong: it also punishes who is further on the right side than 1.


def hinge_squared(score: Tensor, sign: Tensor) -> Tensor:
    """Give what is missing to a margin of 1 on the right side."""
    return (1 - sign * score).clamp(min=0).square()  # wrong: that is the squared hinge.


def hinge_unclamped(score: Tensor, sign: Tensor) -> Tensor:
    """Give what is missing to a margin of 1 on the right side."""
    return 1 - sign * score  # wrong: past the margin it goes below 0, and pays for ever larger scores.
