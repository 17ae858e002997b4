"""Classification losses against torch, scikit-learn, scipy, mpmath and Keras' documented formulas."""

import math

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  the name it goes by everywhere
from scipy.special import rel_entr
from sklearn import metrics
from torch.testing import assert_close

from dlref import classification_losses as losses

EXTREMES = [-1e4, -300.0, -88.0, -20.0, -1.0, -1e-4, 0.0, 1e-4, 1.0, 20.0, 88.0, 300.0, 1e4]
BATCHES = [(), (1,), (6,), (2, 3), (0, 2)]
batches = pytest.mark.parametrize("batch", BATCHES, ids=str)


def slope(oracle, prediction, *others, **options):
    """Differentiate the oracle by the prediction, by torch's own rules."""
    prediction = prediction.clone().requires_grad_()
    return torch.autograd.grad(oracle(prediction, *others, **options).sum(), prediction)[0]


def exactly(function, *columns):
    """Evaluate an mpmath function at 60 digits, element by element, and round once."""
    with mpmath.workdps(60):
        rows = zip(*(np.ravel(column.double().numpy()) for column in columns), strict=True)
        return torch.tensor([float(function(*map(mpmath.mpf, row))) for row in rows], dtype=torch.float64)


def grid(*columns, dtype, device="cpu"):
    """Pair every number of one column with every number of the others."""
    return [
        each.to(device) for each in torch.cartesian_prod(*(torch.tensor(column, dtype=dtype) for column in columns)).T
    ]


def test_binary_cross_entropy_is_torchs(dtype, device):
    torch.manual_seed(0)
    probability, target = torch.rand(2, 4, 50, dtype=dtype, device=device) * 0.998 + 0.001
    expected = slope(F.binary_cross_entropy, probability, target, reduction="none")

    assert_close(
        losses.binary_cross_entropy(probability, target), F.binary_cross_entropy(probability, target, reduction="none")
    )
    assert_close(losses.binary_cross_entropy_grad(probability, target), expected)


def test_a_certain_prediction_costs_what_torch_charges(dtype, device):
    """The true value of a certain mistake is infinite; torch's is 100, and its gradient ±1e12."""
    edges = [0.0, 1e-44, 1e-30, 1e-13, 1e-7, 1 - 2**-24, 1.0]
    probability, target = grid(edges, [0.0, 0.3, 1.0], dtype=dtype, device=device)
    expected = slope(F.binary_cross_entropy, probability, target, reduction="none")

    assert_close(
        losses.binary_cross_entropy(probability, target), F.binary_cross_entropy(probability, target, reduction="none")
    )
    assert_close(losses.binary_cross_entropy_grad(probability, target), expected)
    assert slope(losses.binary_cross_entropy, probability, target).isfinite().all()


def test_a_certain_mistake_costs_100(dtype, device):
    probability, target = grid([0.0, 1.0], [0.0, 1.0], dtype=dtype, device=device)

    assert losses.binary_cross_entropy(probability, target).tolist() == [0.0, 100.0, 100.0, 0.0]


def test_a_small_probability_is_not_rounded_away():
    probability = torch.tensor([1e-9, 1e-20])

    assert_close(losses.binary_cross_entropy(probability, torch.zeros(2)), probability, rtol=1e-6, atol=0)


def test_the_textbook_form_is_nan_where_this_one_is_not():
    probability, target = torch.tensor([1.0]), torch.tensor([1.0])
    textbook = -(target * probability.log() + (1 - target) * (1 - probability).log())

    assert textbook.isnan()
    assert losses.binary_cross_entropy(probability, target).item() == 0


def test_binary_cross_entropy_with_logits_is_torchs(dtype, device):
    logit, target = grid(EXTREMES, [0.0, 0.1, 0.5, 0.9, 1.0], dtype=dtype, device=device)
    oracle = F.binary_cross_entropy_with_logits

    assert_close(losses.binary_cross_entropy_with_logits(logit, target), oracle(logit, target, reduction="none"))
    expected = slope(oracle, logit, target, reduction="none")
    assert_close(losses.binary_cross_entropy_with_logits_grad(logit, target), expected)
    assert_close(slope(losses.binary_cross_entropy_with_logits, logit, target), expected)


def test_the_logits_form_keeps_the_tail(dtype):
    logit, target = grid(EXTREMES, [0.0, 1.0], dtype=dtype)
    expected = exactly(lambda z, y: mpmath.log1p(mpmath.exp(-z if y else z)), logit, target)

    assert_close(
        losses.binary_cross_entropy_with_logits(logit, target).double(),
        expected,
        rtol=8 * torch.finfo(dtype).eps,
        atol=torch.finfo(dtype).tiny,
    )


def test_from_logits_and_from_probabilities_is_one_loss(device):
    logit, target = grid([-9.0, -1.0, 0.0, 2.0, 9.0], [0.0, 0.4, 1.0], dtype=torch.float64, device=device)

    assert_close(
        losses.binary_cross_entropy_with_logits(logit, target), losses.binary_cross_entropy(logit.sigmoid(), target)
    )


def per_example(oracle, scores, target, **options):
    """Call a torch loss that wants the classes on axis 1, and one batch axis, with classes on the last axis."""
    flat = target.reshape(-1, *target.shape[scores.ndim - 1 :])
    rows = scores.reshape(-1, scores.shape[-1])
    return oracle(rows, flat, reduction="none", **options).reshape(scores.shape[:-1])


@batches
def test_cross_entropy_is_torchs(batch, dtype, device):
    torch.manual_seed(0)
    logits, target = 5 * torch.randn(2, *batch, 7, dtype=dtype, device=device)
    target = target.softmax(-1)

    assert_close(losses.cross_entropy(logits, target), per_example(F.cross_entropy, logits, target))
    expected = slope(lambda z: per_example(F.cross_entropy, z, target), logits)
    assert_close(losses.cross_entropy_grad(logits, target), expected)


@batches
def test_sparse_cross_entropy_is_torchs(batch, dtype, device):
    torch.manual_seed(0)
    logits = 5 * torch.randn(*batch, 7, dtype=dtype, device=device)
    index = torch.randint(7, batch, device=device)

    assert_close(losses.sparse_cross_entropy(logits, index), per_example(F.cross_entropy, logits, index))
    expected = slope(lambda z: per_example(F.cross_entropy, z, index), logits)
    assert_close(losses.sparse_cross_entropy_grad(logits, index), expected)


@pytest.mark.parametrize("whole", [torch.int8, torch.uint8, torch.int32, torch.int64], ids=str)
def test_an_index_may_be_any_whole_number(whole, device):
    logits = torch.randn(3, 4, device=device)
    index = torch.tensor([0, 3, 1], device=device)

    assert_close(losses.sparse_cross_entropy(logits, index.to(whole)), F.cross_entropy(logits, index, reduction="none"))


def test_cross_entropy_of_huge_logits_is_torchs(dtype, device):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [1e4, 1e4, 1e4]], dtype=dtype, device=device)
    target = torch.tensor([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], dtype=dtype, device=device)

    assert_close(losses.cross_entropy(logits, target), F.cross_entropy(logits, target, reduction="none"))
    assert_close(losses.cross_entropy_grad(logits, target), slope(F.cross_entropy, logits, target, reduction="none"))


def test_a_constant_added_to_all_logits_changes_nothing(device):
    torch.manual_seed(0)
    logits = torch.randn(4, 5, dtype=torch.float64, device=device)
    target = torch.randn(4, 5, dtype=torch.float64, device=device).softmax(-1)

    assert_close(losses.cross_entropy(logits + 123, target), losses.cross_entropy(logits, target))
    assert_close(losses.cross_entropy_grad(logits, target).sum(-1), torch.zeros(4, dtype=torch.float64, device=device))


@pytest.mark.parametrize("floating", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_a_softmax_over_many_classes_counts_as_a_distribution(floating):
    """Rounding must not make a target illegal, in any dtype."""
    torch.manual_seed(0)
    target = (3 * torch.randn(20, 10_000)).softmax(-1).to(floating)

    assert losses.cross_entropy(torch.randn(20, 10_000), target).isfinite().all()


@pytest.mark.parametrize("total", [0.99, 1.001, 2.0])
def test_a_target_that_is_no_distribution_is_refused(total, dtype):
    target = torch.full((2, 4), total / 4, dtype=dtype)
    with pytest.raises(ValueError, match="cross_entropy needs target to sum to 1 over the last axis, got"):
        losses.cross_entropy(torch.zeros(2, 4, dtype=dtype), target)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
def test_smoothed_labels_are_torchs(epsilon, dtype, device):
    torch.manual_seed(0)
    logits, index = torch.randn(6, 5, dtype=dtype, device=device), torch.randint(5, (6,), device=device)
    target = losses.smooth_labels(F.one_hot(index, 5).to(dtype), epsilon=epsilon)

    expected = F.cross_entropy(logits, index, reduction="none", label_smoothing=epsilon)
    assert_close(losses.cross_entropy(logits, target), expected)


def test_smoothing_whole_numbers_gives_floats():
    assert_close(losses.smooth_labels(torch.tensor([0, 1, 0, 0]), epsilon=0.2), torch.tensor([0.05, 0.85, 0.05, 0.05]))


@batches
def test_kl_divergence_is_torchs_and_scipys(batch, dtype, device):
    torch.manual_seed(0)
    prediction, target = torch.randn(2, *batch, 7, dtype=dtype, device=device).softmax(-1)

    def torchs(prediction):
        return F.kl_div(prediction.log(), target, reduction="none").sum(-1)

    scipys = rel_entr(target.double().cpu().numpy(), prediction.double().cpu().numpy()).sum(-1)
    value = losses.kl_divergence(prediction, target)
    assert_close(value, torchs(prediction))
    assert_close(value.cpu().double(), torch.as_tensor(scipys), rtol=1e-4, atol=1e-6)
    assert_close(losses.kl_divergence_grad(prediction, target), slope(torchs, prediction))


def test_kl_divergence_with_zeros_is_scipys(dtype, device):
    prediction = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]], dtype=dtype, device=device)
    target = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], dtype=dtype, device=device)
    expected = rel_entr(target.double().cpu().numpy(), prediction.double().cpu().numpy()).sum(-1)

    assert_close(losses.kl_divergence(prediction, target).cpu().double(), torch.from_numpy(expected), rtol=1e-6, atol=0)
    steep = [[-2.0, 0.0, 0.0], [-1.0, -math.inf, 0.0], [0.0, 0.0, -1.0]]
    assert losses.kl_divergence_grad(prediction, target).tolist() == steep
    assert slope(losses.kl_divergence, prediction, target).tolist() == steep


def test_kl_divergence_is_cross_entropy_less_entropy(device):
    torch.manual_seed(0)
    logits, target = torch.randn(2, 4, 5, dtype=torch.float64, device=device)
    target = target.softmax(-1)
    entropy = losses.cross_entropy(target.log(), target)

    assert_close(losses.kl_divergence(logits.softmax(-1), target), losses.cross_entropy(logits, target) - entropy)
    assert_close(losses.kl_divergence(target, target), torch.zeros_like(entropy), rtol=0, atol=0)


def torch_hinge(score, sign):
    """Be torch's hinge: the embedding loss of a dissimilar pair at distance y s."""
    return F.hinge_embedding_loss(sign * score, -torch.ones_like(score), margin=1.0, reduction="none")


def torch_squared_hinge(score, sign):
    """Be torch's margin loss with p = 2, of two classes whose scores differ by s; torch halves it for two classes."""
    flat = score.reshape(-1)
    two = torch.stack([-flat, flat], dim=-1) / 2
    return 2 * F.multi_margin_loss(two, (sign.reshape(-1) > 0).long(), p=2, reduction="none").reshape(score.shape)


HINGES = {
    "hinge": (losses.hinge, losses.hinge_grad, torch_hinge),
    "squared_hinge": (losses.squared_hinge, losses.squared_hinge_grad, torch_squared_hinge),
}
hinges = pytest.mark.parametrize(("value", "gradient", "oracle"), HINGES.values(), ids=HINGES)


@hinges
def test_hinges_are_torchs(value, gradient, oracle, dtype, device):
    """The margin itself, y s = 1, is among the points: there the subgradient is torch's too."""
    score, sign = grid([*EXTREMES, -0.5, 0.5, 1.5], [-1.0, 1.0], dtype=dtype, device=device)

    assert_close(value(score, sign), oracle(score, sign))
    assert_close(gradient(score, sign), slope(oracle, score, sign))
    assert_close(slope(value, score, sign), slope(oracle, score, sign))


def test_at_the_margin_a_hinge_still_pulls(device):
    score = torch.tensor([1.0, -1.0], device=device)

    assert losses.hinge_grad(score, score).tolist() == [-1.0, 1.0]


def test_the_mean_hinge_is_scikit_learns(device):
    torch.manual_seed(0)
    score = torch.randn(30, dtype=torch.float64, device=device)
    sign = torch.where(torch.rand(30, device=device) < 0.5, -1, 1)
    expected = metrics.hinge_loss(sign.cpu().numpy(), score.cpu().numpy())

    assert losses.hinge(score, sign).mean().item() == pytest.approx(expected, rel=1e-12)


def keras_categorical_hinge(scores, target):
    """Be Keras' documented formula: maximum(neg - pos + 1, 0), neg = max((1 - y) s), pos = sum(y s)."""
    return ((1.0 - target) * scores).amax(-1).sub((target * scores).sum(-1)).add(1.0).clamp(min=0.0)


@batches
def test_categorical_hinge_is_keras_formula(batch, dtype, device):
    torch.manual_seed(0)
    scores = 2 * torch.randn(*batch, 6, dtype=dtype, device=device)
    target = F.one_hot(torch.randint(6, batch, device=device), 6)
    columns = scores.cpu().numpy(), target.cpu().numpy()
    numpys = np.maximum(
        np.max((1 - columns[1]) * columns[0], axis=-1) - np.sum(columns[1] * columns[0], axis=-1) + 1, 0
    )

    assert_close(losses.categorical_hinge(scores, target).cpu(), torch.as_tensor(numpys, dtype=dtype))
    assert_close(losses.categorical_hinge_grad(scores, target), slope(keras_categorical_hinge, scores, target))


KERAS_KINKS = [
    ([0.0, 0.0, 0.0], "all scores tie with the masked 0"),
    ([3.0, 2.0, 2.0], "two rivals tie just at the margin"),
    ([0.5, 2.0, 2.0], "two rivals tie inside it"),
    ([3.0, 2.0, 1.0], "the margin is just met"),
    ([4.0, 2.0, 1.0], "the margin is more than met"),
    ([-1.0, -2.0, -3.0], "the masked 0 is the strongest rival"),
    ([1.0, -2.0, -3.0], "the masked 0 is the strongest rival, just at the margin"),
]


@pytest.mark.parametrize("scores", [scores for scores, _ in KERAS_KINKS], ids=[why for _, why in KERAS_KINKS])
def test_categorical_hinge_at_its_kinks_is_torchs(scores, dtype, device):
    scores = torch.tensor([scores], dtype=dtype, device=device)
    target = torch.tensor([[1, 0, 0]], device=device)

    assert_close(losses.categorical_hinge_grad(scores, target), slope(keras_categorical_hinge, scores, target))
    assert_close(slope(losses.categorical_hinge, scores, target), slope(keras_categorical_hinge, scores, target))


def test_keras_lets_the_right_class_compete_as_a_zero(device):
    scores, target = torch.tensor([-1.0, -2.0, -3.0], device=device), torch.tensor([1, 0, 0], device=device)

    assert losses.categorical_hinge(scores, target).item() == 2.0
    assert losses.categorical_hinge(scores + 10, target).item() == 0.0
    assert losses.multiclass_hinge(scores, torch.tensor(0, device=device)).item() == 0.0


@batches
@pytest.mark.parametrize("margin", [0, 0.5, 1.0, 3.0])
def test_multiclass_hinge_is_torchs(batch, margin, dtype, device):
    torch.manual_seed(0)
    scores = torch.randn(*batch, 6, dtype=dtype, device=device)
    index = torch.randint(6, batch, device=device)

    def torchs(scores):
        return 6 * per_example(F.multi_margin_loss, scores, index, margin=margin)

    assert_close(losses.multiclass_hinge(scores, index, margin=margin), torchs(scores))
    assert_close(losses.multiclass_hinge_grad(scores, index, margin=margin), slope(torchs, scores))


@pytest.mark.parametrize("scores", [[3.0, 2.0, 2.0], [0.0, 0.0, 0.0], [1e4, -1e4, 1e4 - 1], [-1e4, 1e4, 0.0]], ids=str)
def test_multiclass_hinge_at_its_kinks_is_torchs(scores, dtype, device):
    scores, index = torch.tensor([scores], dtype=dtype, device=device), torch.tensor([0], device=device)

    def torchs(scores):
        return 3 * F.multi_margin_loss(scores, index, reduction="none")

    assert_close(losses.multiclass_hinge(scores, index), torchs(scores))
    assert_close(losses.multiclass_hinge_grad(scores, index), slope(torchs, scores))
    assert_close(slope(losses.multiclass_hinge, scores, index), slope(torchs, scores))


def test_multiclass_hinge_of_cs231ns_example(device):
    """The course notes work it by hand: a cat, a car and a frog cost 2.9, 0 and 12.9."""
    scores = torch.tensor([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], dtype=torch.float64, device=device)
    expected = torch.tensor([2.9, 0.0, 12.9], dtype=torch.float64, device=device)

    assert_close(losses.multiclass_hinge(scores, torch.arange(3, device=device)), expected)


def test_exponential_is_the_closed_form(dtype):
    score, sign = grid([-80.0, -1.0, -1e-4, 0.0, 0.5, 80.0], [-1.0, 1.0], dtype=dtype)
    rough = {"rtol": 8 * torch.finfo(dtype).eps, "atol": 0.0}

    value, gradient = losses.exponential(score, sign), losses.exponential_grad(score, sign)
    assert_close(value.double(), exactly(lambda s, y: mpmath.exp(-y * s), score, sign), **rough)
    assert_close(gradient.double(), exactly(lambda s, y: -y * mpmath.exp(-y * s), score, sign), **rough)


def test_exponential_overflows_only_where_the_truth_does(dtype, device):
    score = torch.tensor([-1e4, 1e4], dtype=dtype, device=device)

    assert losses.exponential(score, torch.ones_like(score)).tolist() == [math.inf, 0.0]
    assert losses.exponential_grad(score, torch.ones_like(score)).tolist() == [-math.inf, 0.0]


def lins_focal(gamma):
    """Return the paper's formula, -(1 - p_t)^γ log(p_t), as a function of logit and label."""

    def focal(z, y):
        p = 1 / (1 + mpmath.exp(-z if y else z))
        q = 1 / (1 + mpmath.exp(z if y else -z))
        return -(q**gamma) * (mpmath.log(p) if p < 0.5 else mpmath.log1p(-q))

    return focal


@pytest.mark.parametrize("gamma", [0, 0.5, 1.0, 2.0, 5.0])
def test_focal_is_the_papers(gamma, dtype):
    logit, target = grid(EXTREMES, [0.0, 1.0], dtype=dtype)
    tiny, eps = torch.finfo(dtype).tiny, torch.finfo(dtype).eps
    formula = lins_focal(gamma)
    rough = {"rtol": 1000 * eps, "atol": 10 * tiny}  # exp(γ log q) multiplies the rounding of its exponent

    assert_close(losses.focal(logit, target, gamma=gamma).double(), exactly(formula, logit, target), **rough)
    with mpmath.workdps(60):
        steep = exactly(lambda z, y: mpmath.diff(lambda t: formula(t, y), z, h=mpmath.mpf(10) ** -25), logit, target)
    assert_close(losses.focal_grad(logit, target, gamma=gamma).double(), steep, **rough)
    assert_close(slope(losses.focal, logit, target, gamma=gamma).double(), steep, **rough)


def test_focal_with_gamma_0_is_binary_cross_entropy(dtype, device):
    logit, target = grid(EXTREMES, [0.0, 1.0], dtype=dtype, device=device)
    oracle = F.binary_cross_entropy_with_logits

    assert_close(losses.focal(logit, target, gamma=0), oracle(logit, target, reduction="none"))
    assert_close(losses.focal_grad(logit, target, gamma=0), slope(oracle, logit, target, reduction="none"))


REFUSALS = {
    "hinge needs sign in {-1, 1}, got 0.0: map labels 0 and 1 with 2 * label - 1": lambda x: losses.hinge(x, 0 * x),
    "focal needs target in {0, 1}, got 0.5": lambda x: losses.focal(x, x / 2),
    "focal needs a finite gamma >= 0, got -2": lambda x: losses.focal(x, x, gamma=-2),
    "multiclass_hinge needs a finite margin >= 0, got -1.0": lambda x: losses.multiclass_hinge(
        x, torch.tensor(0), margin=-1.0
    ),
    "sparse_cross_entropy needs 0 <= index < 3, got 3": lambda x: losses.sparse_cross_entropy(x, torch.tensor(3)),
    "sparse_cross_entropy needs 0 <= index < 3, got -100": lambda x: losses.sparse_cross_entropy(x, torch.tensor(-100)),
    "sparse_cross_entropy needs one index per row, got scores of shape (3,) and an index of shape (2,)": lambda x: (
        losses.sparse_cross_entropy(x, torch.tensor([0, 1]))
    ),
    "sparse_cross_entropy needs whole numbers as index, got torch.float32: convert it with .long()": lambda x: (
        losses.sparse_cross_entropy(x, torch.tensor(1.0))
    ),
    "binary_cross_entropy needs probability in [0, 1], got 2.0: for logits there is binary_cross_entropy_with_logits": (
        lambda x: losses.binary_cross_entropy(2 * x, x)
    ),
    "cross_entropy needs target to sum to 1 over the last axis, got 3.0: divide it by its sum": lambda x: (
        losses.cross_entropy(x, x)
    ),
    "cross_entropy needs vectors of one length along axis -1, got shapes (3,) and (1,)": lambda x: losses.cross_entropy(
        x, x[:1]
    ),
    "categorical_hinge needs a one-hot target with a single 1, got 3.0": lambda x: losses.categorical_hinge(x, x),
    "smooth_labels needs epsilon in [0, 1], got 1.5": lambda x: losses.smooth_labels(x, epsilon=1.5),
    "smooth_labels needs target with an axis of classes, got a single number": lambda x: losses.smooth_labels(
        x[0], epsilon=0.1
    ),
}


@pytest.mark.parametrize(("message", "call"), REFUSALS.items(), ids=REFUSALS)
def test_an_error_states_the_law_and_the_value(message, call):
    with pytest.raises((ValueError, TypeError)) as caught:
        call(torch.ones(3))

    assert message == str(caught.value)
