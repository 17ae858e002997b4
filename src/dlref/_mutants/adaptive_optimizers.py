"""Damaged adaptive optimizers."""

import torch

from dlref.adaptive_optimizers import AdagradState, AdamState, LionState, RMSPropState


def rmsprop_with_plus_equals(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: RMSPropState | None = None,
    *,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, RMSPropState]:
    """Divide by the root of a running mean of squares."""
    g = grad + weight_decay * theta
    (v,) = RMSPropState(torch.zeros_like(g)) if state is None else state
    # right: `v = alpha * v + (1 - alpha) * g**2`
    v = v + alpha * v + (1 - alpha) * g**2  # wrong: the old mean stays whole besides; it explodes. Drop the first v.
    return theta - lr * g / (v.sqrt() + eps), RMSPropState(v)


def adam_keeps_the_corrected(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: AdamState | None = None,
    *,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, AdamState]:
    """Divide a corrected mean by the root of a corrected mean of squares."""
    g = grad + weight_decay * theta
    m, v, t = AdamState(torch.zeros_like(g), torch.zeros_like(g), 0) if state is None else state
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    step = m_hat / (v_hat.sqrt() + eps)
    # right: `return theta - lr * step, AdamState(m, v, t)`
    return theta - lr * step, AdamState(m_hat, v_hat, t)  # wrong: they would be corrected again. Keep m and v.


def adam_with_one_correction(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: AdamState | None = None,
    *,
    lr: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, AdamState]:
    """Divide a corrected mean by the root of a corrected mean of squares."""
    g = grad + weight_decay * theta
    m, v, t = AdamState(torch.zeros_like(g), torch.zeros_like(g), 0) if state is None else state
    t = t + 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    # right: `v_hat = v / (1 - beta2**t)`
    v_hat = v / (1 - beta1**t)  # wrong: v fades by beta2, so its start is undone by beta2 to the t.
    step = m_hat / (v_hat.sqrt() + eps)
    return theta - lr * step, AdamState(m, v, t)


def adagrad_without_the_root(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: AdagradState | None = None,
    *,
    lr: float = 1e-2,
    eps: float = 1e-10,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, AdagradState]:
    """Divide by the root of the sum of all squares so far."""
    g = grad + weight_decay * theta
    (s,) = AdagradState(torch.zeros_like(g)) if state is None else state
    s = s + g**2
    # right: `step = g / (s.sqrt() + eps)`
    step = g / (s + eps)  # wrong: a gradient over squares shrinks as gradients grow. Take the root of s.
    return theta - lr * step, AdagradState(s)


def lion_with_the_next_mean(
    theta: torch.Tensor,
    grad: torch.Tensor,
    state: LionState | None = None,
    *,
    lr: float = 1e-4,
    beta1: float = 0.9,
    beta2: float = 0.99,
    weight_decay: float = 0.0,
) -> tuple[torch.Tensor, LionState]:
    """Step by the sign of a mean."""
    (m,) = LionState(torch.zeros_like(grad)) if state is None else state
    m_next = beta2 * m + (1 - beta2) * grad
    # right: `step = (beta1 * m + (1 - beta1) * grad).sign()`
    step = (beta1 * m_next + (1 - beta1) * grad).sign()  # wrong: the gradient counts twice. Mix the old m in.
    return theta - lr * (step + weight_decay * theta), LionState(m_next)
