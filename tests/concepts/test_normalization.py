"""Normalization against torch, in one process and in several."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name it goes by everywhere
from torch import nn
from torch.testing import assert_close

from dlref import normalization
from dlref.normalization import (
    batch_norm,
    batch_norm_grad,
    fold_batch_norm,
    group_norm,
    group_norm_grad,
    instance_norm,
    instance_norm_grad,
    layer_norm,
    layer_norm_grad,
    rms_norm,
    rms_norm_grad,
)

MAPS = [(4, 6), (2, 6), (5, 1), (3, 6, 4, 5), (1, 6, 7, 1), (2, 6, 5), (2, 6, 2, 3, 2)]
ROWS = [(6,), (1, 6), (3, 6), (2, 3, 6), (0, 6), (4, 1), (3, 0)]
RANK = Path(__file__).parents[1] / "ranks" / "normalization.py"
FAMILY = [batch_norm, layer_norm, instance_norm, partial(group_norm, groups=2), rms_norm]
whole_family = pytest.mark.parametrize("norm", FAMILY, ids=["batch", "layer", "instance", "group", "rms"])


def torchs_batch_norm(x, gamma, beta, **options):
    return F.batch_norm(x, None, None, gamma, beta, training=True, **options)


def torchs_layer_norm(x, gamma, beta, **options):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, **options)


def torchs_instance_norm(x, gamma, beta, **options):
    return F.instance_norm(x, weight=gamma, bias=beta, **options)


def torchs_group_norm(x, gamma, beta, *, groups, **options):
    return F.group_norm(x, groups, gamma, beta, **options)


def torchs_rms_norm(x, gamma, **options):
    return F.rms_norm(x, x.shape[-1:], gamma, **options)


def cases():
    """Pair each function with its twin in torch, with options, and with the shapes that both take."""
    for eps in ({}, {"eps": 1e-3}, {"eps": 2.0}):
        yield from (("batch_norm", torchs_batch_norm, eps, shape) for shape in MAPS)
        yield from (("layer_norm", torchs_layer_norm, eps, shape) for shape in ROWS)
        yield from (("rms_norm", torchs_rms_norm, eps, shape) for shape in ROWS)
        images = [shape for shape in MAPS if len(shape) > 2]
        yield from (("instance_norm", torchs_instance_norm, eps, shape) for shape in images)
        for groups in (1, 2, 3, 6):
            shapes = [shape for shape in [*MAPS, (0, 6, 4)] if shape[1] == 6]
            yield from (("group_norm", torchs_group_norm, {"groups": groups} | eps, shape) for shape in shapes)


def drawn(name, shape, dtype, device):
    """Draw a batch that is neither centred nor scaled, its weights, and a pull on the value."""
    torch.manual_seed(0)
    width = shape[-1] if name in ("layer_norm", "rms_norm") else shape[1]
    gamma, beta = torch.randn(2, width, dtype=dtype, device=device)
    x = 2 * torch.randn(shape, dtype=dtype, device=device) - 3
    return torch.randn_like(x), [x, gamma, beta][: 2 if name == "rms_norm" else 3]


@pytest.mark.parametrize(("name", "oracle", "options", "shape"), list(cases()))
def test_values_and_gradients_are_torchs(name, oracle, options, shape, dtype, device):
    upstream, arguments = drawn(name, shape, dtype, device)
    leaves = [each.double().clone().requires_grad_() for each in arguments]
    expected = oracle(*leaves, **options)
    pulls = torch.autograd.grad(expected, leaves, upstream.double())
    close = {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 2e-5, "atol": 2e-5}
    value = getattr(normalization, name)(*arguments, **options)
    by_hand = getattr(normalization, f"{name}_grad")(upstream, *arguments, **options)

    assert_close(value.y if name == "batch_norm" else value, expected.detach().to(dtype), **close)
    assert_close(tuple(by_hand), tuple(each.to(dtype) for each in pulls), **close)


@pytest.mark.parametrize("shape", MAPS, ids=str)
@pytest.mark.parametrize("options", [{}, {"momentum": 0}, {"momentum": 0.37, "eps": 1e-3}, {"momentum": 1}], ids=str)
def test_running_values_are_torchs(shape, options, dtype, device):
    torch.manual_seed(0)
    layer = nn.BatchNorm1d if len(shape) == 2 else {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)]
    oracle = layer(shape[1], **options).to(dtype=dtype, device=device)
    gamma, beta, kept = oracle.weight.detach(), oracle.bias.detach(), (None, None)
    for _ in range(3):
        x = torch.randn(shape, dtype=dtype, device=device) * 2 + 1
        y, *kept = batch_norm(x, gamma, beta, *kept, **options)

        assert_close(y, oracle(x).detach())
        assert_close(kept, [oracle.running_mean, oracle.running_var])
    oracle.eval()
    y, *same = batch_norm(x, gamma, beta, *kept, **options, training=False)
    assert_close(y, oracle(x).detach())
    assert_close(same, kept, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [*MAPS, (1, 6), (0, 6)], ids=str)
def test_outside_training_gradients_are_torchs(shape, dtype, device):
    upstream, arguments = drawn("batch_norm", shape, dtype, device)
    mean, variance = torch.randn_like(arguments[1]), torch.rand_like(arguments[1]) + 0.1
    leaves = [each.clone().requires_grad_() for each in arguments]
    expected = torch.autograd.grad(F.batch_norm(leaves[0], mean, variance, *leaves[1:], eps=1e-3), leaves, upstream)
    by_hand = batch_norm_grad(
        upstream, arguments[0], arguments[1], running_mean=mean, running_var=variance, training=False, eps=1e-3
    )

    assert_close(tuple(by_hand), expected)


@pytest.mark.parametrize("training", [True, False])
def test_running_values_are_returned_new(training, device):
    x, one = torch.randn(4, 3, device=device), torch.ones(3, device=device)
    before = one.clone()
    _, *kept = batch_norm(x, one, one, one, one, training=training)

    assert {each.data_ptr() for each in kept}.isdisjoint({one.data_ptr()})
    assert_close(one, before, rtol=0, atol=0)
    assert not any(each.requires_grad for each in batch_norm(x.requires_grad_(), one, one)[1:])


@whole_family
@pytest.mark.parametrize("mean", [1e2, 1e4, 1e6])
def test_a_large_mean_costs_no_digits(norm, mean, device):
    """In float32 the distance from 1e6 to the next number is 1/16: what the numbers say, the result must say."""
    torch.manual_seed(0)
    x = (torch.randn(64, 6, 9, device=device) + mean).movedim(1, 2 if norm in (layer_norm, rms_norm) else 1)
    gamma, beta = torch.randn(2, 6, device=device)
    weights = [gamma] if norm is rms_norm else [gamma, beta]
    low, high = norm(x, *weights), norm(x.double(), *(each.double() for each in weights))
    low, high = (low.y, high.y) if norm is batch_norm else (low, high)

    assert_close(low.double(), high, rtol=2e-6, atol=2e-6)


def test_a_large_mean_costs_the_running_values_no_digits(device):
    torch.manual_seed(0)
    x, one = torch.randn(64, 6, device=device) + 1e4, torch.ones(6, device=device)
    low, high = (batch_norm(each, one.to(each), one.to(each), momentum=1) for each in (x, x.double()))

    assert_close(low.running_var.double(), high.running_var, rtol=1e-6, atol=0)
    assert_close(low.running_mean, high.running_mean.float(), rtol=0, atol=0)


def test_the_textbook_variance_is_lost_at_a_large_mean(device):
    """The mean of squares less the square of the mean: the reason for two passes."""
    torch.manual_seed(0)
    x = torch.randn(1000, device=device) + 1e4
    textbook = x.square().mean() - x.mean().square()

    assert abs(textbook - x.double().var(correction=0)) > 0.5


@whole_family
def test_a_constant_input_is_beta(norm, dtype, device):
    x = torch.full((4, 6, 6), 1e4 / 3, dtype=dtype, device=device)
    gamma, beta = torch.randn(2, 6, dtype=dtype, device=device)
    value = norm(x, gamma) if norm is rms_norm else norm(x, gamma, beta)
    value = value.y if norm is batch_norm else value
    axis = (6,) if norm in (layer_norm, rms_norm) else (6, 1)
    expected = gamma if norm is rms_norm else beta

    assert_close(value, expected.reshape(axis).expand(4, 6, 6))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=str)
@whole_family
def test_half_precision_is_computed_in_float32(norm, half, device):
    torch.manual_seed(0)
    x = (300 * torch.randn(4, 6, 6, device=device)).to(half)  # its squares overflow float16
    weights = torch.randn(1 if norm is rms_norm else 2, 6, device=device).to(half)
    low, high = norm(x, *weights), norm(x.float(), *weights.float())
    low, high = (low.y, high.y) if norm is batch_norm else (low, high)

    assert_close(low, high.to(half), rtol=0, atol=0)


def test_one_mean_for_the_batch_is_one_for_all_places(device):
    """Batch norm of images is batch norm of their pixels, each a row."""
    x, gamma, beta = torch.randn(3, 6, 4, 5, device=device), *torch.randn(2, 6, device=device)
    images, pixels = batch_norm(x, gamma, beta), batch_norm(x.movedim(1, -1).reshape(-1, 6), gamma, beta)

    assert_close(images.y.movedim(1, -1).reshape(-1, 6), pixels.y)
    assert_close(images[1:], pixels[1:])


def test_group_norm_lies_between_layer_norm_and_instance_norm(dtype, device):
    x, gamma, beta = (
        torch.randn(3, 6, 4, 5, dtype=dtype, device=device),
        *torch.randn(2, 6, dtype=dtype, device=device),
    )
    one, zero = torch.ones(120, dtype=dtype, device=device), torch.zeros(120, dtype=dtype, device=device)
    flat = layer_norm(x.flatten(1), one, zero).view_as(x) * gamma.view(6, 1, 1) + beta.view(6, 1, 1)

    assert_close(group_norm(x, gamma, beta, groups=6), instance_norm(x, gamma, beta))
    assert_close(group_norm(x, gamma, beta, groups=1), flat)


def test_layer_norm_of_centred_rows_is_rms_norm(dtype, device):
    x, gamma = torch.randn(5, 6, dtype=dtype, device=device), torch.randn(6, dtype=dtype, device=device)
    x = x - x.mean(-1, keepdim=True)

    assert_close(rms_norm(x, gamma, eps=1e-5), layer_norm(x, gamma, torch.zeros_like(gamma)))


def test_the_identity_is_one_choice_of_gamma_and_beta(dtype, device):
    x = torch.randn(50, 6, dtype=dtype, device=device) * 3 + 7
    variance, mean = torch.var_mean(x, 0, correction=0)

    assert_close(batch_norm(x, (variance + 1e-5).sqrt(), mean).y, x)


@pytest.mark.parametrize("norm", [batch_norm_grad, layer_norm_grad], ids=["batch", "layer"])
def test_no_shift_and_no_stretch_is_felt(norm, device):
    """The pull on x sums to 0 and lies across x: neither adding a constant nor scaling changes y."""
    upstream, x = torch.randn(2, 8, 8, dtype=torch.float64, device=device)
    dx = norm(upstream, x, torch.ones_like(x[0]), eps=0).dx
    axis = 0 if norm is batch_norm_grad else 1

    assert_close(dx.sum(axis), torch.zeros_like(x[0]), rtol=0, atol=1e-12)
    assert_close((dx * x).sum(axis), torch.zeros_like(x[0]), rtol=0, atol=1e-12)


def test_one_pull_on_all_is_no_pull(device):
    """The sum of a normalized column is 0 whatever x is: a check with `upstream` of ones would pass any formula."""
    x, one = torch.randn(8, 3, dtype=torch.float64, device=device), torch.ones(3, dtype=torch.float64, device=device)

    assert batch_norm_grad(torch.ones_like(x), x, one).dx.abs().max() < 1e-12


@pytest.mark.parametrize("with_bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("kernel", [(), (3,), (3, 2), (1, 1), (2, 2, 2)], ids=str)
def test_a_folded_layer_is_the_two_that_it_was(kernel, with_bias, dtype, device):
    torch.manual_seed(0)
    layer = [F.linear, F.conv1d, F.conv2d, F.conv3d][len(kernel)]
    weight = torch.randn(5, 4, *kernel, dtype=dtype, device=device)
    gamma, beta, mean, bias = torch.randn(4, 5, dtype=dtype, device=device)
    bias, variance = bias if with_bias else None, torch.rand(5, dtype=dtype, device=device) + 0.1
    x = torch.randn(3, 4, *(6 for _ in kernel), dtype=dtype, device=device)
    expected = batch_norm(layer(x, weight, bias), gamma, beta, mean, variance, training=False, eps=1e-3).y
    folded = fold_batch_norm(weight, bias, gamma, beta, mean, variance, eps=1e-3)
    close = {"rtol": 1e-12, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}

    assert_close(layer(x, *folded), expected, **close)


ONE = torch.ones(3)
SINGLE = (
    "needs more than one value per channel in training, got 1: a single value is its own mean, and y is beta "
    "whatever x is; take a larger batch, or training=False"
)
REFUSALS = {
    f"batch_norm {SINGLE}": lambda: batch_norm(ONE[None], ONE, ONE),
    f"batch_norm_grad {SINGLE}": lambda: batch_norm_grad(ONE[None], ONE[None], ONE),
    "batch_norm needs running_mean and running_var when training is False, got None": lambda: batch_norm(
        ONE[None], ONE, ONE, training=False
    ),
    "batch_norm needs both running_mean and running_var, got only one of them": lambda: batch_norm(
        ONE[None], ONE, ONE, ONE
    ),
    "batch_norm needs a finite running_var >= 0, got -1.0": lambda: batch_norm(ONE[None], ONE, ONE, ONE, -ONE),
    "batch_norm needs 2 or more axes, got shape (3,)": lambda: batch_norm(ONE, ONE, ONE),
    "batch_norm needs momentum in [0, 1], got 1.5": lambda: batch_norm(ONE[None], ONE, ONE, momentum=1.5),
    "batch_norm needs a finite eps >= 0, got -1e-05": lambda: batch_norm(ONE[None], ONE, ONE, eps=-1e-5),
    "batch_norm_grad needs one shape, got (3,) and (1, 3)": lambda: batch_norm_grad(ONE, ONE[None], ONE),
    "layer_norm needs 1 or more axes, got shape ()": lambda: layer_norm(ONE[0], ONE, ONE),
    "layer_norm needs one weight for each entry of axis -1, got shapes (3,) and (1,)": lambda: layer_norm(
        ONE, ONE[:1], ONE
    ),
    "layer_norm needs floating tensors, got torch.int64: convert them with .float()": lambda: layer_norm(
        ONE.long(), ONE, ONE
    ),
    "instance_norm needs more than one value per channel of an example, got 1: y would be beta whatever x is": lambda: (
        instance_norm(ONE[None, :, None], ONE, ONE)
    ),
    "instance_norm_grad needs more than one value per channel of an example, got 1: y would be beta whatever x is": (
        lambda: instance_norm_grad(ONE[None], ONE[None], ONE)
    ),
    "group_norm needs groups that divide the 3 channels, got 2": lambda: group_norm(ONE[None], ONE, ONE, groups=2),
    "group_norm_grad needs groups that divide the 3 channels, got 0": lambda: group_norm_grad(
        ONE[None], ONE[None], ONE, groups=0
    ),
    "rms_norm_grad needs a finite eps >= 0, got inf": lambda: rms_norm_grad(ONE, ONE, ONE, eps=float("inf")),
    "fold_batch_norm needs one weight for each entry of axis 0, got shapes (2, 3) and (3,)": lambda: fold_batch_norm(
        torch.ones(2, 3), None, ONE, ONE, ONE, ONE
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSALS.items(), ids=REFUSALS)
def test_an_error_states_the_law_and_the_value(message, call):
    with pytest.raises((ValueError, TypeError)) as caught:
        call()

    assert message == str(caught.value)


SPLITS = {2: [(4, 4), (7, 1)], 3: [(4, 4, 0), (7, 1, 0), (0, 0, 8), (1, 4, 3)]}


def parted(split, places):
    """Draw a batch far from 0, and part it among ranks: each gets its rows, and the weights that all have."""
    torch.manual_seed(0)
    x, upstream = torch.randn(2, 8, 3, *places, dtype=torch.float64)
    weights = torch.randn(4, 3, dtype=torch.float64).exp()
    shares = [(x + 1e4).split(split), upstream.split(split), *([each] * len(split) for each in weights)]
    return (x + 1e4, upstream, *weights), shares


def torchrun(folder, cases, ranks, *dies):
    """Start the ranks, let them work on the cases, and return how it ended and what each rank wrote."""
    torch.save(cases, folder / "cases.pt")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    command += [str(RANK), str(folder), *map(str, dies)]
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(command, env=env, timeout=120, capture_output=True, text=True, check=False)
    written = [folder / f"results{rank}.pt" for rank in range(ranks)]
    return done, [torch.load(each) for each in written if each.exists()]


@pytest.mark.parametrize("ranks", SPLITS)
def test_several_ranks_are_one_process_on_all_rows(ranks, tmp_path):
    close = partial(assert_close, rtol=1e-10, atol=1e-10)
    joined, cases = zip(*(parted(split, places) for split in SPLITS[ranks] for places in [(), (3, 2)]), strict=True)
    wide, narrow = torch.ones(4, 3), torch.ones(4, 2)
    others = [narrow] * (ranks - 1)
    unlike = [[wide, *others]] * 2 + [[ONE, *(each[0] for each in others)]] * 2
    single = [wide[:1].split([1] + [0] * (ranks - 1))] * 2 + [[ONE] * ranks] * 2
    done, results = torchrun(tmp_path, [*cases, unlike, single], ranks)

    assert done.returncode == 0, done.stderr
    *agreed, unlike, single = zip(*results, strict=True)
    for (x, upstream, *weights), shares in zip(joined, agreed, strict=True):
        value, pulls = batch_norm(x, *weights), batch_norm_grad(upstream, x, *weights)
        close(torch.cat([each["value"][0] for each in shares]), value.y)
        close(torch.cat([each["by_hand"][0] for each in shares]), pulls.dx)
        close(torch.cat([each["by_torch"][0] for each in shares]), pulls.dx)
        for each in shares:
            close(each["value"][1:], tuple(value[1:]))
            close(each["by_hand"][1:], tuple(pulls[1:]))
        close([sum(each["by_torch"][which] for each in shares) for which in (1, 2)], list(pulls[1:]))
    for refusal, channels in zip(unlike, [3] + [2] * (ranks - 1), strict=True):
        said = f"got {channels} here and {1 + 2 * ranks} on all ranks"
        assert refusal == f"batch_norm needs the same channels on every rank, {said}"
    assert set(single) == {f"batch_norm {SINGLE}"}


def test_a_rank_that_dies_ends_the_others(tmp_path):
    start = time.monotonic()
    done, results = torchrun(tmp_path, [parted((4, 4, 0), ())[1]], 3, 1)

    assert done.returncode != 0
    assert results == []
    assert time.monotonic() - start < 60
