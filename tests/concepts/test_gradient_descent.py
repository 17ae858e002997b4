import inspect
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from dlref.gradient_descent import MomentumState, RuleOptimizer, look_ahead, momentum, nesterov, sgd
from streams import STREAMS, by_rule, by_torch, start, trained, with_rule

SGD = torch.optim.SGD
CASES = {
    "sgd": (sgd, {}, SGD, {}),
    "sgd, decay": (sgd, {"lr": 0.1, "weight_decay": 0.2}, SGD, {"lr": 0.1, "weight_decay": 0.2}),
    "momentum": (momentum, {}, SGD, {"momentum": 0.9}),
    "momentum, decay": (
        momentum,
        {"lr": 0.1, "mu": 0.5, "weight_decay": 0.2},
        SGD,
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.2},
    ),
    "nesterov": (nesterov, {}, SGD, {"momentum": 0.9, "nesterov": True}),
    "nesterov, decay": (
        nesterov,
        {"lr": 0.1, "mu": 0.5, "weight_decay": 0.2},
        SGD,
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.2, "nesterov": True},
    ),
}
every_case = pytest.mark.parametrize(("rule", "hyper", "theirs", "options"), CASES.values(), ids=CASES)


@every_case
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_rule_is_torchs(rule, hyper, theirs, options, stream, device):
    expected = by_torch(lambda params: theirs(params, **options), stream, device)

    assert_close(by_rule(rule, stream, device, **hyper), expected, rtol=1e-12, atol=1e-12)


@every_case
def test_a_network_trained_either_way_takes_the_same_path(rule, hyper, theirs, options, device):
    rate = {"lr": 0.05}
    losses, weights = trained(with_rule(rule, **hyper | rate), device)
    expected, others = trained(lambda params: theirs(params, **options | rate), device)

    assert losses[-4:].mean() < losses[:4].mean()
    assert_close(losses, expected, rtol=1e-10, atol=0)
    assert_close(weights, others, rtol=1e-9, atol=1e-12)


def test_the_defaults_are_torchs():
    theirs = inspect.signature(SGD).parameters
    for rule in (sgd, momentum, nesterov):
        ours = inspect.signature(rule).parameters
        assert ours["lr"].default == theirs["lr"].default
        assert ours["weight_decay"].default == theirs["weight_decay"].default


def test_the_first_step_of_each_rule(device):
    theta, grad = torch.tensor([1.0, -2.0], device=device), torch.tensor([4.0, 0.5], device=device)
    firsts = {rule: rule(theta, grad, lr=0.1)[0] - theta for rule in (sgd, momentum, nesterov)}

    assert_close(firsts[sgd], -0.1 * grad)
    assert_close(firsts[momentum], -0.1 * grad)
    assert_close(firsts[nesterov], -0.19 * grad)


def test_the_velocity_is_the_weighted_sum_of_all_gradients(device):
    grads = STREAMS["drawn"][:30].to(device)
    theta, state = start(device), None
    for grad in grads:
        theta, state = momentum(theta, grad, state, mu=0.8)
    weights = 0.8 ** torch.arange(29, -1, -1, dtype=torch.float64, device=device)

    assert_close(state.v, weights @ grads, rtol=1e-13, atol=0)


def test_along_a_constant_gradient_momentum_is_ten_times_as_fast(device):
    stream = torch.ones(300, 1, dtype=torch.float64)
    path = by_rule(momentum, stream.expand(300, 5), device, lr=0.1)

    assert_close(path[-1] - path[-2], torch.full_like(path[0], -1.0), rtol=1e-10, atol=0)


def test_with_no_memory_all_rules_are_sgd(device):
    expected = by_rule(sgd, STREAMS["drawn"], device, lr=0.1)
    for rule in (momentum, nesterov):
        assert_close(by_rule(rule, STREAMS["drawn"], device, lr=0.1, mu=0), expected, rtol=1e-13, atol=0)


def _slope(theta):
    """Of a function that is no quadratic, so that it matters where it is taken."""
    return torch.tensor([1.0, 10.0, 3.0, 0.1, 2.0]).to(theta) * theta + theta.sin()


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
def test_both_forms_of_nesterov_walk_one_path(mu, device):
    theta, state = start(device), None
    ahead, velocity = start(device), None
    for _ in range(60):
        point = look_ahead(theta, state, lr=0.02, mu=mu)
        assert_close(ahead, point, rtol=1e-12, atol=1e-14)
        theta, state = momentum(theta, _slope(point), state, lr=0.02, mu=mu)
        ahead, velocity = nesterov(ahead, _slope(ahead), velocity, lr=0.02, mu=mu)
    assert_close(velocity.v, state.v, rtol=1e-12, atol=1e-14)


def test_nesterov_is_the_form_of_the_notes(device):
    """v = mu v - lr g, then x += -mu v_prev + (1 + mu) v."""
    theta, v, lr, mu = start(device), torch.zeros(5, dtype=torch.float64, device=device), 0.02, 0.9
    stream = STREAMS["drawn"].to(device)
    for grad in stream:
        before, v = v, mu * v - lr * grad
        theta = theta - mu * before + (1 + mu) * v

    assert_close(by_rule(nesterov, stream, device, lr=lr, mu=mu)[-1], theta, rtol=1e-12, atol=1e-12)


def test_with_a_changing_rate_the_two_conventions_of_momentum_differ(device):
    """Torch's velocity holds gradients, the notes' holds steps: a rate that falls acts on old gradients too, or not."""
    ours, notes = torch.zeros((), device=device), torch.zeros((), device=device)
    state, v = None, 0.0
    for lr in (1.0, 0.0):
        ours, state = momentum(ours, torch.ones((), device=device), state, lr=lr)
        v = 0.9 * v - lr
        notes = notes + v

    assert (ours.item(), notes.item()) == pytest.approx((-1.0, -1.9))


@pytest.mark.parametrize("rate", [0.01, 0.19, 0.199, 0.201, 0.21])
def test_on_a_bowl_it_converges_below_two_over_the_largest_curvature(rate, device):
    curvature = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64, device=device)
    theta = torch.ones_like(curvature)
    for _ in range(6000):
        theta, _ = sgd(theta, curvature * theta, lr=rate)

    assert (theta.norm() < 1e-2).item() == (rate < 2 / 10)


def test_the_best_fixed_rate_shrinks_the_error_as_the_condition_number_says(device):
    curvature = torch.tensor([1.0, 100.0], dtype=torch.float64, device=device)
    theta = torch.ones_like(curvature)
    for _ in range(50):
        theta, _ = sgd(theta, curvature * theta, lr=2 / 101)

    assert_close(theta.abs(), torch.full_like(theta, (99 / 101) ** 50), rtol=1e-10, atol=0)


def test_weight_decay_is_a_shrinking_factor_for_sgd_only(device):
    stream, lr, decay = STREAMS["drawn"].to(device), 0.1, 0.3
    for rule in (sgd, momentum):
        theta, state = start(device), None
        for grad in stream:
            theta, state = rule((1 - lr * decay) * theta, grad, state, lr=lr)
        same = by_rule(rule, stream, device, lr=lr, weight_decay=decay)[-1]

        assert torch.allclose(theta, same, rtol=1e-10) == (rule is sgd)


# -- the torch optimizer


def test_groups_have_rates_of_their_own_and_one_may_be_added(device):
    def make(kind, name):
        def groups(_):
            thetas = [nn.Parameter(start(device)) for _ in range(3)]
            optimizer = kind([{"params": thetas[:1], "lr": 0.5}, {"params": thetas[1:2], name: 0.3}], lr=0.1)
            optimizer.add_param_group({"params": thetas[2:], "lr": 0.01, "weight_decay": 0.2})
            return optimizer, thetas

        return groups(None)

    ours, mine = make(partial(RuleOptimizer, rule=momentum), "mu")
    theirs, others = make(partial(SGD, momentum=0.9), "momentum")
    for grad in STREAMS["drawn"][:20].to(device):
        for theta in (*mine, *others):
            theta.grad = grad.clone()
        ours.step(), theirs.step()

    assert len(ours.param_groups) == 3
    assert_close(mine, others, rtol=1e-12, atol=1e-13)
    assert not torch.allclose(mine[0], mine[1])


SCHEDULES = {
    "step": partial(torch.optim.lr_scheduler.StepLR, step_size=10, gamma=0.1),
    "cosine": partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=40),
    "warm-up": partial(torch.optim.lr_scheduler.LinearLR, start_factor=0.1, total_iters=10),
    "factor": partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 0.9**step),
    "warm restarts": partial(torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, T_0=7),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_schedulers_drive_it_as_they_drive_torchs(schedule, device):
    losses, weights = trained(with_rule(momentum, lr=0.05), device, schedule)
    expected, others = trained(partial(SGD, lr=0.05, momentum=0.9), device, schedule)

    assert_close(losses, expected, rtol=1e-10, atol=0)
    assert_close(weights, others, rtol=1e-9, atol=1e-12)


def test_a_closure_is_called_with_gradients_on_and_its_value_returned(device):
    theta = nn.Parameter(start(device))
    optimizer = RuleOptimizer([theta], sgd, lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = theta.square().sum() / 2
        loss.backward()
        return loss

    with torch.no_grad():
        loss = optimizer.step(closure)
    assert_close(loss.detach(), start(device).square().sum() / 2)
    assert_close(theta.detach(), start(device) / 2)
    assert not theta.grad.requires_grad
    assert optimizer.step() is None


def test_a_shared_parameter_moves_once(device):
    layer = nn.Linear(3, 3, bias=False, device=device)
    before = layer.weight.detach().clone()
    optimizer = RuleOptimizer(nn.Sequential(layer, layer).parameters(), sgd, lr=1.0)
    layer.weight.grad = torch.ones_like(layer.weight)
    optimizer.step()

    assert_close(layer.weight.detach(), before - 1)
    with pytest.raises(ValueError, match="more than one parameter group"):
        optimizer.add_param_group({"params": [layer.weight]})


def test_a_parameter_that_begins_to_move_late_begins_afresh(device):
    late = nn.Parameter(start(device))
    optimizer = RuleOptimizer([nn.Parameter(start(device)), late], momentum, lr=0.1)
    for step in range(4):
        optimizer.param_groups[0]["params"][0].grad = torch.ones(5, device=device, dtype=torch.float64)
        late.grad = torch.ones_like(late) if step > 1 else None
        optimizer.step()

    assert_close(late.detach(), start(device) - 0.1 * (1 + 1.9))


def test_parameters_may_lie_apart_and_in_strides(device):
    theta = nn.Parameter(torch.arange(6.0, device=device).reshape(2, 3).T)
    optimizer = RuleOptimizer([theta, nn.Parameter(torch.ones(2))], momentum, lr=1.0)
    theta.grad = torch.ones(3, 2, device=device)
    optimizer.step()

    assert_close(theta.detach(), torch.arange(6.0, device=device).reshape(2, 3).T - 1)
    assert optimizer.state[theta]["v"].device.type == device.type


def test_a_state_is_not_rounded_to_its_parameter_when_it_is_loaded(device):
    theta = nn.Parameter(torch.ones(3, device=device, dtype=torch.bfloat16))
    optimizer, again = (RuleOptimizer([theta], momentum) for _ in range(2))
    theta.grad = torch.full_like(theta, 0.1)
    optimizer.step(), optimizer.step()
    again.load_state_dict(optimizer.state_dict())

    assert optimizer.state[theta]["v"].dtype == torch.float32
    assert_close(again.state[theta]["v"], optimizer.state[theta]["v"], rtol=0, atol=0)


def test_a_rule_of_ones_own_will_do(device):
    def halves(theta, grad, state, *, lr, keep=0.5):
        (v,) = (torch.zeros_like(grad),) if state is None else state
        v = keep * v + grad
        return theta - lr * v, MomentumState(v)

    optimizer = RuleOptimizer([nn.Parameter(start(device))], halves, lr=0.1)
    other = RuleOptimizer([nn.Parameter(start(device))], partial(momentum, mu=0.5), lr=0.1)
    for grad in STREAMS["drawn"][:9].to(device):
        for each in (optimizer, other):
            each.param_groups[0]["params"][0].grad = grad.clone()
            each.step()

    assert_close(optimizer.param_groups[0]["params"], other.param_groups[0]["params"], rtol=1e-13, atol=0)


def test_what_it_cannot_do_is_refused(device):
    theta = nn.Parameter(start(device))
    with pytest.raises(ValueError, match="RuleOptimizer needs arguments of its rule: lr, mu, weight_decay, got beta"):
        RuleOptimizer([theta], momentum, beta=0.9)
    with pytest.raises(ValueError, match="RuleOptimizer needs a value for lr, got none"):
        RuleOptimizer([theta], _without_a_rate)
    table = nn.Embedding(4, 2, sparse=True, device=device)
    table(torch.tensor([1], device=device)).sum().backward()
    with pytest.raises(TypeError, match="RuleOptimizer needs dense gradients"):
        RuleOptimizer(table.parameters(), sgd).step()
    theta.grad = torch.ones_like(theta)
    bad = RuleOptimizer([theta], sgd)
    bad.param_groups[0]["lr"] = math.nan
    with pytest.raises(ValueError, match="sgd needs a finite lr >= 0, got nan"):
        bad.step()


def _without_a_rate(theta, grad, state, *, lr):
    return theta - lr * grad, state
