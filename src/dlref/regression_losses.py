"""Losses for a number: how wrong is a prediction, and which way does it pull.

Every function is element-wise, broadcasts as torch does and averages nothing: the caller takes the mean or
weights the elements. Predictions are floating; targets may be of any real dtype and take the prediction's.
An integer prediction is a TypeError, shapes that do not broadcast are a ValueError. `f_grad` is the
derivative of `f` with respect to the prediction, written by hand. Below, `e` is prediction - target.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from dlref._checks import aligned, every, require, vectors
from dlref._types import (
    Counts,
    PerFeature,
    Positive,
    Rates,
    Result,
    Targets,
    TargetsAboveMinusOne,
    TargetVectors,
    Values,
    ValuesAboveMinusOne,
    Vectors,
)


def squared_error(prediction: Values, target: Targets) -> Result:
    r"""Punish a large error much more than a small one; the best constant prediction is the mean.

    `e²`, in the target's units squared. Its mean is the mean squared error (PyTorch's and Keras' MSE). Some
    texts halve it so that the gradient is `e`; this one, like both libraries, does not.

    Reference: Gauss 1809, *Theoria motus*, book 2, section 3.
    """
    return _error("squared_error", prediction, target).square()


def squared_error_grad(prediction: Values, target: Targets) -> Result:
    r"""Pull with twice the error, `2e`: an outlier pulls as hard as it is far away."""
    return 2 * _error("squared_error_grad", prediction, target)


def absolute_error(prediction: Values, target: Targets) -> Result:
    r"""Punish every unit of error alike; the best constant prediction is the median.

    `|e|`, in the target's units. Its mean is the mean absolute error, also called the L1 loss.

    Reference: Laplace 1774, *Mémoire sur la probabilité des causes par les événements*.
    """
    return _error("absolute_error", prediction, target).abs()


def absolute_error_grad(prediction: Values, target: Targets) -> Result:
    r"""Pull with 1 toward the target, however far it is: `sign(e)`, and 0 at the kink `e = 0`, as torch does."""
    return _error("absolute_error_grad", prediction, target).sign()


def absolute_percentage_error(prediction: Values, target: Targets, *, eps: Positive = 1e-7) -> Result:
    r"""Measure the error in units of the target, for quantities that differ by orders of magnitude.

    `|e| / max(|target|, eps)`, a fraction: Keras multiplies by 100, scikit-learn does not.

    `eps` stands in for a target nearer to 0 than it: 1e-7 is Keras', scikit-learn takes 2.2e-16. Either way a target
    of 0 makes the value huge and meaningless.

    Reference: de Myttenaere et al. 2016, Mean absolute percentage error for regression models.

    Raises
    ------
    ValueError
        If `eps` is not above 0.

    """
    error = _error("absolute_percentage_error", prediction, target)
    require(eps > 0, "absolute_percentage_error needs eps > 0, got {}", eps)
    return error.abs() / target.to(error.dtype).abs().clamp(min=eps)


def absolute_percentage_error_grad(prediction: Values, target: Targets, *, eps: Positive = 1e-7) -> Result:
    r"""Pull harder on small targets: `sign(e) / max(|target|, eps)`, and 0 at `e = 0`, as torch does."""
    error = _error("absolute_percentage_error_grad", prediction, target)
    require(eps > 0, "absolute_percentage_error_grad needs eps > 0, got {}", eps)
    return error.sign() / target.to(error.dtype).abs().clamp(min=eps)


def squared_logarithmic_error(prediction: ValuesAboveMinusOne, target: TargetsAboveMinusOne) -> Result:
    r"""Compare orders of magnitude: a small error at a large target costs its relative square; too low costs more.

    `(log(1 + prediction) - log(1 + target))²`, without a unit. Its mean is the MSLE.

    Reference: scikit-learn, `mean_squared_log_error`.

    Raises
    ------
    ValueError
        If a prediction or a target is not above -1. Keras moves it up to its epsilon in silence.

    """
    prediction, target = _above_minus_one("squared_logarithmic_error", prediction, target)
    return (prediction.log1p() - target.log1p()).square()


def squared_logarithmic_error_grad(prediction: ValuesAboveMinusOne, target: TargetsAboveMinusOne) -> Result:
    r"""Pull with `2 (log(1 + prediction) - log(1 + target)) / (1 + prediction)`."""
    prediction, target = _above_minus_one("squared_logarithmic_error_grad", prediction, target)
    return 2 * (prediction.log1p() - target.log1p()) / (1 + prediction)


def huber(prediction: Values, target: Targets, *, delta: Positive = 1.0) -> Result:
    r"""Quadratic near zero, linear in the tails, so that one outlier cannot own the gradient.

    `e² / 2` while `|e| <= delta`, and `delta (|e| - delta / 2)` past it; value and slope meet there.

    `delta` is the error at which the parabola turns into a line, in the target's units: 1 in PyTorch and Keras.

    Reference: Huber 1964, Robust estimation of a location parameter.

    Raises
    ------
    ValueError
        If `delta` is not above 0.

    """
    size = _error("huber", prediction, target).abs()
    require(delta > 0, "huber needs delta > 0, got {}", delta)
    core = size.clamp(max=delta)  # the quadratic share of the error; what is left over is linear
    return core * (size - core / 2)


def huber_grad(prediction: Values, target: Targets, *, delta: Positive = 1.0) -> Result:
    r"""Pull with the error, clipped to `[-delta, delta]`."""
    error = _error("huber_grad", prediction, target)
    require(delta > 0, "huber_grad needs delta > 0, got {}", delta)
    return error.clamp(-delta, delta)


def smooth_l1(prediction: Values, target: Targets, *, beta: Positive = 1.0) -> Result:
    r"""Be the absolute error with its kink rounded off: `huber` with `delta = beta`, divided by `beta`.

    `e² / (2 beta)` while `|e| <= beta`, and `|e| - beta / 2` past it. The tails keep slope 1 whatever `beta` is;
    Huber's have slope `delta`. Fast R-CNN's loss has `beta` = 1, where the two are one.

    `beta` is the error at which the parabola turns into a line, in the target's units: 1 in PyTorch.

    Reference: Girshick 2015, Fast R-CNN.

    Raises
    ------
    ValueError
        If `beta` is not above 0. PyTorch takes 0 for the absolute error: here, call `absolute_error`.

    """
    size = _error("smooth_l1", prediction, target).abs()
    require(beta > 0, "smooth_l1 needs beta > 0, got {}", beta)
    core = size.clamp(max=beta)
    return core / beta * (size - core / 2)


def smooth_l1_grad(prediction: Values, target: Targets, *, beta: Positive = 1.0) -> Result:
    r"""Pull with the error in units of `beta`, clipped to `[-1, 1]`."""
    error = _error("smooth_l1_grad", prediction, target)
    require(beta > 0, "smooth_l1_grad needs beta > 0, got {}", beta)
    return (error / beta).clamp(-1, 1)


def log_cosh(prediction: Values, target: Targets) -> Result:
    r"""Do what Huber does without a kink in the slope: about `e² / 2` near zero, `|e| - log 2` in the tails.

    `log(cosh(e))`. The textbook form overflows from `|e|` = 90 on in float32, and near zero it takes the logarithm of
    a number rounded to 1.

    Reference: Saleh & Saleh 2022, Statistical properties of the log-cosh loss function used in machine learning.
    """
    size = _error("log_cosh", prediction, target).abs()
    limit = -math.log(torch.finfo(size.dtype).eps)  # past it, log cosh grows just as |e| does
    core = size.clamp(max=limit)
    return (2 * (core / 2).sinh().square()).log1p() + (size - limit).relu()  # cosh x = 1 + 2 sinh²(x / 2), exact near 0


def log_cosh_grad(prediction: Values, target: Targets) -> Result:
    r"""Pull with `tanh(e)`: the error near zero, 1 far away."""
    return _error("log_cosh_grad", prediction, target).tanh()


def poisson(prediction: Rates, target: Counts) -> Result:
    r"""Fit a rate to counts: the negative log-likelihood of the count `target` under the rate `prediction`.

    `λ - y log λ`, without the constant `log y!`. A rate of 0 is right for a count of 0 (the value is 0) and impossible
    for any other (it is infinite). PyTorch, told `log_input=False`, and Keras add an epsilon to the rate instead.

    Reference: Nelder & Wedderburn 1972, Generalized linear models.

    Raises
    ------
    ValueError
        If a rate or a count is below 0, or infinite.

    """
    rate, count = _counted("poisson", prediction, target)
    return rate - count * _rate_where_counted(rate, count).log()


def poisson_grad(prediction: Rates, target: Counts) -> Result:
    r"""Pull with `1 - y / λ`; at `λ = y = 0` with 1, the slope from the right."""
    rate, count = _counted("poisson_grad", prediction, target)
    return 1 - count / _rate_where_counted(rate, count)


def poisson_from_log_rate(prediction: Values, target: Counts) -> Result:
    r"""Fit a rate to counts when the model's output is the logarithm of the rate, and so may be any number.

    `exp(z) - y z`, without the constant `log y!`. It is PyTorch's default, `log_input=True`, and overflows to infinity,
    truly so, from `z` = 89 on in float32.

    Reference: Nelder & Wedderburn 1972, Generalized linear models.

    Raises
    ------
    ValueError
        If a count is below 0, or infinite.

    """
    log_rate, count = _log_counted("poisson_from_log_rate", prediction, target)
    return log_rate.exp() - count * log_rate


def poisson_from_log_rate_grad(prediction: Values, target: Counts) -> Result:
    r"""Pull with `exp(z) - y`: the rate minus the count."""
    log_rate, count = _log_counted("poisson_from_log_rate_grad", prediction, target)
    return log_rate.exp() - count


def cosine_distance(prediction: Vectors, target: TargetVectors, *, dim: int = -1) -> Float[Tensor, "..."]:
    r"""Compare directions and ignore lengths, as embeddings want it.

    `1 - cos(prediction, target)`: 0 for parallel vectors, 1 for orthogonal, 2 for opposite. A zero vector has no
    direction: its distance is 1, as in PyTorch, and its gradient 0 (PyTorch's is 1e8 long there, from an eps).
    Keras' `CosineSimilarity` is the negative cosine, one less than this. `dim` is the axis along which the vectors lie.

    Reference: Salton, Wong & Yang 1975, A vector space model for automatic indexing.

    Raises
    ------
    ValueError
        If the vectors differ in length, or there is no axis `dim`.

    """
    prediction, target = vectors("cosine_distance", prediction, target, dim)
    return _cosine_parts(prediction, target, dim)[0].squeeze(dim)


def cosine_distance_grad(prediction: Vectors, target: TargetVectors, *, dim: int = -1) -> PerFeature:
    r"""Turn the prediction toward the target: `(cos p̂ - t̂) / ‖prediction‖`, orthogonal to the prediction."""
    prediction, target = vectors("cosine_distance_grad", prediction, target, dim)
    distance, unit, gap, length = _cosine_parts(prediction, target, dim)
    return (gap - distance * unit) / length  # gap - distance unit = cos unit - target's unit, without its cancellation


def _error(function: str, prediction: Tensor, target: Tensor) -> Tensor:
    prediction, target = aligned(function, prediction, target)
    return prediction - target


def _above_minus_one(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    prediction, target = aligned(function, prediction, target)
    every(prediction > -1, f"{function} needs prediction > -1", prediction)
    every(target > -1, f"{function} needs target > -1", target)
    return prediction, target


def _log_counted(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    prediction, target = aligned(function, prediction, target)
    every((target >= 0) & (target < math.inf), f"{function} needs finite counts >= 0", target)
    return prediction, target


def _counted(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    rate, count = _log_counted(function, prediction, target)
    every((rate >= 0) & (rate < math.inf), f"{function} needs finite rates >= 0", rate)
    return rate, count


def _rate_where_counted(rate: Tensor, count: Tensor) -> Tensor:
    # Where nothing was counted the logarithm is multiplied by 0: any rate but 0 spares it 0 * -inf.
    return torch.where(count > 0, rate, 1)


def _direction(vector: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    # Divided by its largest entry first, so that no square overflows; a zero vector has direction 0 and length inf.
    largest = vector.detach().abs().amax(dim, keepdim=True) if vector.shape[dim] else vector.sum(dim, keepdim=True)
    scale = largest.masked_fill(largest == 0, math.inf)
    norm = torch.linalg.vector_norm(vector / scale, dim=dim, keepdim=True).clamp(min=1)
    return vector / scale / norm, scale * norm


def _cosine_parts(prediction: Tensor, target: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    (unit, length), (target_unit, _) = _direction(prediction, dim), _direction(target, dim)
    gap = unit - target_unit  # 1 - cos is half its square: exact for nearly parallel vectors, where 1 - cos cancels
    missing = (unit == 0).all(dim, keepdim=True).to(gap) + (target_unit == 0).all(dim, keepdim=True).to(gap)
    distance = (gap.square().sum(dim, keepdim=True) + missing) / 2
    return distance, unit, gap, length
