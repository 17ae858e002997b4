import inspect
import math

import pytest
import torch
from torch import nn, optim
from torch._dynamo.testing import CompileCounter
from torch.testing import assert_close

from dlref import gradient_descent
from dlref.adaptive_optimizers import AdamState, adadelta, adagrad, adam, adamw, lion, rmsprop
from dlref.gradient_descent import RuleOptimizer
from streams import STREAMS, by_rule, by_torch, start, trained, with_rule

OTHER = {"lr": 0.02, "eps": 1e-3, "weight_decay": 0.1}
OURS, THEIRS = {"beta1": 0.5, "beta2": 0.8}, {"betas": (0.5, 0.8)}
CASES = {
    "adagrad": (adagrad, {}, optim.Adagrad, {}),
    "adagrad, others": (adagrad, OTHER, optim.Adagrad, OTHER),
    "adadelta": (adadelta, {}, optim.Adadelta, {}),
    "adadelta, others": (adadelta, {"rho": 0.5} | OTHER, optim.Adadelta, {"rho": 0.5} | OTHER),
    "rmsprop": (rmsprop, {}, optim.RMSprop, {}),
    "rmsprop, others": (rmsprop, {"alpha": 0.5} | OTHER, optim.RMSprop, {"alpha": 0.5} | OTHER),
    "adam": (adam, {}, optim.Adam, {}),
    "adam, others": (adam, OURS | OTHER, optim.Adam, THEIRS | OTHER),
    "adamw": (adamw, {}, optim.AdamW, {}),
    "adamw, others": (adamw, OURS | OTHER, optim.AdamW, THEIRS | OTHER),
}
every_case = pytest.mark.parametrize(("rule", "hyper", "theirs", "options"), CASES.values(), ids=CASES)
NAMES = {"alpha": "alpha", "rho": "rho", "lr": "lr", "eps": "eps", "weight_decay": "weight_decay"}


@every_case
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_rule_is_torchs(rule, hyper, theirs, options, stream, device):
    expected = by_torch(lambda params: theirs(params, **options), stream, device)

    assert_close(by_rule(rule, stream, device, **hyper), expected, rtol=1e-12, atol=1e-12)


@every_case
def test_a_network_trained_either_way_takes_the_same_path(rule, hyper, theirs, options, device):
    losses, weights = trained(with_rule(rule, **hyper), device)
    expected, others = trained(lambda params: theirs(params, **options), device)

    assert_close(losses, expected, rtol=1e-9, atol=0)
    assert_close(weights, others, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("rule", "theirs"), [each[0::2] for each in CASES.values()])
def test_the_defaults_are_torchs(rule, theirs):
    ours = {name: each.default for name, each in inspect.signature(rule).parameters.items()}
    expected = {name: each.default for name, each in inspect.signature(theirs).parameters.items()}
    if "betas" in expected:
        assert (ours["beta1"], ours["beta2"]) == expected["betas"]
    shared = NAMES.keys() & ours.keys()

    assert {name: ours[name] for name in shared} == {name: expected[name] for name in shared}


def test_the_first_step_of_each_rule(device):
    """Of a gradient that is far above eps: only the sign is left of it."""
    theta, grad = torch.zeros(3, dtype=torch.float64, device=device), torch.tensor([5.0, -0.01, 300.0]).to(device)
    firsts = {
        rule: rule(theta, grad.double(), **({} if rule is adadelta else {"lr": 0.1}))[0]
        for rule in (adagrad, adadelta, rmsprop, adam, adamw, lion)
    }
    sign = grad.sign().double()

    for rule, length in {adagrad: 0.1, adam: 0.1, adamw: 0.1, lion: 0.1, rmsprop: 1.0}.items():
        assert_close(firsts[rule], -length * sign, rtol=1e-4, atol=0)
    assert_close(firsts[adadelta][::2], -((1e-6 / 0.1) ** 0.5) * sign[::2], rtol=1e-4, atol=0)


@pytest.mark.parametrize("grad", [1e-8, 1e-4, 1.0])
def test_the_first_step_of_adam_with_its_eps(grad, device):
    g = torch.tensor(grad, dtype=torch.float64, device=device)

    assert adam(torch.zeros_like(g), g)[0].item() == pytest.approx(-1e-3 * grad / (grad + 1e-8), rel=1e-12)


def test_the_bias_correction_makes_a_constant_gradient_its_own_mean(device):
    theta, state, g = torch.zeros((), dtype=torch.float64, device=device), None, 0.3
    for t in range(1, 50):
        grad = torch.full_like(theta, g)
        theta, state = adam(theta, grad, state, eps=0)
        assert state.m.item() / (1 - 0.9**t) == pytest.approx(g)
        assert state.v.item() / (1 - 0.999**t) == pytest.approx(g * g)
        assert theta.item() == pytest.approx(-1e-3 * t, rel=1e-9)


def test_the_state_keeps_the_means_uncorrected(device):
    grad = torch.tensor([2.0], device=device, dtype=torch.float64)
    _, state = adam(torch.zeros_like(grad), grad)

    assert state.m.item() == pytest.approx(0.2)
    assert state.v.item() == pytest.approx(0.004)
    assert state.t == 1


PLACES = {
    "outside the root": (adam, lambda g, eps: g / (abs(g) + eps)),
    "RMSProp, outside": (rmsprop, lambda g, eps: g / (0.1 * abs(g) + eps)),
    "AdaGrad, outside": (adagrad, lambda g, eps: g / (abs(g) + eps)),
    "Adadelta, inside": (adadelta, lambda g, eps: g * math.sqrt(eps) / math.sqrt(0.1 * g * g + eps)),
}


@pytest.mark.parametrize(("rule", "step"), PLACES.values(), ids=PLACES)
def test_where_eps_stands(rule, step, device):
    """With an eps as large as the gradient its place shows."""
    g = torch.tensor(0.5, dtype=torch.float64, device=device)

    assert rule(torch.zeros_like(g), g, lr=1.0, eps=0.5)[0].item() == pytest.approx(-step(0.5, 0.5), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("rule", [adagrad, rmsprop, adam, lion])
def test_the_size_of_the_gradient_does_not_matter(rule, scale, device):
    options = {} if rule is lion else {"eps": 0}
    stream = STREAMS["drawn"].to(device)

    assert_close(
        by_rule(rule, scale * stream, device, **options), by_rule(rule, stream, device, **options), rtol=1e-9, atol=1e-9
    )


def test_the_rate_of_adagrad_only_falls_and_others_recover(device):
    """A gradient of 100, then gradients of 1: what is left of the rate after 2000 steps."""
    rates = {}
    for rule in (adagrad, rmsprop, adam):
        theta, state, moved = torch.zeros((), dtype=torch.float64, device=device), None, []
        for t in range(2000):
            before = theta
            theta, state = rule(theta, torch.full_like(theta, 100.0 if t == 0 else 1.0), state, lr=1.0)
            moved.append((before - theta).item() / (100 if t == 0 else 1))
        rates[rule] = torch.tensor(moved)

    assert (rates[adagrad].diff() <= 0).all()
    assert rates[adagrad][-1] < 0.01
    assert rates[rmsprop][-1] == pytest.approx(1, rel=1e-3)
    assert rates[adam][-1] > 5 * rates[adam][100]


def test_adagrad_gives_a_rare_feature_longer_steps(device):
    often, rarely = torch.ones(100, device=device), (torch.arange(100) % 10 == 9).to(device, torch.float32)
    theta, state = torch.zeros(2, device=device), None
    for grad in torch.stack([often, rarely], 1):
        before = theta
        theta, state = adagrad(theta, grad, state)

    last = (before - theta).tolist()
    assert last[1] == pytest.approx(math.sqrt(10) * last[0], rel=1e-4)


def test_decay_in_adamw_is_a_factor_and_in_adam_is_not(device):
    """No gradient at all: AdamW shrinks every weight alike, Adam moves every weight by its rate."""
    theta = torch.tensor([0.1, 10.0], dtype=torch.float64, device=device)
    shrunk, _ = adamw(theta, torch.zeros_like(theta), lr=0.01, weight_decay=0.1)
    pulled, _ = adam(theta, torch.zeros_like(theta), lr=0.01, weight_decay=0.1)

    assert_close(shrunk, 0.999 * theta, rtol=1e-13, atol=0)
    assert_close(pulled, theta - 0.01, rtol=1e-5, atol=0)


def test_without_decay_adamw_is_adam(device):
    stream = STREAMS["drawn"]

    assert_close(by_rule(adamw, stream, device, weight_decay=0), by_rule(adam, stream, device), rtol=0, atol=0)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_lion_is_the_papers(stream, device):
    """Program 1 of the paper, line by line, in plain Python."""
    lr, beta1, beta2, decay = 1e-3, 0.9, 0.99, 0.1
    path = by_rule(lion, stream, device, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay)[-1].tolist()
    for place, theta in enumerate(start().tolist()):
        m = 0.0
        for g in stream[:, place].tolist():
            c = beta1 * m + (1 - beta1) * g
            theta -= lr * ((c > 0) - (c < 0) + decay * theta)
            m = beta2 * m + (1 - beta2) * g
        assert path[place] == pytest.approx(theta, rel=1e-12)


def test_a_run_counts_its_steps_from_one_also_after_loading(device):
    theta = nn.Parameter(start(device))
    first, second = RuleOptimizer([theta], adam), RuleOptimizer([theta], adam)
    theta.grad = torch.ones_like(theta)
    first.step(), first.step()
    second.load_state_dict(first.state_dict())
    second.step()

    assert (first.state[theta]["t"], second.state[theta]["t"]) == (2, 3)
    assert isinstance(second.state[theta]["t"], int)


def test_a_state_may_be_any_three_parts(device):
    theta = start(device)
    parts = theta * 0.1, theta.square(), 3

    assert_close(adam(theta, theta, parts)[0], adam(theta, theta, AdamState(*parts))[0], rtol=0, atol=0)


def test_means_are_written_over_and_take_no_new_memory(device):
    theta = nn.Parameter(start(device))
    optimizer = RuleOptimizer([theta], adam)
    theta.grad = torch.ones_like(theta)
    optimizer.step()
    before = [theta.data_ptr(), *(optimizer.state[theta][name].data_ptr() for name in "mv")]
    optimizer.step()

    assert [theta.data_ptr(), *(optimizer.state[theta][name].data_ptr() for name in "mv")] == before


@pytest.mark.parametrize(("old", "new"), [(torch.float32, torch.float64), (torch.float64, torch.float32)])
def test_a_state_of_another_precision_is_not_rounded(old, new, device):
    grad = torch.linspace(-1, 1, 5).to(device, new)
    m, v = (torch.rand(5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) for _ in "mv")
    _, state = adam(grad, grad, AdamState(m.to(device, old), v.to(device, old), 3))

    assert state.m.dtype == state.v.dtype == torch.float64
    assert_close(state.m, 0.9 * m.to(device, old).double() + 0.1 * grad.double())


def test_half_precision_keeps_small_squares(device):
    """In bfloat16 v could not move: 0.999 v + 0.001 g² rounds to v. In float16 g² underflows."""
    theta, state = torch.ones(1, device=device, dtype=torch.float16), None
    for _ in range(100):
        theta, state = adam(theta, torch.full_like(theta, 1e-4), state, lr=0.01)

    assert state.v.item() == pytest.approx((1 - 0.999**100) * 1e-8, rel=1e-3)
    assert theta.item() == pytest.approx(1 - 100 * 0.01, abs=0.05)


def test_the_compiled_step_is_traced_whole_and_not_anew_for_each_count_and_rate(device, monkeypatch):
    counter = CompileCounter()
    step = torch.compile(gradient_descent._write_in_place, backend=counter, fullgraph=True)
    monkeypatch.setattr(gradient_descent, "_in_place", lambda: step)
    thetas = [nn.Parameter(start(device)), nn.Parameter(torch.ones(2, 3, device=device))]
    others = [nn.Parameter(each.detach().clone()) for each in thetas]
    optimizer, plain = RuleOptimizer(thetas, adam, compiled=True), RuleOptimizer(others, adam)
    for number in range(9):
        for each in (optimizer, plain):
            each.param_groups[0]["lr"] = 0.1 * 0.9**number
            for theta in each.param_groups[0]["params"]:
                theta.grad = torch.full_like(theta, 1.0 + number)
            each.step()

    assert counter.frame_count <= 3
    assert_close(thetas, others, rtol=1e-6, atol=1e-7)
    assert optimizer.state[thetas[0]]["t"] == 9
