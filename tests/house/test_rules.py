"""Laws of every optimizer rule, and of the torch optimizer made of it. Nothing here names one: they are found."""

import copy
import inspect
import io
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from catalogue import arguments, executed, functions, numbers, promised, rules
from dlref import _steps, gradient_descent
from dlref._rules import is_entrywise, overwritten
from dlref.derivations import load, names
from dlref.gradient_descent import RuleOptimizer
from laws import draw, illegal_numbers, legal_numbers

every_rule = pytest.mark.parametrize("name", rules())
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
SHAPES = [(4, 3), (), (0, 2), (5,)]


def law_cases():
    return [
        pytest.param(name, argument, id=f"{name}-{argument.name}")
        for name, rule in rules().items()
        for argument in numbers(rule)
    ]


def steps(name, count=3, *, dtype=torch.float64, device="cpu", shape=(4, 3), scale=1.0, **hyper):
    """Take some steps along drawn gradients; return the last parameters and state."""
    generator = torch.Generator().manual_seed(0)
    theta, state = torch.randn(shape, generator=generator).to(device, dtype), None
    rule = executed(functions()[name])
    for _ in range(count):
        grad = (scale * torch.randn(shape, generator=generator)).to(device, dtype)
        theta, state = rule(theta, grad, state, **hyper)
    return theta, state


def kept(state):
    """The tensors of a state."""
    return [each for each in state or () if isinstance(each, torch.Tensor)]


def test_there_are_rules():
    """An empty tree would pass everything below."""
    assert len(rules()) >= 3


@every_rule
def test_a_rule_takes_its_state_and_gives_it_back(name):
    theta, grad, state, *hyper = arguments(rules()[name])
    moved, promise = promised(rules()[name])
    parameters = inspect.signature(rules()[name]).parameters

    assert theta.annotation == grad.annotation == moved.annotation
    assert state.default is None
    assert promise.annotation in (state.annotation, None)
    assert hyper[0].name == "lr"
    assert all(parameters[each.name].kind is inspect.Parameter.KEYWORD_ONLY for each in hyper)
    assert all(each.law and each.default is not inspect.Parameter.empty for each in hyper)
    assert "No gradient: it uses one." in rules()[name].__doc__


def test_every_rule_is_derived():
    concepts = {name.partition(".")[0] for name in rules()}
    places = [(name.partition(".")[0], name) for name in names()]
    derived = {f"{one}.{(load(name).function or '').partition('.')[0]}" for one, name in places if one in concepts}

    assert rules().keys() - derived == set()


@every_rule
@pytest.mark.parametrize("floating", FLOATING, ids=str)
def test_parameters_keep_their_dtype_and_states_are_never_narrower_than_float32(name, floating, device):
    wide = torch.promote_types(floating, torch.float32)
    for shape in SHAPES:
        theta, state = steps(name, dtype=floating, device=device, shape=shape)

        assert (theta.dtype, theta.device.type, tuple(theta.shape)) == (floating, device.type, shape)
        assert theta.isfinite().all()
        for part in kept(state):
            assert (part.dtype, part.device.type, tuple(part.shape)) == (wide, device.type, shape)


@every_rule
def test_float32_agrees_with_float64(name, device):
    low, high = (steps(name, 5, dtype=dtype, device=device) for dtype in (torch.float32, torch.float64))

    assert_close(low[0].double(), high[0], rtol=1e-5, atol=1e-5)
    assert_close([each.double() for each in kept(low[1])], kept(high[1]), rtol=1e-5, atol=1e-5)


@every_rule
def test_no_gradient_is_too_small_or_too_large(name, dtype, device):
    for scale in (0, 1e-8, 1.0, 1e8):
        theta, state = steps(name, 20, dtype=dtype, device=device, scale=scale)

        assert theta.isfinite().all()
        assert all(each.isfinite().all() for each in kept(state))


@every_rule
def test_nothing_that_is_given_is_changed_or_shared(name, device):
    theta, state = steps(name, device=device)
    grad = torch.ones_like(theta)
    given = [theta, grad, *kept(state)]
    before = [each.clone() for each in given]
    after, later = functions()[name](theta, grad, state)

    assert_close(given, before, rtol=0, atol=0)
    stores = [each.untyped_storage().data_ptr() for each in (*given, after, *kept(later))]
    assert len(set(stores)) == len(stores)


@every_rule
def test_memory_layout_does_not_matter(name, device):
    theta, state = steps(name, device=device)
    grad = torch.randn_like(theta)
    turned = type(state)(*(_turned(each) for each in state)) if state else None

    assert_close(functions()[name](_turned(theta), _turned(grad), turned), functions()[name](theta, grad, state))


def _turned(part):
    return part.T.contiguous().T if isinstance(part, torch.Tensor) else part


@every_rule
def test_nothing_is_detached(name, device):
    """Through two steps, by parameters and both gradients: what learns a learning rate needs this."""
    theta, first, second = torch.randn(3, 4, dtype=torch.float64, device=device).clamp(0.1, 2).unbind()

    def two(theta, first, second):
        moved, state = functions()[name](theta, first)
        moved, state = functions()[name](moved, second, state)
        return moved, *kept(state)

    given = [each.clone().requires_grad_() for each in (theta, first, second)]
    assert torch.autograd.gradcheck(two, given)


@every_rule
def test_without_a_rate_nothing_moves(name, device):
    theta, state = steps(name, device=device)

    assert_close(functions()[name](theta, torch.ones_like(theta), state, lr=0)[0], theta, rtol=0, atol=0)


@every_rule
def test_the_first_step_goes_against_the_gradient(name, dtype, device):
    rule, theta = functions()[name], torch.zeros(3, dtype=dtype, device=device)
    grad = torch.tensor([2.0, 0.0, -3.0], dtype=dtype, device=device)

    assert rule(theta, grad)[0].sign().tolist() == [-1, 0, 1]


@pytest.mark.parametrize(("name", "argument"), law_cases())
def test_an_illegal_number_is_refused(name, argument):
    rule = functions()[name]
    for number in illegal_numbers(argument.law):
        with pytest.raises(ValueError, match=rf"^{rule.__name__} needs .*{argument.name}.*, got {number}"):
            rule(**draw(rule) | {argument.name: number})


@pytest.mark.parametrize(("name", "argument"), law_cases())
def test_a_legal_number_is_taken(name, argument, device):
    for number in legal_numbers(argument.law):
        theta, state = steps(name, device=device, **{argument.name: number})

        assert theta.isfinite().all()
        assert all(each.isfinite().all() for each in kept(state))


@every_rule
def test_shapes_that_do_not_fit_are_refused(name, device):
    rule = functions()[name]
    theta, state = steps(name, device=device)
    with pytest.raises(ValueError, match=r"needs theta and grad of one shape, got \(4, 3\) and \(3,\)"):
        rule(theta, torch.ones(3, device=device, dtype=theta.dtype), state)
    if kept(state):
        with pytest.raises(ValueError, match=r"needs a state of the shape of theta, got \(2, 3\) and \(4, 3\)"):
            rule(theta[:2], theta[:2], state)
    with pytest.raises(ValueError, match=r"needs a state of \d parts, got 7"):
        rule(theta, theta, (theta,) * 7)


@every_rule
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64], ids=str)
def test_parameters_and_gradients_must_be_floating(name, kind):
    rule, given = functions()[name], draw(functions()[name])
    for argument, said in (("theta", "parameters"), ("grad", "gradients")):
        with pytest.raises(TypeError, match=rf"^{rule.__name__} needs floating {said}, got {kind}"):
            rule(**given | {argument: given[argument].to(kind)})


# -- the same rule as a torch optimizer


def trained(optimizer, thetas, count, first=0):
    """Step along gradients that are the same for everyone."""
    for number in range(first, first + count):
        generator = torch.Generator().manual_seed(number)
        for theta in thetas:
            theta.grad = torch.randn(theta.shape, generator=generator).to(theta)
        optimizer.step()
    return [theta.detach().clone() for theta in thetas]


def parameters(device="cpu", dtypes=(torch.float32, torch.float64, torch.bfloat16)):
    generator = torch.Generator().manual_seed(99)
    return [torch.nn.Parameter(torch.randn(4, 3, generator=generator).to(device, dtype)) for dtype in dtypes]


@every_rule
@pytest.mark.parametrize("entries", [_steps.SLICE, 5], ids=["whole", "in slices"])
def test_an_optimizer_does_what_its_rule_does(name, entries, device, monkeypatch):
    monkeypatch.setattr(_steps, "SLICE", entries)
    rule, thetas = functions()[name], parameters(device)
    by_hand, states = [each.detach() for each in parameters(device)], [None] * 3
    for number in range(3):
        generator = torch.Generator().manual_seed(number)
        grads = [torch.randn(each.shape, generator=generator).to(each) for each in by_hand]
        moved = [rule(*each, lr=0.1) for each in zip(by_hand, grads, states, strict=True)]
        by_hand, states = [each[0] for each in moved], [each[1] for each in moved]

    assert_close(trained(RuleOptimizer(thetas, rule, lr=0.1), thetas, 3), by_hand, rtol=0, atol=0)


@every_rule
def test_a_rule_sees_no_more_than_a_slice_of_what_is_long(name, monkeypatch):
    seen, rule = [], functions()[name]
    monkeypatch.setattr(_steps, "SLICE", 5)
    monkeypatch.setattr(_steps, "overwritten", lambda *given: seen.append(given[1].numel()) or overwritten(*given))
    apart, turned = parameters(dtypes=[torch.float64] * 2)
    turned = torch.nn.Parameter(turned.detach().T)
    by_hand, state = turned.detach().clone(), None
    optimizer = RuleOptimizer([apart, turned], partial(rule, lr=0.1))
    for number in range(2):
        (after,) = trained(optimizer, [apart, turned], 1, first=number)[1:]
        by_hand, state = rule(by_hand, turned.grad, state, lr=0.1)

    assert is_entrywise(rule)
    assert seen == [5, 5, 2, 12] * 2
    assert_close(after, by_hand, rtol=0, atol=0)


@every_rule
def test_a_snapshot_of_the_state_does_not_move_on(name, device):
    thetas = parameters(device)
    optimizer = RuleOptimizer(thetas, functions()[name], lr=0.1)
    trained(optimizer, thetas, 2)
    saved = optimizer.state_dict()["state"]
    before = copy.deepcopy(saved)
    trained(optimizer, thetas, 2, first=2)

    assert_close(saved, before, rtol=0, atol=0)


@every_rule
def test_after_a_step_that_is_refused_the_rule_is_pure_again(name, device):
    theta, _ = steps(name, device=device)
    optimizer = RuleOptimizer([torch.nn.Parameter(theta.clone())], functions()[name])
    optimizer.param_groups[0]["params"][0].grad, optimizer.param_groups[0]["lr"] = theta, -1.0
    with pytest.raises(ValueError, match="needs a finite lr"):
        optimizer.step()
    before = theta.clone()
    functions()[name](theta, torch.ones_like(theta))

    assert_close(theta, before, rtol=0, atol=0)


@every_rule
def test_a_step_in_place_is_the_same_step(name, device, monkeypatch):
    """The function that `compiled=True` compiles, here as it stands."""
    monkeypatch.setattr(gradient_descent, "_in_place", lambda: gradient_descent._write_in_place)
    runs, snapshots = [], []
    for compiled in (False, True):
        thetas = parameters(device)
        optimizer = RuleOptimizer(thetas, functions()[name], lr=0.1, compiled=compiled)
        trained(optimizer, thetas, 2)
        snapshots.append(optimizer.state_dict()["state"])
        runs.append(trained(optimizer, thetas, 2, first=2))
    plain, compiled = ([part for each in saved.values() for part in each.values()] for saved in snapshots)

    assert_close(runs[0], runs[1], rtol=0, atol=0)
    assert_close(plain, compiled, rtol=0, atol=0)


@every_rule
@pytest.mark.parametrize("way", ["dictionary", "file", "copy"])
def test_a_run_goes_on_from_its_state_bit_by_bit(name, way, device):
    rule, thetas = functions()[name], parameters(device)
    optimizer = RuleOptimizer(thetas, rule, lr=0.1)
    trained(optimizer, thetas, 3)
    if way == "copy":
        again, others = copy.deepcopy((optimizer, thetas))
    else:
        others = [torch.nn.Parameter(each.detach().clone()) for each in thetas]
        again = RuleOptimizer(others, rule)
        saved = optimizer.state_dict()
        again.load_state_dict(_through_a_file(saved) if way == "file" else saved)
    states = [parts.values() for one in (optimizer, again) for parts in one.state.values()]
    stores = [each.data_ptr() for parts in states for each in kept(parts)]
    expected = trained(optimizer, thetas, 3, first=3)

    assert len(set(stores)) == len(stores)
    assert_close(trained(again, others, 3, first=3), expected, rtol=0, atol=0)
    assert again.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    for one, other in zip(optimizer.state.values(), again.state.values(), strict=True):
        assert one.keys() == other.keys()
        for part, copied in zip(kept(one.values()), kept(other.values()), strict=True):
            assert_close(part, copied, rtol=0, atol=0)


def _through_a_file(saved):
    file = io.BytesIO()
    torch.save(saved, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@every_rule
def test_a_parameter_without_a_gradient_is_left_alone(name, device):
    moving, still, frozen = parameters(device, [torch.float32] * 3)
    frozen.requires_grad_(requires_grad=False)
    optimizer = RuleOptimizer([moving, still, frozen], functions()[name])
    before = [each.detach().clone() for each in (still, frozen)]
    moving.grad = torch.ones_like(moving)
    optimizer.step()

    assert_close([still.detach(), frozen.detach()], before, rtol=0, atol=0)
    assert len(optimizer.state) <= 1
    assert moving.isfinite().all()
