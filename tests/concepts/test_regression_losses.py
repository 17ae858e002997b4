"""Regression losses against torch, scikit-learn, scipy and mpmath."""

import math

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name it goes by everywhere
from scipy import stats
from scipy.special import gammaln
from sklearn import metrics
from torch.testing import assert_close

from dlref import regression_losses as losses

SHAPES = [(), (1,), (7,), (2, 3, 5), (0, 4)]
EXTREMES = [-1e4, -300.0, -1.0, -1e-4, 0.0, 1e-4, 1.0, 300.0, 1e4]

TORCHS = {
    "squared_error": (losses.squared_error, losses.squared_error_grad, F.mse_loss, {}),
    "absolute_error": (losses.absolute_error, losses.absolute_error_grad, F.l1_loss, {}),
    "huber": (losses.huber, losses.huber_grad, F.huber_loss, {}),
    "huber 0.3": (losses.huber, losses.huber_grad, F.huber_loss, {"delta": 0.3}),
    "huber 50": (losses.huber, losses.huber_grad, F.huber_loss, {"delta": 50.0}),
    "smooth_l1": (losses.smooth_l1, losses.smooth_l1_grad, F.smooth_l1_loss, {}),
    "smooth_l1 0.3": (losses.smooth_l1, losses.smooth_l1_grad, F.smooth_l1_loss, {"beta": 0.3}),
    "smooth_l1 50": (losses.smooth_l1, losses.smooth_l1_grad, F.smooth_l1_loss, {"beta": 50.0}),
}
torchs = pytest.mark.parametrize(("value", "gradient", "oracle", "options"), TORCHS.values(), ids=TORCHS)


def slope(oracle, prediction, *others, **options):
    """Differentiate the oracle by the prediction, by torch's own rules."""
    prediction = prediction.clone().requires_grad_()
    return torch.autograd.grad(oracle(prediction, *others, **options).sum(), prediction)[0]


def exactly(function, *columns):
    """Evaluate an mpmath function at 50 digits, element by element, and round once."""
    with mpmath.workdps(50):
        rows = zip(*(np.ravel(column.double().numpy()) for column in columns), strict=True)
        return torch.tensor([float(function(*map(mpmath.mpf, row))) for row in rows], dtype=torch.float64)


@torchs
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients_are_torchs(value, gradient, oracle, options, shape, dtype, device):
    torch.manual_seed(0)
    prediction, target = 3 * torch.randn(2, *shape, dtype=dtype, device=device)

    assert_close(value(prediction, target, **options), oracle(prediction, target, reduction="none", **options))
    expected = slope(oracle, prediction, target, reduction="none", **options)
    assert_close(gradient(prediction, target, **options), expected)


@torchs
def test_extreme_errors_are_torchs(value, gradient, oracle, options, dtype, device):
    prediction = torch.tensor(EXTREMES, dtype=dtype, device=device)
    target = torch.zeros_like(prediction)

    assert_close(value(prediction, target, **options), oracle(prediction, target, reduction="none", **options))
    expected = slope(oracle, prediction, target, reduction="none", **options)
    assert_close(gradient(prediction, target, **options), expected)


@torchs
def test_slopes_at_the_kinks_are_torchs(value, gradient, oracle, options, dtype, device):
    corner = options.get("delta", options.get("beta", 1.0))
    prediction = torch.tensor([-corner, -0.0, 0.0, corner], dtype=dtype, device=device)
    target = torch.zeros_like(prediction)
    expected = slope(oracle, prediction, target, reduction="none", **options)

    assert_close(gradient(prediction, target, **options), expected, rtol=0, atol=0)
    assert_close(slope(value, prediction, target, **options), expected, rtol=1e-6, atol=0)


def test_the_slope_of_an_absolute_error_is_zero_at_its_kink(device):
    prediction = torch.tensor([-2.0, 0.0, 3.0], device=device)

    assert losses.absolute_error_grad(prediction, torch.zeros_like(prediction)).tolist() == [-1.0, 0.0, 1.0]


def test_a_weighted_mean_is_the_callers(device):
    torch.manual_seed(0)
    prediction, target = torch.randn(2, 6, dtype=torch.float64, device=device)
    weight = torch.rand(6, dtype=torch.float64, device=device)
    ours = [
        (weight * each(prediction, target)).sum() / weight.sum()
        for each in (losses.squared_error, losses.absolute_error)
    ]
    columns = target.cpu().numpy(), prediction.cpu().numpy()
    theirs = [
        each(*columns, sample_weight=weight.cpu().numpy())
        for each in (metrics.mean_squared_error, metrics.mean_absolute_error)
    ]

    assert_close(torch.stack(ours).cpu(), torch.tensor(theirs, dtype=torch.float64))


def by_element(metric, prediction, target):
    """Take scikit-learn's metric of one sample with many outputs: the loss of each element."""
    columns = (each.double().cpu().numpy().reshape(1, -1) for each in (target, prediction))
    return torch.from_numpy(metric(*columns, multioutput="raw_values")).reshape(prediction.shape)


def test_percentage_errors_are_scikit_learns(dtype, device):
    torch.manual_seed(0)
    prediction, target = 10 * torch.randn(2, 40, dtype=dtype, device=device)
    expected = by_element(metrics.mean_absolute_percentage_error, prediction, target)

    assert_close(losses.absolute_percentage_error(prediction, target).cpu(), expected.to(dtype))


def test_a_zero_target_divides_by_eps(dtype, device):
    prediction = torch.tensor([0.5, -0.5, 0.0], dtype=dtype, device=device)
    target = torch.zeros_like(prediction)

    assert_close(losses.absolute_percentage_error(prediction, target, eps=0.25).tolist(), [2.0, 2.0, 0.0])
    assert_close(losses.absolute_percentage_error_grad(prediction, target, eps=0.25).tolist(), [4.0, -4.0, 0.0])
    assert_close(losses.absolute_percentage_error(prediction, target).tolist(), [5e6, 5e6, 0.0])


def test_a_negative_target_has_a_positive_percentage(device):
    target = torch.tensor([-4.0], device=device)

    assert losses.absolute_percentage_error(torch.tensor([-5.0], device=device), target).item() == 0.25
    assert losses.absolute_percentage_error_grad(torch.tensor([-5.0], device=device), target).item() == -0.25


def test_logarithmic_errors_are_scikit_learns(dtype, device):
    torch.manual_seed(0)
    prediction, target = torch.rand(2, 40, dtype=dtype, device=device) * torch.logspace(-4, 4, 40, device=device)
    expected = by_element(metrics.mean_squared_log_error, prediction, target)

    assert_close(losses.squared_logarithmic_error(prediction, target).cpu(), expected.to(prediction.dtype))


def test_logarithmic_errors_are_accurate_near_zero_and_minus_one():
    prediction = torch.tensor([1e-6, -1 + 2**-20, 1e4, 1e-30])
    target = torch.tensor([0.0, 5.0, -1 + 2**-20, 0.0])
    value = exactly(lambda p, t: (mpmath.log1p(p) - mpmath.log1p(t)) ** 2, prediction, target)
    gradient = exactly(lambda p, t: 2 * (mpmath.log1p(p) - mpmath.log1p(t)) / (1 + p), prediction, target)

    assert_close(losses.squared_logarithmic_error(prediction, target).double(), value, rtol=1e-5, atol=1e-44)
    assert_close(losses.squared_logarithmic_error_grad(prediction, target).double(), gradient, rtol=1e-5, atol=0)


def test_log_cosh_is_accurate_from_the_smallest_error_to_the_largest(dtype):
    error = torch.cat(
        [torch.logspace(-16, 4, 400, dtype=dtype), torch.tensor([0.0, 10.0, 15.9, 16.0, 36.0, 36.1], dtype=dtype)]
    )
    error = torch.cat([error, -error])
    zero, eps = torch.zeros_like(error), torch.finfo(dtype).eps
    value = exactly(lambda x: mpmath.log(mpmath.cosh(x)), error)
    gradient = exactly(mpmath.tanh, error)

    assert_close(losses.log_cosh(error, zero).double(), value, rtol=8 * eps, atol=0)
    assert_close(losses.log_cosh_grad(error, zero).double(), gradient, rtol=8 * eps, atol=0)
    assert_close(slope(losses.log_cosh, error, zero).double(), gradient, rtol=8 * eps, atol=0)


def test_log_cosh_is_a_line_less_log_2_in_the_tails(device):
    error = torch.tensor([-1e4, 1e4], dtype=torch.float64, device=device)

    assert_close(losses.log_cosh(error, torch.zeros_like(error)), error.abs() - math.log(2), rtol=1e-15, atol=0)


def test_poisson_is_torchs(dtype, device):
    torch.manual_seed(0)
    rate = torch.rand(50, dtype=dtype, device=device) * 10 + 0.1
    count = torch.poisson(rate)
    oracle = {"log_input": False, "full": False, "eps": 0.0, "reduction": "none"}

    assert_close(losses.poisson(rate, count), F.poisson_nll_loss(rate, count, **oracle))
    assert_close(losses.poisson_grad(rate, count), slope(F.poisson_nll_loss, rate, count, **oracle))


def test_poisson_from_log_rate_is_torchs(dtype, device):
    torch.manual_seed(0)
    log_rate = torch.randn(50, dtype=dtype, device=device)
    count = torch.poisson(log_rate.exp())
    oracle = {"log_input": True, "full": False, "reduction": "none"}

    assert_close(losses.poisson_from_log_rate(log_rate, count), F.poisson_nll_loss(log_rate, count, **oracle))
    assert_close(
        losses.poisson_from_log_rate_grad(log_rate, count), slope(F.poisson_nll_loss, log_rate, count, **oracle)
    )


@pytest.mark.parametrize(("rate", "count"), [(0.0, 0), (0.0, 3), (2.5, 0), (2.5, 3), (1e4, 9990), (1e-4, 1)])
def test_poisson_is_the_likelihood_of_a_count(rate, count, device):
    expected = -stats.poisson.logpmf(count, rate) - gammaln(count + 1)
    value = losses.poisson(torch.tensor(rate, dtype=torch.float64, device=device), torch.tensor(count, device=device))

    assert value.item() == pytest.approx(expected, rel=1e-9)


def test_poisson_pulls_a_rate_of_zero_up_only_where_something_was_counted(dtype, device):
    rate, count = torch.zeros(2, dtype=dtype, device=device), torch.tensor([0, 2], device=device)

    assert losses.poisson(rate, count).tolist() == [0.0, math.inf]
    assert losses.poisson_grad(rate, count).tolist() == [1.0, -math.inf]
    assert slope(losses.poisson, rate, count).tolist() == [1.0, -math.inf]


def test_a_log_rate_of_1e4_overflows_as_its_exponential_does(dtype, device):
    log_rate = torch.tensor([-1e4, -1e4, 1e4], dtype=dtype, device=device)
    count = torch.tensor([0, 3, 3], device=device)

    assert losses.poisson_from_log_rate(log_rate, count).tolist() == [0.0, 3e4, math.inf]
    assert losses.poisson_from_log_rate_grad(log_rate, count).tolist() == [0.0, -3.0, math.inf]


@pytest.mark.parametrize(("shape", "dim"), [((5,), -1), ((5,), 0), ((4, 5), -1), ((4, 5), 0), ((2, 3, 4), 1)])
def test_cosine_distances_are_torchs(shape, dim, dtype, device):
    torch.manual_seed(0)
    prediction, target = torch.randn(2, *shape, dtype=dtype, device=device)

    value = losses.cosine_distance(prediction, target, dim=dim)
    assert_close(value, 1 - F.cosine_similarity(prediction, target, dim=dim))
    gradient = losses.cosine_distance_grad(prediction, target, dim=dim)
    assert_close(gradient, -slope(F.cosine_similarity, prediction, target, dim=dim))
    assert_close((gradient * prediction).sum(dim), torch.zeros_like(value), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("left", "right"), [((4, 5), (5,)), ((4, 1, 5), (3, 5)), ((0, 5), (5,))], ids=str)
def test_cosine_distances_broadcast_over_all_other_axes(left, right, device):
    torch.manual_seed(0)
    prediction, target = torch.randn(left, device=device), torch.randn(right, device=device)

    assert_close(losses.cosine_distance(prediction, target), 1 - F.cosine_similarity(prediction, target, dim=-1))


@pytest.mark.parametrize("size", [1e-40, 1e-30, 1e-19, 1.0, 1e19, 1e30, 1e38])
def test_a_cosine_does_not_depend_on_length(size):
    """Squares of 1e30 overflow float32, those of 1e-30 vanish: neither may be taken."""
    prediction = torch.tensor([[3.0, -1.0, 0.5], [1.0, 1.0, 1.0]]) / 3
    target = torch.tensor([[1.0, 2.0, -2.0], [-0.5, 1.0, 0.25]])
    expected = 1 - F.cosine_similarity(prediction.double(), target.double(), dim=-1)
    steep = -slope(F.cosine_similarity, prediction.double(), target.double(), dim=-1)
    rough = {"rtol": 1e-5, "atol": 1e-4 if size < 1e-38 else 1e-6}  # a subnormal number has few digits of its own

    assert_close(losses.cosine_distance(prediction * size, target).double(), expected, **rough)
    assert_close(losses.cosine_distance(prediction, target * size).double(), expected, **rough)
    assert_close(losses.cosine_distance_grad(prediction, target * size).double(), steep, **rough)
    if size >= 1e-38:
        gradient = losses.cosine_distance_grad(prediction * size, target).double() * size
        assert_close(gradient, steep, rtol=1e-5, atol=1e-6)


def test_a_small_angle_does_not_cancel():
    angle = torch.logspace(-6, 0, 30, dtype=torch.float64)
    prediction = torch.stack([torch.ones_like(angle), torch.zeros_like(angle)], dim=-1)
    target = torch.stack([angle.cos(), angle.sin()], dim=-1)

    assert_close(
        losses.cosine_distance(prediction, target), exactly(lambda x: 1 - mpmath.cos(x), angle), rtol=1e-9, atol=0
    )
    expected = exactly(lambda x: -mpmath.sin(x), angle)
    assert_close(losses.cosine_distance_grad(prediction, target)[:, 1], expected, rtol=1e-9, atol=0)


def test_a_zero_vector_is_orthogonal_to_everything_and_pulls_nowhere(dtype, device):
    vectors = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]], dtype=dtype, device=device)
    others = torch.tensor([[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]], dtype=dtype, device=device)
    nothing = torch.zeros_like(vectors)

    assert_close(losses.cosine_distance(vectors, others), 1 - F.cosine_similarity(vectors, others, dim=-1))
    assert_close(losses.cosine_distance_grad(vectors, others), nothing, rtol=0, atol=0)
    assert_close(slope(losses.cosine_distance, vectors, others), nothing, rtol=0, atol=1e-7)


def test_opposite_vectors_are_2_apart(device):
    vector = torch.tensor([[1.0, 2.0], [-3.0, 1e-3]], dtype=torch.float64, device=device)

    assert_close(losses.cosine_distance(vector, -5 * vector), torch.full_like(vector[:, 0], 2))


def test_vectors_without_components_are_zero_vectors(device):
    nothing = torch.empty(3, 0, device=device)

    assert_close(losses.cosine_distance(nothing, nothing), 1 - F.cosine_similarity(nothing, nothing, dim=-1))
    assert losses.cosine_distance_grad(nothing, nothing).shape == (3, 0)


@pytest.mark.parametrize("dim", [2, -3])
def test_an_axis_that_is_not_there_is_refused(dim):
    with pytest.raises(ValueError, match=rf"cosine_distance needs vectors .* along axis {dim}"):
        losses.cosine_distance(torch.ones(2, 3), torch.ones(2, 3), dim=dim)


REFUSALS = {
    "huber needs delta > 0, got -1.0": lambda x: losses.huber(x, x, delta=-1.0),
    "huber_grad needs delta > 0, got 0": lambda x: losses.huber_grad(x, x, delta=0),
    "smooth_l1 needs beta > 0, got 0.0": lambda x: losses.smooth_l1(x, x, beta=0.0),
    "squared_error needs shapes that broadcast, got (3,) and (2,)": lambda x: losses.squared_error(x, x[:2]),
    "poisson needs finite rates >= 0, got -1.0": lambda x: losses.poisson(-x, x),
    "poisson needs finite counts >= 0, got -1.0": lambda x: losses.poisson(x, -x),
    "squared_logarithmic_error needs prediction > -1, got -1.0": lambda x: losses.squared_logarithmic_error(-x, x),
    "log_cosh needs floating predictions, got torch.int64: convert them with .float()": lambda x: losses.log_cosh(
        x.long(), x
    ),
    "log_cosh needs real targets, got float: pass a tensor of real numbers": lambda x: losses.log_cosh(x, 0.0),
}


@pytest.mark.parametrize(("message", "call"), REFUSALS.items(), ids=REFUSALS)
def test_an_error_states_the_law_and_the_value(message, call):
    with pytest.raises((ValueError, TypeError)) as caught:
        call(torch.ones(3))

    assert message == str(caught.value)
