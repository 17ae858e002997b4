"""Damaged classification losses."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def sparse_cross_entropy_half_shifted(logits: Tensor, index: Tensor) -> Tensor:
    """Give -log softmax(logits)[index], however large the logits are."""
    position = index.unsqueeze(-1)
    shifted = logits - logits.amax(-1, keepdim=True)
    total = shifted.exp().sum(-1)
    right = logits.gather(-1, position).squeeze(-1)  # wrong: it takes the logit before the shift, `total` after.
    return total.log() - right


def multiclass_hinge_grad_one_pull(scores: Tensor, index: Tensor, *, margin: float = 1.0) -> Tensor:
    """Give the derivative of the sum, over the wrong classes j, of max(0, s_j - s_y + margin)."""
    position = index.unsqueeze(-1)
    missing = scores - scores.gather(-1, position) + margin
    violated = (missing > 0).to(scores)
    violated = violated.scatter(-1, position, 0.0)
    return violated.scatter(-1, position, -1.0)  # wrong: the right class gets minus the number of violations.


def focal_fades_the_hard(logit: Tensor, target: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Give the cross-entropy of a logit, with the easy examples turned down."""
    margin = torch.where(target == 1, logit, -logit)
    p = margin.sigmoid()
    fade = p**gamma  # wrong: `p` is near 1 for an easy example, so this keeps the easy and fades the hard.
    return -fade * logsigmoid(margin)
