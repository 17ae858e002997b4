"""Activations against torch, mpmath and numpy, down to the kinks and the tails."""

import math

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name it goes by everywhere
from torch.testing import assert_close

from dlref import activations
from dlref.activations import gelu, log_softmax, logsumexp, maxout, prelu, relu, sigmoid, softmax, softplus

SHAPES = [(), (1,), (7,), (2, 3, 5), (0, 4)]
EXTREMES = [-1e4, -300.0, -88.0, -20.0, -10.0, -5.0, -1.0, -1e-4, 0.0, 1e-4, 1.0, 5.0, 10.0, 20.0, 88.0, 300.0, 1e4]


def scaled_silu(x, *, beta):
    """Be swish by torch's own SiLU, the only one it has."""
    return F.silu(beta * x) / beta


TORCHS = {
    "sigmoid": ("sigmoid", torch.sigmoid, {}),
    "tanh": ("tanh", torch.tanh, {}),
    "relu": ("relu", F.relu, {}),
    "leaky_relu": ("leaky_relu", F.leaky_relu, {}),
    "leaky_relu 0.3": ("leaky_relu", F.leaky_relu, {"negative_slope": 0.3}),
    "leaky_relu 2": ("leaky_relu", F.leaky_relu, {"negative_slope": 2}),
    "leaky_relu 0": ("leaky_relu", F.leaky_relu, {"negative_slope": 0}),
    "elu": ("elu", F.elu, {}),
    "elu 0.5": ("elu", F.elu, {"alpha": 0.5}),
    "elu 3": ("elu", F.elu, {"alpha": 3}),
    "selu": ("selu", F.selu, {}),
    "gelu": ("gelu", F.gelu, {}),
    "gelu tanh": ("gelu", F.gelu, {"approximate": "tanh"}),
    "swish": ("swish", scaled_silu, {"beta": 1}),
    "swish 5": ("swish", scaled_silu, {"beta": 5.0}),
    "softplus": ("softplus", F.softplus, {}),
}
torchs = pytest.mark.parametrize(("name", "oracle", "options"), TORCHS.values(), ids=TORCHS)


def pair(name):
    return getattr(activations, name), getattr(activations, f"{name}_grad")


def slope(oracle, x, *others, **options):
    """Differentiate the oracle by its first argument, by torch's own rules."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(oracle(x, *others, **options).sum(), x)[0]


def exactly(function, x):
    """Evaluate an mpmath function at 400 digits, so that no tail cancels, and round once."""
    with mpmath.workdps(400):
        values = [float(function(mpmath.mpf(each))) for each in x.double().tolist()]
    return torch.tensor(values, dtype=torch.float64, device=x.device)


@torchs
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_slopes_are_torchs(name, oracle, options, shape, dtype, device):
    torch.manual_seed(0)
    x = 3 * torch.randn(shape, dtype=dtype, device=device)
    value, gradient = pair(name)

    assert_close(value(x, **options), oracle(x, **options))
    assert_close(gradient(x, **options), slope(oracle, x, **options))


@torchs
def test_extremes_are_torchs(name, oracle, options, dtype, device):
    """Zero is among them: at a kink the slope is the one that torch chooses, and so is autograd's through the value."""
    x = torch.tensor([*EXTREMES, -0.0], dtype=dtype, device=device)
    value, gradient = pair(name)

    assert_close(value(x, **options), oracle(x, **options))
    assert_close(gradient(x, **options), slope(oracle, x, **options))
    assert_close(slope(value, x, **options), slope(oracle, x, **options))


def cubic(x):
    return mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)


TEXTBOOK = {
    "sigmoid": ("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)), {}),
    "tanh": ("tanh", mpmath.tanh, {}),
    "elu": ("elu", lambda x: x if x > 0 else mpmath.expm1(x), {}),
    "gelu": ("gelu", lambda x: x * (1 + mpmath.erf(x / mpmath.sqrt(2))) / 2, {}),
    "gelu tanh": ("gelu", lambda x: x * (1 + mpmath.tanh(cubic(x))) / 2, {"approximate": "tanh"}),
    "swish": ("swish", lambda x: x / (1 + mpmath.exp(-x)), {}),
    "swish 2": ("swish", lambda x: x / (1 + mpmath.exp(-2 * x)), {"beta": 2}),
    "softplus": ("softplus", lambda x: mpmath.log1p(mpmath.exp(x)), {}),
}


@pytest.mark.parametrize(("name", "formula", "options"), TEXTBOOK.values(), ids=TEXTBOOK)
def test_tails_keep_their_digits(name, formula, options, dtype, device):
    """Torch's own GELU is -0 at -10, and 1 - tanh² is 0: an absolute tolerance would not notice."""
    x = torch.tensor(EXTREMES, dtype=dtype, device=device)
    value, gradient = pair(name)
    rough = {"rtol": 1000 * torch.finfo(dtype).eps, "atol": 1e4 * torch.finfo(dtype).tiny}

    assert_close(value(x, **options).double(), exactly(formula, x), **rough)
    steep = exactly(lambda t: mpmath.diff(formula, t, h=mpmath.mpf(10) ** -120), x)
    assert_close(gradient(x, **options).double(), steep, **rough)


TEXTBOOK_FAILURES = {
    "sigmoid's slope": (lambda x: x.sigmoid() * (1 - x.sigmoid()), activations.sigmoid_grad, 20.0),
    "tanh's slope": (lambda x: 1 - x.tanh().square(), activations.tanh_grad, 10.0),
    "gelu": (lambda x: x * (1 + (x * math.sqrt(0.5)).erf()) / 2, gelu, -10.0),
    "elu near 0": (lambda x: x.exp() - 1, activations.elu, -1e-9),
}


@pytest.mark.parametrize(("textbook", "stable", "x"), TEXTBOOK_FAILURES.values(), ids=TEXTBOOK_FAILURES)
def test_the_textbook_form_is_0_where_this_one_is_not(textbook, stable, x, device):
    x = torch.tensor(x, device=device)

    assert textbook(x) == 0
    assert stable(x) != 0


def test_the_textbook_forms_overflow_or_turn_into_nan_where_these_do_not(device):
    x = torch.tensor([-100.0, 100.0], device=device)
    textbook = slope(lambda t: 1 / (1 + (-t).exp()), x)

    assert textbook[0].isnan()
    assert slope(sigmoid, x).isfinite().all()
    assert (1 + x.exp()).log().tolist() == [0.0, math.inf]
    assert softplus(x)[0] > 0
    assert softplus(x)[1] == 100


RANGES = {
    "sigmoid": (0, 1, 0, 1 / 4, {}),
    "tanh": (-1, 1, 0, 1, {}),
    "relu": (0, 40, 0, 1, {}),
    "leaky_relu": (-0.4, 40, 0.01, 1, {}),
    "elu": (-1, 40, 0, 1, {}),
    "elu 0.5": (-0.5, 40, 0, 1, {"alpha": 0.5}),
    "selu": (-1.7581, 42.028, 0, 1.7581, {}),
    "gelu": (-0.17, 40, -0.129, 1.129, {}),
    "gelu tanh": (-0.17, 40, -0.129, 1.129, {"approximate": "tanh"}),
    "swish": (-0.2785, 40, -0.1, 1.1, {}),
    "swish 3": (-0.2785 / 3, 40, -0.1, 1.1, {"beta": 3}),
    "softplus": (0, 40, 0, 1, {}),
}


@pytest.mark.parametrize("name", RANGES)
def test_ranges_are_what_the_docstrings_say(name, device):
    low, high, flattest, steepest, options = RANGES[name]
    x = torch.linspace(-40, 40, 80_001, dtype=torch.float64, device=device)
    value, gradient = (function(x, **options) for function in pair(name.split()[0]))

    assert [value.min().item(), value.max().item()] == pytest.approx([low, high], abs=2e-4)
    assert [gradient.min().item(), gradient.max().item()] == pytest.approx([flattest, steepest], abs=3e-4)


@pytest.mark.parametrize(
    ("name", "where", "options"),
    [("gelu", -0.7518, {}), ("gelu", -0.7525, {"approximate": "tanh"}), ("swish", -1.2785 / 2, {"beta": 2})],
    ids=str,
)
def test_the_dip_lies_where_the_docstring_says(name, where, options, device):
    value, gradient = pair(name)
    x = torch.tensor([where - 1e-3, where, where + 1e-3], dtype=torch.float64, device=device)

    assert value(x, **options).argmin() == 1
    assert gradient(x, **options)[1].abs() < 1e-4


def test_float32_saturates_where_the_docstrings_say():
    x = torch.tensor([16.0, 17.0, 9.0, 9.1])

    assert (sigmoid(x[:2]) == 1).tolist() == [False, True]
    assert (activations.tanh(x[2:]) == 1).tolist() == [False, True]


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "leaky_relu", "elu", "selu", "gelu", "swish", "softplus"])
def test_only_a_relu_dies(name, device):
    x = torch.tensor([-1.0, -3.0, -10.0], device=device)

    assert (pair(name)[1](x) != 0).all()
    assert (activations.relu_grad(x) == 0).all()


def test_selu_keeps_mean_0_and_variance_1():
    """By quadrature, with the constants as they stand in the module."""

    def moment(power):
        def weighted(x):
            return (activations.SELU_SCALE * (x if x > 0 else alpha * mpmath.expm1(x))) ** power * mpmath.npdf(x)

        return mpmath.quad(weighted, [-mpmath.inf, 0, mpmath.inf])

    alpha = activations.SELU_ALPHA
    assert float(moment(1)) == pytest.approx(0, abs=1e-14)
    assert float(moment(2)) == pytest.approx(1, abs=1e-14)


def test_the_two_gelus_differ_by_less_than_one_in_2000(device):
    x = torch.linspace(-10, 10, 200_001, dtype=torch.float64, device=device)

    assert 0.0004 < (gelu(x) - gelu(x, approximate="tanh")).abs().max() < 0.0005


def test_swish_goes_from_a_line_to_a_relu(dtype, device):
    x = torch.tensor(EXTREMES, dtype=dtype, device=device)

    assert_close(activations.swish(x, beta=0), x / 2)
    assert_close(activations.swish(x, beta=1e9), relu(x))
    assert_close(activations.swish_grad(x, beta=0), torch.full_like(x, 0.5))


CHANNELS = [((), ()), ((), (1,)), ((5,), ()), ((5,), (1,)), ((2, 3), (3,)), ((2, 3, 4), (3,)), ((2, 3, 4, 5), (3,))]
CHANNELS += [((2, 3, 4), ()), ((2, 3, 4), (1,)), ((0, 3, 4), (3,)), ((2, 0, 4), (0,)), ((3, 1), (1,))]


@pytest.mark.parametrize(("shape", "slopes"), CHANNELS, ids=str)
def test_prelu_is_torchs_for_each_channel(shape, slopes, dtype, device):
    torch.manual_seed(0)
    x, alpha = (torch.randn(each, dtype=dtype, device=device) for each in (shape, slopes))
    x = torch.where(x.abs() < 0.5, 0, x)  # the kink is among the points

    assert_close(prelu(x, alpha), F.prelu(x, alpha))
    assert_close(activations.prelu_grad(x, alpha), slope(F.prelu, x, alpha))
    assert_close(slope(prelu, x, alpha), slope(F.prelu, x, alpha))


def test_prelu_learns_its_slope(dtype, device):
    torch.manual_seed(0)
    x, alpha = torch.randn(2, 3, 4, dtype=dtype, device=device), torch.rand(3, dtype=dtype, device=device)
    learned = slope(lambda alpha: prelu(x, alpha), alpha)

    assert_close(learned, slope(lambda alpha: F.prelu(x, alpha), alpha))
    assert_close(learned, x.clamp(max=0).sum((0, 2)))


VECTORS = {"softmax": torch.softmax, "log_softmax": torch.log_softmax, "logsumexp": torch.logsumexp}
vectors = pytest.mark.parametrize(("name", "oracle"), VECTORS.items(), ids=VECTORS)
AXES = [((5,), 0), ((5,), -1), ((4, 5), 0), ((4, 5), 1), ((2, 3, 4), -2), ((2, 3, 4), 2), ((0, 3), 1), ((4, 1), -1)]


def slopes_by_vector(oracle, x, dim):
    """Differentiate every value by its own vector, one vector at a time: Jacobians, entries on the last axis."""
    rows = x.movedim(dim, -1).reshape(-1, x.shape[dim])
    jacobians = [torch.autograd.functional.jacobian(lambda row: oracle(row, 0), row) for row in rows]
    return torch.stack(jacobians).reshape(*x.movedim(dim, -1).shape[:-1], *jacobians[0].shape)


@vectors
@pytest.mark.parametrize(("shape", "dim"), AXES, ids=str)
def test_values_along_any_axis_are_torchs(name, oracle, shape, dim, dtype, device):
    torch.manual_seed(0)
    x = 5 * torch.randn(shape, dtype=dtype, device=device)

    assert_close(pair(name)[0](x, dim=dim), oracle(x, dim))


@vectors
@pytest.mark.parametrize(("shape", "dim"), [axis for axis in AXES if 0 not in axis[0]], ids=str)
def test_slopes_along_any_axis_are_torchs(name, oracle, shape, dim, dtype, device):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=dtype, device=device)
    gradient = pair(name)[1](x, dim=dim)
    expected = slopes_by_vector(oracle, x, dim)

    if name == "logsumexp":
        assert_close(gradient, expected.movedim(-1, dim))
    else:
        assert gradient.shape == (*shape, shape[dim])
        assert_close(gradient, expected.movedim(-2, dim % len(shape)))


HUGE = [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4], [0.0, 90.0, -90.0]]


@vectors
def test_huge_scores_are_torchs_in_float64(name, oracle, dtype, device):
    """Torch's own slope of logsumexp is off by 2e-4 here in float32: it goes by way of the rounded value."""
    x = torch.tensor(HUGE, dtype=dtype, device=device)

    assert_close(pair(name)[0](x), oracle(x, -1))
    assert_close(slope(pair(name)[0], x), slope(oracle, x.double(), -1).to(dtype))


@vectors
def test_masked_classes_are_torchs(name, oracle, dtype, device):
    """A score of -inf masks a class out; where all are masked, only log-sum-exp has a value."""
    x = torch.tensor([[-math.inf, 0.0, 1.0], [-math.inf] * 3], dtype=dtype, device=device)

    assert_close(pair(name)[0](x), oracle(x, -1), equal_nan=True)
    assert logsumexp(-x).tolist() == [math.inf, math.inf]


@pytest.mark.parametrize("floating", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_a_softmax_over_many_classes_adds_up_to_1(floating, device):
    torch.manual_seed(0)
    x = torch.randn(3, 10_000, device=device).to(floating)
    rough = {"rtol": 4 * torch.finfo(floating).eps, "atol": 0.0}

    assert_close(softmax(x).double().sum(-1), torch.ones(3, dtype=torch.float64, device=device), **rough)
    assert_close(logsumexp(x), torch.logsumexp(x, -1))


def test_the_jacobians_diagonal_does_not_cancel(dtype):
    """Once one score leads, 1 - p is 0 in floating point: the true slope is what the others have left."""
    gap = 40.0 if dtype == torch.float64 else 20.0
    x = torch.tensor([gap, 0.0, 0.0], dtype=dtype)
    with mpmath.workdps(50):
        rest = 2 / (mpmath.exp(gap) + 2)
        expected = float(rest), float(rest * (1 - rest))

    assert 1 - softmax(x)[0] == 0
    assert activations.log_softmax_grad(x)[0, 0].item() == pytest.approx(expected[0], rel=1e-5)
    assert activations.softmax_grad(x)[0, 0].item() == pytest.approx(expected[1], rel=1e-5)


def test_products_with_the_jacobians_are_what_the_docstrings_say(device):
    torch.manual_seed(0)
    x, g = torch.randn(2, 4, 5, dtype=torch.float64, device=device)
    p = softmax(x)
    pulled = {"softmax": p * (g - (p * g).sum(-1, keepdim=True)), "log_softmax": g - p * g.sum(-1, keepdim=True)}

    for name, expected in pulled.items():
        value, jacobian = pair(name)
        assert_close((g.unsqueeze(-1) * jacobian(x)).sum(-2), expected)
        assert_close(slope(lambda x, value=value: g * value(x), x), expected)


@pytest.mark.parametrize("batch", [(), (1,), (6,), (2, 3), (0, 2)], ids=str)
def test_maxout_is_numpys_largest_piece(batch, dtype, device):
    torch.manual_seed(0)
    x, weight = torch.randn(*batch, 4, dtype=dtype, device=device), torch.randn(3, 5, 4, dtype=dtype, device=device)
    bias = torch.randn(3, 5, dtype=dtype, device=device)
    columns = [each.cpu().numpy() for each in (x, weight, bias)]
    pieces = np.stack([columns[0] @ w.T + b for w, b in zip(*columns[1:], strict=True)])
    winners = pieces.argmax(0)

    assert_close(maxout(x, weight, bias).cpu(), torch.as_tensor(pieces.max(0)))
    expected = columns[1][winners, np.arange(5)]
    assert_close(activations.maxout_grad(x, weight, bias).cpu(), torch.as_tensor(expected))


@pytest.mark.parametrize("a", [0.0, 0.01, 0.3, 1.0, -1.0])
def test_maxout_of_two_lines_is_a_leaky_relu_or_an_absolute_value(a, dtype, device):
    x = torch.tensor(EXTREMES, dtype=dtype, device=device)
    weight = torch.tensor([1.0, a], dtype=dtype, device=device).reshape(2, 1, 1)
    value = maxout(x.unsqueeze(-1), weight, weight.new_zeros(2, 1)).squeeze(-1)

    assert_close(value, x.abs() if a < 0 else activations.leaky_relu(x, negative_slope=a))


def test_pieces_that_tie_share_the_slope(device):
    x, weight = (
        torch.zeros(1, 2, device=device),
        torch.tensor([[[1.0, 2.0]], [[3.0, 6.0]], [[0.0, 0.0]]], device=device),
    )
    bias = torch.tensor([[0.0], [0.0], [-1.0]], device=device)

    assert activations.maxout_grad(x, weight, bias).tolist() == [[[2.0, 4.0]]]
    assert slope(maxout, x, weight, bias).tolist() == [[2.0, 4.0]]


REFUSALS = {
    "prelu needs floating slopes, got float: convert them with .float()": lambda x: prelu(x, 0.25),
    "prelu needs one slope, or one for each of 3 channels on axis 1, got x of shape (2, 3) and alpha of shape (2,)": (
        lambda x: prelu(x, torch.ones(2))
    ),
    "leaky_relu needs a finite negative_slope >= 0, got -0.01": lambda x: activations.leaky_relu(
        x, negative_slope=-0.01
    ),
    "gelu needs approximate none or tanh, got erf": lambda x: gelu(x, approximate="erf"),
    "softmax needs at least one entry along axis 2, got shape (2, 3)": lambda x: softmax(x, dim=2),
    "softmax_grad needs at least one entry along axis -3, got shape (2, 3)": lambda x: activations.softmax_grad(
        x, dim=-3
    ),
    "logsumexp needs at least one entry along axis -1, got shape (2, 0)": lambda x: logsumexp(x[:, :0]),
    "log_softmax needs at least one entry along axis -1, got shape ()": lambda x: log_softmax(x[0, 0]),
    "maxout needs x of (..., in), weight of (pieces, out, in) and bias of (pieces, out), "
    "got shapes (2, 3), (4, 3) and (4,)": lambda x: maxout(x, torch.ones(4, 3), torch.ones(4)),
    "maxout_grad needs x of (..., in), weight of (pieces, out, in) and bias of (pieces, out), "
    "got shapes (2, 3), (0, 4, 3) and (0, 4)": lambda x: activations.maxout_grad(
        x, torch.ones(0, 4, 3), torch.ones(0, 4)
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSALS.items(), ids=REFUSALS)
def test_an_error_states_the_law_and_the_value(message, call):
    with pytest.raises((ValueError, TypeError)) as caught:
        call(torch.ones(2, 3))

    assert message == str(caught.value)
