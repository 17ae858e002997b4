"""Adaptive optimizers: divide each entry's gradient by what is usual for it, so that all entries move alike.

The rules differ in what they call usual: the sum of all squares so far (`adagrad`), a running mean of them (`rmsprop`,
`adadelta`, `adam`), or nothing but the sign (`lion`). A rule takes parameters, their gradient and its own state, and
returns the next ones; nothing is written in place, and autograd goes through it. `gradient_descent.RuleOptimizer` makes
any of them a `torch.optim.Optimizer`. Defaults are PyTorch's.

Parameters in half precision keep their dtype; the step and the state are computed in float32.
"""

from typing import NamedTuple

from dlref._rules import averaged, begun, decays, entrywise, gradient, moved, root, sizes
from dlref._types import Decay, NonNegative, Parameter


class AdagradState(NamedTuple):
    """The sum of all squared gradients."""

    s: Parameter


class AdadeltaState(NamedTuple):
    """The running means of squared gradients, v, and of squared steps, u."""

    v: Parameter
    u: Parameter


class RMSPropState(NamedTuple):
    """The running mean of squared gradients."""

    v: Parameter


class AdamState(NamedTuple):
    """The running means of gradients, m, and of squared gradients, v, both started at 0, and the number of steps."""

    m: Parameter
    v: Parameter
    t: int


class LionState(NamedTuple):
    """The running mean of gradients."""

    m: Parameter


@entrywise
def adagrad(
    theta: Parameter,
    grad: Parameter,
    state: AdagradState | None = None,
    *,
    lr: NonNegative = 1e-2,
    eps: NonNegative = 1e-10,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, AdagradState]:
    r"""Divide by the root of the sum of all squares so far: rare features take large steps, and every rate only falls.

    `s = s + g²`, then `theta - lr g / (√s + eps)`. `torch.optim.Adagrad` with its defaults (no `lr_decay`, and a sum
    that begins at 0; Keras begins at 0.1).

    No gradient: it uses one.

    Reference: Duchi, Hazan & Singer 2011, Adaptive subgradient methods for online learning and stochastic optimization.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is below 0 or infinite, or the shapes differ.

    """
    sizes("adagrad", lr=lr, eps=eps, weight_decay=weight_decay)
    g = gradient("adagrad", theta, grad, weight_decay)
    (s,) = begun("adagrad", g, state, AdagradState)
    s = s + g.square()
    return moved(theta, lr, g, root(s, eps)), AdagradState(s)


@entrywise
def adadelta(
    theta: Parameter,
    grad: Parameter,
    state: AdadeltaState | None = None,
    *,
    lr: NonNegative = 1.0,
    rho: Decay = 0.9,
    eps: NonNegative = 1e-6,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, AdadeltaState]:
    r"""Divide by the usual gradient and multiply by the usual step, so that the units are right and no rate is needed.

    `v = rho v + (1 - rho) g²`, the step `d = g √(u + eps) / √(v + eps)`, `u = rho u + (1 - rho) d²`, then
    `theta - lr d`. The first step is about `√(eps / (1 - rho))` long, 0.003 with the defaults: `eps` is no mere guard
    here, it sets the start. The paper's rate is 1, as PyTorch's; Keras' default is 0.001.

    No gradient: it uses one.

    Reference: Zeiler 2012, ADADELTA: an adaptive learning rate method.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is below 0 or infinite, `rho` is not in [0, 1), or the shapes differ.

    """
    sizes("adadelta", lr=lr, eps=eps, weight_decay=weight_decay)
    decays("adadelta", rho=rho)
    g = gradient("adadelta", theta, grad, weight_decay)
    v, u = begun("adadelta", g, state, AdadeltaState)
    v = averaged(v, g.square(), rho)
    d = g * root(u + eps) / root(v + eps)
    u = averaged(u, d.square(), rho)
    return moved(theta, lr, d), AdadeltaState(v, u)


@entrywise
def rmsprop(
    theta: Parameter,
    grad: Parameter,
    state: RMSPropState | None = None,
    *,
    lr: NonNegative = 1e-2,
    alpha: Decay = 0.99,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, RMSPropState]:
    r"""Divide by the root of a running mean of squares: AdaGrad that forgets, so that its rate does not die.

    `v = alpha v + (1 - alpha) g²`, then `theta - lr g / (√v + eps)`. The mean starts at 0 and is not corrected, so the
    first step is `1 / √(1 - alpha)` times too long, ten times with the default. `eps` stands outside the root, as in
    `torch.optim.RMSprop` (TensorFlow's first version had it inside).

    No gradient: it uses one.

    Reference: Tieleman & Hinton 2012, Lecture 6.5, Neural networks for machine learning.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is below 0 or infinite, `alpha` is not in [0, 1), or the shapes differ.

    """
    sizes("rmsprop", lr=lr, eps=eps, weight_decay=weight_decay)
    decays("rmsprop", alpha=alpha)
    g = gradient("rmsprop", theta, grad, weight_decay)
    (v,) = begun("rmsprop", g, state, RMSPropState)
    v = averaged(v, g.square(), alpha)
    return moved(theta, lr, g, root(v, eps)), RMSPropState(v)


@entrywise
def adam(
    theta: Parameter,
    grad: Parameter,
    state: AdamState | None = None,
    *,
    lr: NonNegative = 1e-3,
    beta1: Decay = 0.9,
    beta2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, AdamState]:
    r"""Momentum over RMSProp, both corrected for their start at 0: the first step is `lr` long in every entry.

    `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g²`, `m̂ = m / (1 - beta1^t)`, `v̂ = v / (1 - beta2^t)`,
    then `theta - lr m̂ / (√v̂ + eps)`, with t = 1 at the first step. The state keeps m and v, never the corrected ones.
    `eps` stands outside the root and beside the corrected v̂, as in the paper's algorithm and in `torch.optim.Adam`;
    TensorFlow's "epsilon hat" stands beside the uncorrected root. The code divides numbers by the corrections, not
    tensors, and so has `√(1 - beta2^t) eps` beside the uncorrected root: the same step.

    `weight_decay` adds `weight_decay theta` to the gradient, as PyTorch does: an L2 penalty, which is then divided like
    any gradient. What AdamW does is not that.

    No gradient: it uses one.

    Reference: Kingma & Ba 2014, Adam: a method for stochastic optimization.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is below 0 or infinite, `beta1` or `beta2` is not in [0, 1), or the shapes
        differ.

    """
    sizes("adam", lr=lr, eps=eps, weight_decay=weight_decay)
    decays("adam", beta1=beta1, beta2=beta2)
    g = gradient("adam", theta, grad, weight_decay)
    m, v, t = begun("adam", g, state, AdamState)
    m, v, t = averaged(m, g, beta1), averaged(v, g.square(), beta2), t + 1
    c1, c2 = 1 - beta1**t, (1 - beta2**t) ** 0.5  # for m and for √v
    return moved(theta, lr * c2 / c1, m, root(v, c2 * eps)), AdamState(m, v, t)


@entrywise
def adamw(
    theta: Parameter,
    grad: Parameter,
    state: AdamState | None = None,
    *,
    lr: NonNegative = 1e-3,
    beta1: Decay = 0.9,
    beta2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 1e-2,
) -> tuple[Parameter, AdamState]:
    r"""Adam whose weight decay stays out of the gradient: every weight shrinks by the same factor at each step.

    `theta - lr weight_decay theta - lr m̂ / (√v̂ + eps)`, with m̂ and v̂ of the gradient alone. The decay is multiplied
    by `lr`, as in `torch.optim.AdamW`; in the paper by the schedule only.

    No gradient: it uses one.

    Reference: Loshchilov & Hutter 2017, Decoupled weight decay regularization.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is below 0 or infinite, `beta1` or `beta2` is not in [0, 1), or the shapes
        differ.

    """
    sizes("adamw", lr=lr, eps=eps, weight_decay=weight_decay)
    decays("adamw", beta1=beta1, beta2=beta2)
    g = gradient("adamw", theta, grad)
    m, v, t = begun("adamw", g, state, AdamState)
    m, v, t = averaged(m, g, beta1), averaged(v, g.square(), beta2), t + 1
    c1, c2 = 1 - beta1**t, (1 - beta2**t) ** 0.5  # for m and for √v
    shrunk = (1 - lr * weight_decay) * theta.to(g.dtype)
    theta = moved(shrunk, lr * c2 / c1, m, root(v, c2 * eps)).to(theta.dtype)
    return theta, AdamState(m, v, t)


@entrywise
def lion(
    theta: Parameter,
    grad: Parameter,
    state: LionState | None = None,
    *,
    lr: NonNegative = 1e-4,
    beta1: Decay = 0.9,
    beta2: Decay = 0.99,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, LionState]:
    r"""Step by the sign of a running mean: every entry moves by `lr`, and one number per weight is remembered.

    The sign of `beta1 m + (1 - beta1) g`, then `theta - lr (sign + weight_decay theta)`, and only then
    `m = beta2 m + (1 - beta2) g`. The decay is decoupled, as in AdamW. The sign of 0 is 0.

    No gradient: it uses one.

    Reference: Chen et al. 2023, Symbolic discovery of optimization algorithms.

    Raises
    ------
    ValueError
        If `lr` or `weight_decay` is below 0 or infinite, `beta1` or `beta2` is not in [0, 1), or the shapes differ.

    """
    sizes("lion", lr=lr, weight_decay=weight_decay)
    decays("lion", beta1=beta1, beta2=beta2)
    g = gradient("lion", theta, grad)
    (m,) = begun("lion", g, state, LionState)
    sign = (beta1 * m + (1 - beta1) * g).sign()
    m = averaged(m, g, beta2)
    return moved(theta, lr, sign + weight_decay * theta), LionState(m)
