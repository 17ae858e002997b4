"""Gradient descent: go against the gradient, with or without a memory of the way so far.

A rule takes parameters, their gradient and its own state, and returns the next parameters and the next state; nothing
is written in place, and autograd goes through it. `RuleOptimizer` makes any rule a `torch.optim.Optimizer`. Whether
the gradient is of all examples (batch), of one (stochastic) or of a few (mini-batch) is not the rule's affair.

Parameters in half precision keep their dtype; the step and the state are computed in float32.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from dlref._checks import floating, require
from dlref._rules import MISSING, Count, begun, decays, entrywise, gradient, keywords, moved, sizes, state_kind
from dlref._steps import take
from dlref._types import Decay, NonNegative, Parameter

Rule = Callable[..., tuple[Tensor, Any]]


class MomentumState(NamedTuple):
    """The velocity: all gradients so far, each weighted by `mu` once for every step since."""

    v: Parameter


@entrywise
def sgd(
    theta: Parameter, grad: Parameter, state: None = None, *, lr: NonNegative = 1e-3, weight_decay: NonNegative = 0.0
) -> tuple[Parameter, None]:
    r"""Take a step straight down: `theta - lr g`. Nothing is remembered.

    With `weight_decay` the gradient is `g + weight_decay theta`, that of an L2 penalty. For this rule, and for no
    other, it is the same as shrinking theta by the factor `1 - lr weight_decay`. `torch.optim.SGD`.

    No gradient: it uses one.

    Raises
    ------
    ValueError
        If `lr` or `weight_decay` is below 0 or infinite, or the shapes differ.

    """
    sizes("sgd", lr=lr, weight_decay=weight_decay)
    g = gradient("sgd", theta, grad, weight_decay)
    require(not state, "sgd needs a state of 0 parts, got {}", len(state or ()))
    return moved(theta, lr, g), None


@entrywise
def momentum(
    theta: Parameter,
    grad: Parameter,
    state: MomentumState | None = None,
    *,
    lr: NonNegative = 1e-3,
    mu: Decay = 0.9,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, MomentumState]:
    r"""Add each gradient to a velocity that fades by `mu`: what points one way adds up, alternation partly cancels.

    `v = mu v + g`, then `theta - lr v`. Along a constant gradient the velocity grows to `g / (1 - mu)`, ten times g
    with the default. It is `torch.optim.SGD(momentum=mu)`. Notes often put the rate into the velocity,
    `v = mu v - lr g`: the same path as long as `lr` does not change.

    No gradient: it uses one.

    Reference: Polyak 1964, Some methods of speeding up the convergence of iteration methods.

    Raises
    ------
    ValueError
        If `lr` or `weight_decay` is below 0 or infinite, `mu` is not in [0, 1), or the shapes differ.

    """
    sizes("momentum", lr=lr, weight_decay=weight_decay)
    decays("momentum", mu=mu)
    g = gradient("momentum", theta, grad, weight_decay)
    (v,) = begun("momentum", g, state, MomentumState)
    v = mu * v + g
    return moved(theta, lr, v), MomentumState(v)


@entrywise
def nesterov(
    theta: Parameter,
    grad: Parameter,
    state: MomentumState | None = None,
    *,
    lr: NonNegative = 1e-3,
    mu: Decay = 0.9,
    weight_decay: NonNegative = 0.0,
) -> tuple[Parameter, MomentumState]:
    r"""Momentum that looks where it is going, rewritten so that it needs the gradient at theta only.

    `v = mu v + g`, then `theta - lr (g + mu v)`. Its theta is the point that `look_ahead` gives for `momentum`: the two
    forms walk the same path, told from different points of it. It is `torch.optim.SGD(momentum=mu, nesterov=True)`;
    with the rate inside the velocity it is the notes' `x += -mu v_prev + (1 + mu) v`.

    No gradient: it uses one.

    Reference: Nesterov 1983; Sutskever et al. 2013, On the importance of initialization and momentum in deep learning;
    Bengio et al. 2012, Advances in optimizing recurrent networks, for the rewriting.

    Raises
    ------
    ValueError
        If `lr` or `weight_decay` is below 0 or infinite, `mu` is not in [0, 1), or the shapes differ.

    """
    sizes("nesterov", lr=lr, weight_decay=weight_decay)
    decays("nesterov", mu=mu)
    g = gradient("nesterov", theta, grad, weight_decay)
    (v,) = begun("nesterov", g, state, MomentumState)
    v = mu * v + g
    return moved(theta, lr, g.add(v, alpha=mu)), MomentumState(v)


def look_ahead(
    theta: Parameter, state: MomentumState | None = None, *, lr: NonNegative = 1e-3, mu: Decay = 0.9
) -> Parameter:
    r"""Give the point at which the velocity alone would land: Nesterov's other form takes the gradient there.

    `theta - lr mu v`; theta itself before the first step. `momentum`, fed with the gradient at this point instead of
    the one at theta, is Nesterov's method as it was first written.

    No gradient: it says where to take one.

    Reference: Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.

    Raises
    ------
    ValueError
        If `lr` is below 0 or infinite, `mu` is not in [0, 1), or the shapes differ.

    """
    sizes("look_ahead", lr=lr)
    decays("look_ahead", mu=mu)
    floating("look_ahead", theta, "parameters")
    (v,) = begun("look_ahead", theta, state, MomentumState)
    return moved(theta, lr * mu, v)


class RuleOptimizer(torch.optim.Optimizer):
    """Any rule as a `torch.optim.Optimizer`: groups, schedulers, closures and `state_dict` as you know them.

    `RuleOptimizer(model.parameters(), adam, lr=1e-3)`. The keyword arguments of the rule are what a group may set.
    A parameter without a gradient is left alone, its state too. A state is kept in the rule's own precision, and comes
    back from a `state_dict` bit by bit; torch would round it to the parameter's. This library's rules are pure when you
    call them; here they write over parameters and states, slice by slice, and need little memory besides.

    With `compiled=True` the same rule goes through `torch.compile`, all parameters of a group at once, and writes its
    state in place: about as fast as a fused kernel, after some seconds or more of compiling in the first steps.

    Raises
    ------
    ValueError
        If the rule has no such keyword argument, or one of its own has no value.
    TypeError
        If a gradient is sparse.

    """

    def __init__(self, params: Iterable, rule: Rule, *, compiled: bool = False, **hyper: Any) -> None:
        known = keywords(rule)
        for name in hyper:
            require(name in known, "RuleOptimizer needs arguments of its rule: {}, got {}", ", ".join(known), name)
        defaults = known | hyper
        for name, value in defaults.items():
            require(value is not MISSING, "RuleOptimizer needs a value for {}, got none", name)
        self.rule, self.kind, self.hyper, self.compiled = rule, state_kind(rule), tuple(known), compiled
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; return what the closure gives."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            hyper = {name: group[name] for name in self.hyper}  # torch adds defaults of its own
            moving = [theta for theta in group["params"] if theta.grad is not None]
            if any(theta.grad.layout != torch.strided for theta in moving):
                law = "RuleOptimizer needs dense gradients, got a sparse one"
                raise TypeError(f"{law}: use sparse=False in the embedding")
            together = {theta: None for theta in moving if self.compiled and self.state.get(theta)}
            for theta in moving:
                if theta not in together:  # the first step makes the state that the others write over
                    self._move(theta, hyper)
            if together:
                self._move_together(list(together), hyper)
        return loss

    def _move(self, theta: Tensor, hyper: dict[str, Any]) -> None:
        state = take(self.rule, theta, cast("Tensor", theta.grad), self._state(theta), hyper)
        self.state[theta] = {} if state is None else state._asdict()

    def _move_together(self, thetas: list[Tensor], hyper: dict[str, Any]) -> None:
        counts: dict[tuple, Count] = {}
        states = [self._counted(self._state(theta), hyper, theta.device, counts) for theta in thetas]
        grads = [theta.grad for theta in thetas]
        for theta, rest in zip(thetas, _in_place()(self.rule, thetas, grads, states, hyper), strict=True):
            self.state[theta].update({name: part.t if isinstance(part, Count) else part for name, part in rest.items()})

    @staticmethod
    def _counted(state: Any, hyper: dict[str, Any], device: torch.device, counts: dict[tuple, Count]) -> Any:
        parts = []
        for part in state:
            if isinstance(part, int) and (part, device) not in counts:
                counts[part, device] = Count(part, hyper, device)
            parts.append(counts[part, device] if isinstance(part, int) else part)
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)

    def _state(self, theta: Tensor) -> Any:
        # Kept as a dictionary, which a checkpoint can hold, and given to the rule as what it promises to return.
        parts = self.state.get(theta)
        if not parts:
            return None
        return self.kind(**parts) if hasattr(self.kind, "_fields") else tuple(parts.values())

    def state_dict(self) -> dict[str, Any]:
        """Give groups and states as torch does; the tensors are copied, for a step may write over them."""
        saved = super().state_dict()
        return {**saved, "state": {number: _copied(parts) for number, parts in saved["state"].items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over groups and states; the tensors are copied, to their parameter's device, and keep their dtype."""
        super().load_state_dict({**state_dict, "state": {}})
        numbers = [number for group in state_dict["param_groups"] for number in group["params"]]
        thetas = [theta for group in self.param_groups for theta in group["params"]]
        for number, theta in zip(numbers, thetas, strict=True):
            for name, part in state_dict["state"].get(number, {}).items():
                kept = part.to(theta.device, copy=True) if isinstance(part, Tensor) else part
                self.state[theta][name] = kept

    def __getstate__(self) -> dict[str, Any]:
        kept = "defaults", "state", "param_groups", "rule", "kind", "hyper", "compiled"
        return {name: getattr(self, name) for name in kept}


def _write_in_place(rule: Rule, thetas: list, grads: list, states: list, hyper: dict[str, Any]) -> list[dict[str, Any]]:
    """Take one step of the rule for each parameter; return what of the new states is no tensor, such as a count."""
    rests = []
    for theta, grad, state in zip(thetas, grads, states, strict=True):
        moved_to, new = rule(theta, grad, state, **hyper)
        theta.copy_(moved_to)
        parts = new._asdict()
        for old, part in zip(state, new, strict=True):
            if isinstance(part, Tensor):
                old.copy_(part)
        rests.append({name: part for name, part in parts.items() if not isinstance(part, Tensor)})
    return rests


@functools.cache
def _in_place() -> Callable:
    return torch.compile(_write_in_place)


def _copied(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part.clone() if isinstance(part, Tensor) else part for name, part in parts.items()}
