import math
from dataclasses import replace
from functools import partial

import pytest
import sympy as sp
import torch
from torch import nn
from torch.testing import assert_close

from dlref import gradient_flow as flow
from dlref import initialization as init
from dlref.activations import relu, sigmoid, tanh
from dlref.derivations import WrongStep, load
from dlref.derivations import gradient_flow as derived
from dlref.normalization import batch_norm
from wide import wide

SHAPES = [(4, 3), (5,), (), (0, 2), (2, 1, 3)]
HALF = [torch.float16, torch.bfloat16]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(dtype, device, scale=1.0):
    generator = seeded()
    return [(scale * torch.randn(shape, generator=generator)).to(device, dtype) for shape in SHAPES]


def clipped_by_torch(function, grads, *limits):
    """Let torch clip the gradients of parameters in place; return them, and what it gives."""
    parameters = [nn.Parameter(torch.zeros_like(grad)) for grad in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad.clone()
    norm = function(parameters, *limits)
    return tuple(parameter.grad for parameter in parameters), norm


SPECIAL = {
    "zeros": [0.0, -0.0],
    "infinite": [math.inf, 1.0, -math.inf],
    "nan": [math.nan, 1.0],
    "one nan": [math.nan, math.inf, 1.0],
    "tiny": [1e-30, -1e-30],
    "large": [1e4, -1e4],
}


@pytest.mark.parametrize("limit", [0.5, 1, 1e-3, 100.0, math.inf])
def test_clipping_by_value_is_torchs(limit, dtype, device):
    grads = drawn(dtype, device)
    theirs, _ = clipped_by_torch(nn.utils.clip_grad_value_, grads, limit)

    assert_close(flow.clip_by_value(grads, limit), theirs, rtol=0, atol=0)


@pytest.mark.parametrize("max_norm", [0.5, 1, 1e-3, 100.0, math.inf])
@pytest.mark.parametrize("floating", [torch.float32, torch.float64, *HALF], ids=str)
def test_clipping_by_global_norm_is_torchs(max_norm, floating, device):
    grads = drawn(floating, device)
    theirs = clipped_by_torch(nn.utils.clip_grad_norm_, grads, max_norm)

    assert_close(tuple(flow.clip_by_global_norm(grads, max_norm)), theirs)


@pytest.mark.parametrize("numbers", SPECIAL.values(), ids=SPECIAL)
def test_clipping_zeros_infinities_and_nan_is_torchs(numbers, dtype, device):
    grads = [torch.tensor(numbers, dtype=dtype, device=device), torch.ones(2, dtype=dtype, device=device)]
    by_value, _ = clipped_by_torch(nn.utils.clip_grad_value_, grads, 0.5)
    by_norm = clipped_by_torch(nn.utils.clip_grad_norm_, grads, 0.5)
    alone, _ = clipped_by_torch(nn.utils.clip_grad_norm_, grads[:1], 0.5)

    assert_close(flow.clip_by_value(grads, 0.5), by_value, rtol=0, atol=0, equal_nan=True)
    assert_close(tuple(flow.clip_by_global_norm(grads, 0.5)), by_norm, equal_nan=True)
    assert_close(flow.clip_by_norm(grads[0], 0.5), alone[0], equal_nan=True)


def test_at_the_limit_itself_torch_shortens_a_little(device):
    grad = torch.tensor([3.0, 4.0], dtype=torch.float64, device=device)
    theirs, _ = clipped_by_torch(nn.utils.clip_grad_norm_, [grad], 5.0)

    assert_close(flow.clip_by_norm(grad, 5.0), theirs[0], rtol=1e-15, atol=0)
    assert_close(flow.clip_by_norm(grad, 5.0), grad * 5 / (5 + 1e-6), rtol=1e-15, atol=0)
    assert_close(flow.clip_by_norm(grad, 5.0, eps=0), grad, rtol=0, atol=0)
    assert_close(flow.clip_by_norm(0 * grad, 5.0, eps=0), 0 * grad, rtol=0, atol=0)


def test_layers_of_several_dtypes_are_clipped_by_one_factor(device):
    kinds = [torch.float32, torch.float64, torch.bfloat16]
    grads = [torch.full((2,), 2.0, dtype=kind, device=device) for kind in kinds]
    clipped, norm = flow.clip_by_global_norm(grads, 1.0, eps=0)

    assert [each.dtype for each in clipped] == kinds
    assert norm.dtype == torch.float64
    assert norm.item() == pytest.approx(math.sqrt(24))
    assert_close(
        [each.double() for each in clipped], [each.double() / math.sqrt(24) for each in grads], rtol=4e-3, atol=0
    )


def test_half_precision_is_clipped_even_where_its_norm_overflows(device):
    """Torch measures in float16: a norm of 120000 is infinite there, and the step is lost."""
    grad = torch.full((16,), 3e4, dtype=torch.float16, device=device)

    assert_close(flow.clip_by_norm(grad, 1.0), torch.full_like(grad, 0.25))
    assert not clipped_by_torch(nn.utils.clip_grad_norm_, [grad], 1.0)[0][0].any()


def test_clipping_returns_new_tensors_of_the_given_kind(device):
    grads = drawn(torch.float32, device)
    before = [each.clone() for each in grads]
    single, several = flow.clip_by_global_norm(grads[0], 1.0), flow.clip_by_global_norm(iter(grads[:1]), 1.0)
    flow.clip_by_value(grads, 0.1)
    flow.clip_by_global_norm(grads, 0.1)

    assert_close(grads, before, rtol=0, atol=0)
    assert isinstance(several.grads, tuple)
    assert_close(several.grads[0], single.grads, rtol=0, atol=0)
    assert_close(flow.clip_by_value(grads[0], 0.1), flow.clip_by_value(grads[:1], 0.1)[0], rtol=0, atol=0)
    assert_close(tuple(flow.clip_by_global_norm([], 1.0)), ((), torch.tensor(0.0)))
    assert flow.clip_by_value([], 1.0) == ()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_global_norm_keeps_the_direction_and_the_others_do_not(scale, device):
    grads = drawn(torch.float64, device, scale)
    whole, *others = (
        torch.cat([each.reshape(-1) for each in clipped])
        for clipped in (
            flow.clip_by_global_norm(grads, 0.5).grads,
            flow.clip_by_value(grads, 0.5),
            [flow.clip_by_norm(grad, 0.5) for grad in grads],
        )
    )
    given = torch.cat([each.reshape(-1) for each in grads])

    assert whole.norm() <= 0.5
    assert nn.functional.cosine_similarity(whole, given, dim=0) == pytest.approx(1)
    for other in others:
        assert (nn.functional.cosine_similarity(other, given, dim=0) > 1 - 1e-6) == (scale == 1e-3)


def test_what_is_no_gradient_is_refused():
    with pytest.raises(TypeError, match="clip_by_global_norm needs floating gradients, got NoneType"):
        flow.clip_by_global_norm([torch.ones(2), None], 1.0)
    with pytest.raises(TypeError, match=r"clip_by_value needs floating gradients, got torch.int64"):
        flow.clip_by_value([torch.ones(2), torch.ones(2).long()], 1.0)


NETWORKS = {
    "sigmoid, Xavier": (sigmoid, init.xavier_normal, 1),
    "tanh, 0.01": (tanh, partial(init.small_normal, std=0.01), 0.02),
    "tanh, 1": (tanh, partial(init.small_normal, std=1.0), 200),
    "tanh, Xavier": (tanh, init.xavier_uniform, 1),
    "ReLU, He": (relu, init.he_normal, 2),
    "ReLU, orthogonal": (relu, partial(init.orthogonal, gain=math.sqrt(2)), 2),
}


@pytest.mark.parametrize(("activation", "rule", "gain"), NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("residual", [False, True])
def test_norms_are_those_of_wide_networks(activation, rule, gain, residual, device):
    """Depth 5 on 200 units: each layer adds a few per cent of noise."""
    width, batch = 200, 400
    sizes, rule = {"depth": 5, "width": width, "batch": batch, "residual": residual}, partial(rule, device=device)
    theory = wide(activation, gain, depth=5, residual=residual)
    for by, expected in (
        ("outputs", math.sqrt(width / batch) * theory.gradient_std),
        ("weights", width / math.sqrt(batch) * theory.weight_gradient),
    ):
        runs = [flow.gradient_norms(rule, activation, **sizes, by=by, generator=seeded(seed)) for seed in range(3)]
        assert_close(torch.stack(runs).double().mean(0).cpu(), torch.from_numpy(expected), rtol=0.25, atol=0)


def test_norms_are_read_from_the_input_side(dtype, device):
    """With the weight 2 outputs double on the way up and gradients on the way down: the weights' are all alike."""

    def rule(shape):
        return 2 * torch.eye(*shape, dtype=dtype, device=device)

    measure = partial(flow.gradient_norms, rule, lambda z: z, depth=4, width=30, batch=20)
    outputs, again, weights = measure(generator=seeded()), measure(generator=seeded()), measure(by="weights")

    assert (outputs.dtype, outputs.device.type, outputs.shape) == (dtype, device.type, (4,))
    assert_close(outputs, again, rtol=0, atol=0)
    assert_close(outputs[:-1] / outputs[1:], torch.full((3,), 2.0, dtype=dtype, device=device))
    assert_close(weights, weights[:1].expand(4))
    assert not outputs.requires_grad


def test_a_gradient_that_leaves_float32_is_measured_still(device):
    tiny = partial(init.small_normal, std=1e-9, device=device)
    norms = flow.gradient_norms(tiny, tanh, depth=4, width=30, batch=20)

    assert (norms > 0).all()
    assert norms[0] < 1e-24


@pytest.mark.parametrize(("argument", "said"), [("depth", "depth >= 1, got 0"), ("width", "width >= 1, got 0")])
def test_an_experiment_needs_layers_and_units(argument, said):
    with pytest.raises(ValueError, match=f"gradient_norms needs {said}"):
        flow.gradient_norms(init.he_normal, relu, **{argument: 0})


def test_an_experiment_must_know_what_to_look_at():
    with pytest.raises(ValueError, match="gradient_norms needs by to be outputs or weights, got inputs"):
        flow.gradient_norms(init.he_normal, relu, by="inputs")


def normalized(z):
    one = torch.ones_like(z[0])
    return batch_norm(z, one, 0 * one).y


VANISHING = {"initializer": init.xavier_normal, "activation": sigmoid}
REMEDIES = {
    "another activation": {"activation": tanh},
    "ReLU and its initialization": {"activation": relu, "initializer": init.he_normal},
    "larger weights": {"initializer": partial(init.orthogonal, gain=4.0)},
    "residual connections": {"residual": True},
    "batch norm": {"activation": lambda z: sigmoid(4 * normalized(z))},
}


@pytest.mark.parametrize("remedy", REMEDIES.values(), ids=REMEDIES)
def test_each_remedy_brings_the_gradient_to_the_first_layer(remedy, device):
    sizes = {"depth": 10, "width": 100, "batch": 100, "generator": seeded()}
    before, after = (
        flow.gradient_norms(**how | {"initializer": partial(how["initializer"], device=device)}, **sizes)
        for how in (VANISHING, VANISHING | remedy)
    )

    assert before[0] / before[-1] < 0.25**9
    assert after[0] / after[-1] > 1e-3


SPIRAL = torch.tensor([[0.0, -0.9], [0.9, 0.0]])
SHEAR = torch.tensor([[0.5, 10.0], [0.0, 0.5]])


def matrices(dtype, device):
    random = init.lecun_normal((20, 20), generator=seeded())
    wide_range = [SPIRAL, SHEAR, random, 1.3 * random, torch.zeros(3, 3), torch.eye(4), torch.randn(1, 1)]
    return [each.to(device, dtype) for each in wide_range]


def test_jacobian_norms_are_those_of_the_powers(dtype, device):
    for weight in matrices(dtype, device):
        powers = [torch.linalg.matrix_power(weight.double(), step) for step in range(1, 9)]
        expected = torch.stack([torch.linalg.svdvals(power)[0] for power in powers])

        assert_close(flow.jacobian_norms(weight, 8), expected.to(dtype), rtol=1e-4, atol=1e-6)


def test_jacobian_norms_are_those_of_a_recurrence(device):
    weight = init.lecun_normal((6, 6), generator=seeded(), dtype=torch.float64, device=device)

    def after(steps, h):
        for _ in range(steps):
            h = h @ weight.T
        return h

    jacobians = [
        torch.autograd.functional.jacobian(partial(after, steps), torch.ones_like(weight[0])) for steps in (1, 2, 5)
    ]
    expected = torch.stack([torch.linalg.matrix_norm(each, 2) for each in jacobians])

    assert_close(flow.jacobian_norms(weight, 5)[[0, 1, 4]], expected)


def test_jacobian_norms_lie_between_powers_of_the_eigenvalue_and_of_the_singular_value(device):
    for weight in matrices(torch.float64, device):
        steps = torch.arange(1, 31, device=device)
        norms = flow.jacobian_norms(weight, 30)
        largest, fastest = torch.linalg.svdvals(weight)[0], torch.linalg.eigvals(weight).abs().max()

        assert (norms <= largest**steps * (1 + 1e-9)).all()
        assert (norms >= fastest**steps * (1 - 1e-9)).all()


def test_a_shear_grows_before_it_vanishes(device):
    norms = flow.jacobian_norms(SHEAR.to(device), 40)

    assert norms[0] > 10
    assert norms[-1] < 1e-8


def test_jacobian_norms_leave_float32_only_where_they_must(device):
    huge, tiny = (torch.tensor([[scale]], device=device) for scale in (1e10, 1e-10))

    assert flow.jacobian_norms(huge, 5).tolist() == pytest.approx([1e10, 1e20, 1e30, math.inf, math.inf], rel=1e-4)
    assert flow.jacobian_norms(tiny, 5).tolist() == pytest.approx(
        [1e-10, 1e-20, 1e-30, 1e-40, 0.0], rel=1e-4, abs=1e-44
    )
    assert flow.jacobian_norms(torch.tensor([[0.0, 1.0], [0.0, 0.0]], device=device), 3).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 2)], ids=str)
def test_a_recurrence_needs_a_square_weight(shape):
    with pytest.raises(ValueError, match=r"jacobian_norms needs a square weight, got shape \(" + str(shape[0])):
        flow.jacobian_norms(torch.ones(shape), 3)


MISPRINTS = {
    "a sigmoid's slope is at most 1/5": ("chain_of_sigmoids", -derived.n * sp.log(5)),
    "the identity adds nothing": ("residual_slope", derived.w * (1 - sp.tanh(derived.w * derived.h) ** 2)),
    "a corner does not grow": ("recurrence_of_a_shear", sp.S.Zero),
    "a clipped norm is at most half the limit": ("clip_by_global_norm_caps", derived.max_norm / 2),
}


@pytest.mark.parametrize(("name", "misprint"), MISPRINTS.values(), ids=MISPRINTS)
def test_a_misprint_is_refused_with_a_counterexample(name, misprint):
    right = load(f"gradient_flow.{name}").check()
    wrong = replace(right, steps=[*right.steps[:-1], replace(right.steps[-1], expression=misprint)])

    with pytest.raises(WrongStep, match="is wrong: at "):
        wrong.check()
