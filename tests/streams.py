"""Gradients that bring out what is wrong with an optimizer, and the paths that a rule and a torch optimizer take."""

import math

import torch

from dlref.gradient_descent import RuleOptimizer

STEPS = 200


def _drawn(shape=(STEPS, 5)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _signs():
    return torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(STEPS // 2)[:, None]


STREAMS = {
    "drawn": _drawn(),
    "of 1e-8": 1e-8 * _drawn(),
    "of 1e8": 1e8 * _drawn(),
    "of all sizes": _drawn() * 10 ** torch.linspace(-8, 8, 5, dtype=torch.float64),
    "growing": _drawn() * 10 ** torch.linspace(-8, 8, STEPS, dtype=torch.float64)[:, None],
    "zero": torch.zeros(STEPS, 5, dtype=torch.float64),
    "zero at first": torch.cat([torch.zeros(50, 5, dtype=torch.float64), _drawn((STEPS - 50, 5))]),
    "sparse": torch.where(_drawn() > 1.5, _drawn(), 0.0),
    "alternating": _signs() * _drawn()[:1].abs(),
    "constant": _drawn()[:1].expand(STEPS, 5),
}


def start(device="cpu", dtype=torch.float64):
    return torch.linspace(-2, 2, 5).to(device, dtype)


def by_rule(rule, stream, device="cpu", **hyper):
    """Return where a rule is after each step along a stream."""
    theta, state, path = start(device), None, []
    for grad in stream.to(device):
        theta, state = rule(theta, grad, state, **hyper)
        path.append(theta)
    return torch.stack(path)


def by_torch(make, stream, device="cpu"):
    """Return where a torch optimizer, made by `make` for a list of parameters, is after each step along a stream."""
    theta, path = torch.nn.Parameter(start(device)), []
    optimizer = make([theta])
    for grad in stream.to(device):
        theta.grad = grad.clone()
        optimizer.step()
        path.append(theta.detach().clone())
    return torch.stack(path)


def trained(make, device="cpu", schedule=None, steps=40):
    """Train a small network with batch norm in float64; return its losses and its parameters."""
    torch.manual_seed(0)
    # No bias before batch norm: its gradient is nothing but rounding, which an adaptive rule would blow up.
    layers = torch.nn.Linear(6, 16, bias=False), torch.nn.BatchNorm1d(16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
    model = torch.nn.Sequential(*layers).to(device, torch.float64)
    x = torch.randn(64, 6, dtype=torch.float64).to(device)
    y = (x[:, :1] * x[:, 1:2]).sin()
    optimizer = make(model.parameters())
    scheduler = schedule and schedule(optimizer)
    losses = []
    for step in range(steps):
        batch = slice(16 * (step % 4), 16 * (step % 4 + 1))
        optimizer.zero_grad()
        loss = (model(x[batch]) - y[batch]).square().mean()
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    assert math.isfinite(losses[-1])
    return torch.tensor(losses), [each.detach() for each in model.parameters()]


def with_rule(rule, **hyper):
    return lambda params: RuleOptimizer(params, rule, **hyper)
