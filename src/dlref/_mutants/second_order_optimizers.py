"""Damaged steps of the second-order optimizers."""

import torch

from dlref._types import Recent, Square, Units


def newton_step_raw(grad: Units, hessian: Square) -> Units:
    """Step to where the model's slope is zero, downhill."""
    values, vectors = torch.linalg.eigh((hessian + hessian.mT) / 2)
    along = vectors.mT @ grad
    # right: `return -(vectors @ (along / values.abs()))`
    return -(vectors @ (along / values))  # wrong: a negative value turns the step uphill. Divide by its size.


def bfgs_update_swapped(inverse: Square, step: Units, change: Units) -> Square:
    """Correct an inverse Hessian so that it maps the change to the step."""
    rho = 1 / (step @ change)
    turn = torch.eye(len(step)).to(step) - rho * torch.outer(step, change)
    # right: `last = rho * torch.outer(step, step)`
    last = rho * torch.outer(change, change)  # wrong: this is the Hessian's own term. The inverse's has step and step.
    return turn @ inverse @ turn.mT + last


def lbfgs_direction_one_way(grad: Units, steps: Recent, changes: Recent) -> Units:
    """Give minus the inverse Hessian times the gradient, by two loops."""
    pairs = list(zip(steps, changes, strict=True))
    q, shares = grad, []
    # right: `for s, y in reversed(pairs):`
    for s, y in pairs:  # wrong: the first loop starts at the newest pair. Write reversed(pairs).
        shares.append((s @ q) / (s @ y))
        q = q - shares[-1] * y
    s, y = pairs[-1]
    p = q * (s @ y) / (y @ y)
    for (s, y), share in zip(pairs, reversed(shares), strict=True):
        p = p + (share - (y @ p) / (s @ y)) * s
    return -p
