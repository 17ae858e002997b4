"""Damaged gradient descent."""

import torch

from dlref.gradient_descent import MomentumState


def momentum_uphill(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: MomentumState | None = None,
    *,
    lr: float = 1e-3,
    mu: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, MomentumState]:
    """Add each gradient to a velocity that fades."""
    g = grad + weight_decay * theta
    (v,) = MomentumState(torch.zeros_like(g)) if state is None else state
    # right: `v = mu * v + g`
    v = mu * v - g  # wrong: this velocity points downhill already, and the last line turns it round. Add g.
    return theta - lr * v, MomentumState(v)


def nesterov_with_the_old_velocity(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: MomentumState | None = None,
    *,
    lr: float = 1e-3,
    mu: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, MomentumState]:
    """Step along the gradient and the new velocity."""
    g = grad + weight_decay * theta
    (v,) = MomentumState(torch.zeros_like(g)) if state is None else state
    # right: `step = g + mu * (mu * v + g)`
    step = g + mu * v  # wrong: v is still the old velocity, so this is plain momentum. Update v first.
    v = mu * v + g
    return theta - lr * step, MomentumState(v)


def sgd_pushed_outwards(
    theta: torch.Tensor, grad: torch.Tensor, state: None = None, *, lr: float = 1e-3, weight_decay: float = 0.0
) -> tuple[torch.Tensor, None]:
    """Step straight down."""
    decay = weight_decay * theta
    # right: `g = grad + decay`
    g = grad - decay  # wrong: the penalty's slope is added, so that the step makes theta smaller. Take grad + decay.
    return theta - lr * g, state
