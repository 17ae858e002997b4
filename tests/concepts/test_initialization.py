import math
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.testing import assert_close

from dlref import initialization as init
from dlref.activations import leaky_relu
from dlref.derivations import WrongStep, load
from dlref.derivations import initialization as derived
from wide import wide

LINEAR, CONVOLUTION = (200, 300), (60, 40, 5, 5)
IDENTITY = partial(init.small_normal, std=0.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


NORMAL = {
    "small_normal": (init.small_normal, partial(nn.init.normal_, std=0.01)),
    "small_normal 1": (partial(init.small_normal, std=1.0), nn.init.normal_),
    "lecun_normal": (init.lecun_normal, partial(nn.init.kaiming_normal_, nonlinearity="linear")),
    "xavier_normal": (init.xavier_normal, nn.init.xavier_normal_),
    "he_normal": (init.he_normal, nn.init.kaiming_normal_),
    "he_normal 0.5": (partial(init.he_normal, negative_slope=0.5), partial(nn.init.kaiming_normal_, a=0.5)),
}
UNIFORM = {
    "xavier_uniform": (init.xavier_uniform, nn.init.xavier_uniform_),
    "he_uniform": (init.he_uniform, nn.init.kaiming_uniform_),
    "he_uniform 0.5": (partial(init.he_uniform, negative_slope=0.5), partial(nn.init.kaiming_uniform_, a=0.5)),
}
torchs = pytest.mark.parametrize(("ours", "theirs"), [*NORMAL.values(), *UNIFORM.values()], ids=[*NORMAL, *UNIFORM])


@torchs
@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION], ids=str)
def test_weights_are_distributed_as_torchs(ours, theirs, shape, dtype, device):
    mine = ours(shape, generator=seeded(1), dtype=dtype, device=device).cpu().double()
    other = theirs(torch.empty(shape, dtype=torch.float64), generator=seeded(2))

    assert stats.ks_2samp(mine.ravel(), other.ravel()).pvalue > 0.01
    assert mine.std().item() == pytest.approx(other.std().item(), rel=0.02)
    assert abs(mine.mean()) < 4 * mine.std() / math.sqrt(mine.numel())


@pytest.mark.parametrize(("ours", "theirs"), UNIFORM.values(), ids=UNIFORM)
@pytest.mark.parametrize("shape", [LINEAR, CONVOLUTION], ids=str)
def test_uniform_weights_end_where_torchs_do(ours, theirs, shape, device):
    limit = ours(shape, generator=seeded(1), device=device).abs().max()

    assert limit.item() == pytest.approx(theirs(torch.empty(shape), generator=seeded(2)).abs().max().item(), rel=1e-3)


@pytest.mark.parametrize("shape", [(7, 3), (1, 1), (64, 3, 3, 3), (8, 4, 5), (2, 3, 4, 5, 6)], ids=str)
def test_fans_are_torchs(shape):
    assert init.fans(shape) == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))


@pytest.mark.parametrize("layer", [nn.Linear(300, 200), nn.Conv2d(40, 60, 5)], ids=["linear", "convolution"])
def test_torchs_layers_start_with_he_and_a_slope_of_root_5(layer, device):
    shape, slope = layer.weight.shape, math.sqrt(5)
    ours = init.he_uniform(shape, negative_slope=slope, generator=seeded(), device=device).cpu()
    fan_in = init.fans(layer.weight.shape).fan_in

    assert stats.ks_2samp(ours.ravel(), layer.weight.detach().ravel()).pvalue > 0.01
    assert ours.abs().max().item() == pytest.approx(fan_in**-0.5, rel=1e-3)
    assert ours.var().item() * fan_in == pytest.approx(1 / 3, rel=0.02)


def test_a_constant_never_breaks_the_symmetry(device):
    """All units of a layer stay one unit; drawn weights differ, and a zero does not even move."""
    torch.manual_seed(0)
    x, target = torch.randn(64, 5, device=device), torch.randn(64, 1, device=device)
    for value, moves in ((0.5, True), (0.0, False)):
        first, last = (init.constant(shape, value, device=device).requires_grad_() for shape in ((4, 5), (1, 4)))
        for _ in range(20):
            error = ((x @ first.T).tanh() @ last.T - target).square().mean()
            pulls = torch.autograd.grad(error, [first, last])
            first, last = (
                (each - 0.1 * pull).detach().requires_grad_() for each, pull in zip((first, last), pulls, strict=True)
            )

        assert_close(first.detach(), first.detach()[:1].expand(4, 5))
        assert ((first.detach() - value).abs().max() > 0.01) == moves


@pytest.mark.parametrize("gain", [1.0, math.sqrt(2)])
@pytest.mark.parametrize("shape", [(30, 30), (20, 50), (50, 20), (16, 3, 3, 3), (64, 2, 3, 3)], ids=str)
def test_an_orthogonal_weight_has_one_singular_value(shape, gain, dtype, device):
    matrix = init.orthogonal(shape, gain=gain, generator=seeded(), dtype=dtype, device=device).flatten(1)
    short = matrix if shape[0] <= matrix.shape[1] else matrix.T

    assert_close(short @ short.T, gain**2 * torch.eye(len(short), dtype=dtype, device=device), rtol=0, atol=1e-5)


HAAR = {
    "trace": lambda q: np.trace(q, axis1=-2, axis2=-1),
    "first entry": lambda q: q[:, 0, 0],
    "last entry": lambda q: q[:, -1, -1],
    "determinant": np.linalg.det,
    "angle": lambda q: np.abs(np.angle(np.linalg.eigvals(q))).min(-1),
}


@pytest.mark.parametrize("n", [2, 3, 6])
def test_orthogonal_weights_follow_haars_law(n, device):
    draw = partial(init.orthogonal, (n, n), generator=seeded(), device=device)
    ours = torch.stack([draw() for _ in range(2000)]).double().cpu().numpy()
    theirs = stats.ortho_group.rvs(n, size=2000, random_state=0)

    pvalues = {name: stats.ks_2samp(of(ours).round(4), of(theirs).round(4)).pvalue for name, of in HAAR.items()}
    assert min(pvalues.values()) > 1e-3, pvalues


@pytest.mark.parametrize("shape", [(2, 5), (5, 2)], ids=str)
def test_rows_or_columns_of_an_oblong_weight_point_everywhere_alike(shape, device):
    """A unit vector of five numbers has entries whose squares follow Beta(1/2, 2)."""
    draw = partial(init.orthogonal, shape, generator=seeded(), device=device)
    drawn = torch.stack([draw().reshape(-1) for _ in range(2000)]).double().cpu()

    for entry in drawn.T:
        assert stats.kstest(entry.square(), stats.beta(0.5, 2).cdf).pvalue > 1e-3
        assert abs((entry > 0).double().mean() - 0.5) < 0.05


def plain():
    return nn.Sequential(*(each for _ in range(20) for each in (nn.Linear(40, 40), nn.ReLU())))


def convolutional():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 6, 3, bias=False), nn.Dropout(0.5), nn.Tanh(),
        nn.ConvTranspose2d(6, 4, 2), nn.Flatten(), nn.LazyLinear(5),
    )  # fmt: skip


class Residual(nn.Module):
    """The layers are made in another order than they are used, and the first one twice."""

    def __init__(self):
        super().__init__()
        self.out, self.inner = nn.Linear(40, 3), nn.Linear(40, 40)

    def forward(self, x):
        for _ in range(2):
            x = x + self.inner(x).relu()
        return self.out(x)


MODELS = {
    "plain": (plain, (100, 40)),
    "convolutional": (convolutional, (50, 3, 8, 8)),
    "residual": (Residual, (100, 40)),
}
each_model = pytest.mark.parametrize(("build", "shape"), MODELS.values(), ids=MODELS)


def built(build, shape, device="cpu", dtype=torch.float32):
    torch.manual_seed(0)
    batch = 3 + 7 * torch.randn(shape, device=device, dtype=dtype)
    model = build().to(device)
    model.eval()(batch.float())
    return model.to(dtype).train(), batch


@each_model
def test_lsuv_gives_every_layer_variance_1(build, shape, dtype, device):
    model, batch = built(build, shape, device, dtype)
    assert init.lsuv(model, batch, generator=seeded()) is model

    seen = {}
    layers = [each for each in model.modules() if isinstance(each, init.WEIGHTED)]

    def note(layer, _, output):
        seen.setdefault(layer, output.var(correction=0))

    for layer in layers:
        layer.register_forward_hook(note)
    model.eval()(batch)
    variances = torch.stack(list(seen.values()))

    assert len(seen) == len(layers)
    assert_close(variances, torch.ones_like(variances), rtol=1e-4, atol=0)


@each_model
def test_lsuv_leaves_orthogonal_weights_and_no_bias(build, shape, device):
    model, batch = built(build, shape, device)
    for layer in init.lsuv(model, batch, generator=seeded()).modules():
        if isinstance(layer, init.WEIGHTED):
            stretched = torch.linalg.svdvals(layer.weight.detach().flatten(1))
            assert_close(stretched, stretched[:1].expand_as(stretched))
            assert layer.bias is None or not layer.bias.any()


@each_model
def test_lsuv_changes_nothing_else(build, shape, device):
    model, batch = built(build, shape, device)
    kept = {name: each.clone() for name, each in model.named_buffers()}
    mixed = list(model.modules())[-1].eval()
    same = init.lsuv(built(build, shape, device)[0], batch, generator=seeded())
    init.lsuv(model, batch, generator=seeded())

    assert not any(each._forward_hooks for each in model.modules())
    assert all(each.training == (each is not mixed) for each in model.modules())
    assert all(each.requires_grad and each.grad_fn is None for each in model.parameters())
    assert_close(dict(model.named_buffers()), kept, rtol=0, atol=0)
    assert_close(list(model.parameters()), list(same.parameters()), rtol=0, atol=0)


def test_lsuv_refuses_outputs_that_do_not_vary():
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2), nn.Dropout())
    with pytest.raises(ValueError, match=r"lsuv needs outputs that vary, got a standard deviation of 0.0 at layer '0'"):
        init.lsuv(model, torch.zeros(4, 3))
    assert model.training
    assert not any(each._forward_hooks for each in model)

    with pytest.raises(ValueError, match=r"got a standard deviation of nan at layer '0'"):
        init.lsuv(model, torch.full((4, 3), math.nan))
    with pytest.raises(ValueError, match=r"lsuv needs a linear or convolutional layer, got ReLU"):
        init.lsuv(nn.ReLU(), torch.ones(4, 3))


# What the notes print, one draw each: ten layers of 500 units, the activation and the rule, and its gain fan_in Var(w).
TABLES = {
    "tanh, 0.01": (torch.tanh, partial(init.small_normal, std=0.01), 0.05, {
        "std": (0.213081, 0.047551, 0.010630, 0.002378, 0.000532, 0.000119, 0.000026, 0.000006, 0.000001, 0.000000),
    }),
    "tanh, 1": (torch.tanh, partial(init.small_normal, std=1.0), 500, {
        "std": (0.981879, 0.981649, 0.981601, 0.981755, 0.981614, 0.981560, 0.981520, 0.981913, 0.981728, 0.981736),
    }),
    "tanh, Xavier": (torch.tanh, init.lecun_normal, 1, {
        "std": (0.627953, 0.486051, 0.407723, 0.357108, 0.320917, 0.292116, 0.273387, 0.254935, 0.239266, 0.228008),
    }),
    "ReLU, Xavier": (torch.relu, init.lecun_normal, 1, {
        "mean": (0.398623, 0.272352, 0.186076, 0.136442, 0.099568, 0.072234, 0.049775, 0.035138, 0.025404, 0.018408),
        "std": (0.582273, 0.403795, 0.276912, 0.198685, 0.140299, 0.103280, 0.072748, 0.051572, 0.038583, 0.026076),
    }),
    "ReLU, He": (torch.relu, init.he_normal, 2, {
        "mean": (0.562488, 0.553614, 0.545867, 0.565396, 0.547678, 0.587103, 0.596867, 0.623214, 0.567498, 0.552531),
        "std": (0.825232, 0.827835, 0.813855, 0.826902, 0.834092, 0.860035, 0.870610, 0.889348, 0.845357, 0.844523),
    }),
}  # fmt: skip
SEEDS = 20
each_table = pytest.mark.parametrize("table", TABLES)


@cache
def runs(table, device):
    """Repeat the experiment of a table: for each quantity, seeds × layers."""
    activation, rule, *_ = TABLES[table]
    rule = partial(rule, device=device)
    drawn = [init.activation_statistics(rule, activation, generator=seeded(seed)) for seed in range(SEEDS)]
    return init.Statistics(*(torch.stack(each).double().cpu().numpy() for each in zip(*drawn, strict=True)))


@each_table
def test_the_notes_numbers_are_further_draws_of_ours(table, device):
    """A new draw lies `t` spreads of a draw from the mean of the old ones, with t Student's."""
    *_, printed = TABLES[table]
    for quantity, numbers in printed.items():
        ours = getattr(runs(table, device), quantity)
        spread = ours.std(0, ddof=1) * math.sqrt(1 + 1 / SEEDS) + 3e-7  # the last is what rounding to six digits hides
        away = np.abs(numbers - ours.mean(0)) / spread

        assert away.max() < stats.t(SEEDS - 1).ppf(0.9995)
        assert np.sqrt(np.square(away).mean()) < 2


@each_table
def test_wide_networks_do_what_theory_says(table, device):
    activation, _, gain, _ = TABLES[table]
    theory = wide(activation, gain, depth=10)
    for quantity in init.Statistics._fields:
        ours, expected = getattr(runs(table, device), quantity), getattr(theory, quantity)
        doubt = 4 * ours.std(0, ddof=1) / math.sqrt(SEEDS) + 0.01 * np.abs(expected)

        assert (np.abs(ours.mean(0) - expected) < doubt).all(), quantity


def test_saturated_units_let_the_gradient_explode(device):
    """The notes say that with weights of 1 all gradients are 0. Few units pass it on, but strongly."""
    gradient_std = runs("tanh, 1", device).gradient_std.mean(0)

    assert (gradient_std[:-1] / gradient_std[1:] > 3).all()


def test_dividing_by_the_he_standard_deviation_explodes(device):
    """As the notes print it: randn / √(2/n), a standard deviation of √(n/2), multiplies by n/2 = 250 at each layer."""
    rule = partial(init.small_normal, std=1 / math.sqrt(2 / 500), device=device)
    std = init.activation_statistics(rule, torch.relu, generator=seeded()).std

    assert_close((std[1:] / std[:-1]).cpu(), torch.full((9,), 250.0), rtol=0.1, atol=0)
    assert std[-1] > 1e23


def test_a_standard_deviation_of_2_over_root_n_grows(device):
    """As the notes print it: it is √2 too large, and so is every layer after it."""
    rule = partial(init.small_normal, std=2 / math.sqrt(500), device=device)
    std = init.activation_statistics(rule, torch.relu, generator=seeded()).std

    assert_close((std[1:] / std[:-1]).cpu(), torch.full((9,), math.sqrt(2)), rtol=0.1, atol=0)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_he_with_a_slope_suits_the_leaky_relu_of_that_slope(slope, device):
    rule = partial(init.he_normal, negative_slope=slope, device=device)
    activation = partial(leaky_relu, negative_slope=slope)
    run = init.activation_statistics(rule, activation, depth=5, generator=seeded())
    square = run.mean.square() + run.std.square()

    assert_close(square, torch.ones_like(square), rtol=0.25, atol=0)
    assert_close(run.gradient_std, torch.ones_like(square), rtol=0.1, atol=0)


def test_residual_branches_add_up(device):
    rule = partial(init.he_normal, device=device)
    run = init.activation_statistics(rule, torch.relu, residual=True, generator=seeded())
    theory = wide(torch.relu, 2, depth=10, residual=True)
    still = init.activation_statistics(IDENTITY, torch.relu, residual=True, width=50, generator=seeded())

    assert_close(run.std.double().cpu().numpy(), theory.std, rtol=0.15, atol=0)
    assert_close(run.gradient_std.double().cpu().numpy(), theory.gradient_std, rtol=0.15, atol=0)
    assert_close(still.std, still.std[:1].expand(10), rtol=0, atol=0)
    assert_close(still.gradient_std, still.gradient_std[:1].expand(10), rtol=0, atol=0)


def test_the_experiment_is_read_from_the_input_side():
    run = init.activation_statistics(lambda shape: 2 * torch.eye(*shape), lambda z: z, depth=5, width=40, batch=30)

    assert_close(run.std[1:] / run.std[:-1], torch.full((4,), 2.0))
    assert_close(run.mean[1:] / run.mean[:-1], torch.full((4,), 2.0))
    assert_close(run.gradient_std[:-1] / run.gradient_std[1:], torch.full((4,), 2.0))
    assert run.std[0] == pytest.approx(2, rel=0.1)
    assert run.gradient_std[-1] == pytest.approx(1, rel=0.1)


def test_a_weight_has_its_outputs_on_the_first_axis():
    seen = []
    only_first = torch.zeros(5, 5).index_fill(0, torch.tensor(0), 1.0)
    init.activation_statistics(lambda _: only_first, lambda z: seen.append(z) or z, depth=1, width=5, batch=4)

    assert seen[0][:, 0].all()
    assert not seen[0][:, 1:].any()


def test_an_experiment_follows_its_weights_and_its_seed(dtype, device):
    rule = partial(init.he_normal, dtype=dtype, device=device)
    sizes = {"depth": 3, "width": 20, "batch": 10}
    first, again = (init.activation_statistics(rule, torch.relu, **sizes, generator=seeded()) for _ in range(2))

    assert {(each.dtype, each.device.type, each.shape) for each in first} == {(dtype, device.type, (3,))}
    assert_close(tuple(first), tuple(again), rtol=0, atol=0)
    assert not any(each.requires_grad for each in first)


@pytest.mark.parametrize("name", ["depth", "width", "batch"])
def test_an_experiment_needs_layers_units_and_examples(name):
    with pytest.raises(ValueError, match=f"activation_statistics needs {name} >= 1, got 0"):
        init.activation_statistics(init.he_normal, torch.relu, **{name: 0})


MISPRINTS = {
    "He divides by its deviation": ("he_normal", derived.fan_in / 2),
    "He has the deviation 2/√n": ("he_normal", 4 / derived.fan_in),
    "a slope of a doubles as 1 + a": ("he_normal", 2 / ((1 + derived.a) * derived.fan_in)),
    "Xavier forgets the 2": ("xavier_normal", 1 / (derived.fan_in + derived.fan_out)),
    "Xavier's limit is the root of its variance": ("xavier_uniform", 6 / (derived.fan_in + derived.fan_out)),
    "a leaky ReLU passes (1 + a)²/2 on": ("leaky_relu_gain", (1 + derived.a) ** 2 * derived.s**2 / 2),
}


@pytest.mark.parametrize(("name", "misprint"), MISPRINTS.values(), ids=MISPRINTS)
def test_a_misprint_is_refused_with_a_counterexample(name, misprint):
    right = load(f"initialization.{name}").check()
    wrong = replace(right, steps=[*right.steps[:-1], replace(right.steps[-1], expression=misprint)])

    with pytest.raises(WrongStep, match="is wrong: at "):
        wrong.check()
