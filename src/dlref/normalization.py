"""Normalization: subtract a mean, divide by a standard deviation, then let the network choose both anew.

The functions differ in one thing only, which values share a mean: those of a channel in the whole batch (`batch_norm`),
those of an example (`layer_norm`), of a channel of an example (`instance_norm`), of a group of channels of an example
(`group_norm`). `rms_norm` takes no mean away. Channels lie on axis 1, features on the last axis; `gamma` and `beta`
hold one number for each. All tensors are floating; half precision is computed in float32. `f_grad` takes the gradient
that comes from above, `upstream`, of the shape of y, then the arguments of `f`, and is written by hand.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributed import ProcessGroup, get_world_size

from dlref._checks import every, require, weighted
from dlref._ranks import over_ranks
from dlref._types import (
    ChannelWeights,
    DividesChannels,
    Features,
    FeatureWeights,
    Kernel,
    Maps,
    NonNegative,
    Pull,
    Share,
    Variances,
)

Map = Callable[[Tensor], Tensor]


class BatchNorm(NamedTuple):
    """What `batch_norm` gives: the normalized values, and the running values to pass to the next call."""

    y: Maps
    running_mean: ChannelWeights
    running_var: ChannelWeights


class Gradients(NamedTuple):
    """The gradient of a loss by x, gamma and beta, each in its shape."""

    dx: Pull
    dgamma: Pull
    dbeta: Pull


class RmsGradients(NamedTuple):
    """The gradient of a loss by x and gamma: `rms_norm` has no beta."""

    dx: Pull
    dgamma: Pull


class Folded(NamedTuple):
    """The layer that does alone what a layer and the batch norm behind it did."""

    weight: Kernel
    bias: ChannelWeights


def batch_norm(
    x: Maps,
    gamma: ChannelWeights,
    beta: ChannelWeights,
    running_mean: ChannelWeights | None = None,
    running_var: Variances | None = None,
    *,
    training: bool = True,
    momentum: Share = 0.1,
    eps: NonNegative = 1e-5,
    group: ProcessGroup | None = None,
) -> BatchNorm:
    r"""Give every channel the mean `beta` and the standard deviation `gamma`, measured over the batch.

    `y = gamma (x - mean) / √(var + eps) + beta`, for x of N×C or N×C×H×W: one mean and one variance per channel, over
    all other axes. In training they are the batch's, so y depends on the other examples; otherwise they are the
    running values, and each example stands alone.

    The running values are returned new, never written in place. In training each goes the share `momentum` of the way
    to the batch's value: 0.1 as in PyTorch; Keras' momentum is the share that stays, 0.99. The variance that normalizes
    divides by the count, the one that is remembered by the count less 1, as in PyTorch. Without running values they
    start at 0 and 1. With `eps` = 0 a constant channel is 0 / 0, nan.

    With `group`, a process group of `torch.distributed`, the batch is the rows of all its ranks, and so are the running
    values; a rank may hold no rows.

    Reference: Ioffe & Szegedy 2015, Batch normalization: accelerating deep network training by reducing internal
    covariate shift.

    Raises
    ------
    ValueError
        If a channel has fewer than two values in training: a single one is its own mean, and y is beta whatever x is.
        If there are no running values and `training` is False. If `momentum` is not in [0, 1], or `eps` or a running
        variance below 0 or infinite.

    """
    weights = gamma, beta, running_mean, running_var
    dtype, (x,), (scale, shift, *running) = _fitted("batch_norm", 1, [x], weights, eps)
    old_mean, old_var = _started("batch_norm", scale, *running, training=training)
    require(0 <= momentum <= 1, "batch_norm needs momentum in [0, 1], got {}", momentum)
    if training:
        mean, count = _over_batch("batch_norm", x, group)
        normal, _, center, variance = _standardized(x, mean, eps)
        old_mean = old_mean.lerp(center, momentum)
        old_var = old_var.lerp(variance * count / (count - 1), momentum)
    else:
        normal = (x - old_mean) * (old_var + eps).rsqrt()
    kept = (each.detach().flatten().to(dtype, copy=True) for each in (old_mean, old_var))
    return BatchNorm((normal * scale + shift).to(dtype), *kept)


def batch_norm_grad(
    upstream: Maps,
    x: Maps,
    gamma: ChannelWeights,
    beta: ChannelWeights | None = None,
    running_mean: ChannelWeights | None = None,
    running_var: Variances | None = None,
    *,
    training: bool = True,
    eps: NonNegative = 1e-5,
    group: ProcessGroup | None = None,
) -> Gradients:
    r"""Pass on what is left of the pull once its mean, and its share along the normalized x, are taken away.

    In training `dx = (g - mean(g) - n mean(g n)) / √(var + eps)` with `g = gamma upstream` and `n` the normalized x: to
    shift or stretch a whole channel changes no y. Otherwise mean and variance are constants, and
    `dx = g / √(var + eps)`. `dgamma = Σ upstream n`, `dbeta = Σ upstream`; beta itself does not matter.

    With `group` the sums run over the rows of all ranks, and every rank has the same `dgamma` and `dbeta`.
    """
    weights = gamma, beta, running_mean, running_var
    dtype, (upstream, x), (scale, _, *running) = _fitted("batch_norm_grad", 1, [upstream, x], weights, eps)
    old_mean, old_var = _started("batch_norm_grad", scale, *running, training=training)
    if training:
        mean, _ = _over_batch("batch_norm_grad", x, group)
        normal, inverse, *_ = _standardized(x, mean, eps)
        dx = _pulled_through(upstream * scale, normal, inverse, mean)
    else:
        inverse = (old_var + eps).rsqrt()
        normal, dx = (x - old_mean) * inverse, upstream * scale * inverse
    return _cast(dtype, dx, *_weight_gradients(upstream, normal, scale, group))


def layer_norm(x: Features, gamma: FeatureWeights, beta: FeatureWeights, *, eps: NonNegative = 1e-5) -> Features:
    r"""Normalize each example by its own features, so that neither batch nor sequence length matters.

    `y = gamma (x - mean) / √(var + eps) + beta`, with mean and variance over the last axis. PyTorch may take several
    last axes: flatten them. With one feature y is beta, as in PyTorch. Keras' eps is 1e-3.

    Reference: Ba, Kiros & Hinton 2016, Layer normalization.

    Raises
    ------
    ValueError
        If `eps` is below 0 or infinite.

    """
    dtype, (x,), (scale, shift) = _fitted("layer_norm", -1, [x], [gamma, beta], eps)
    return _normalized(x, scale, shift, eps, lambda each: each).to(dtype)


def layer_norm_grad(
    upstream: Features,
    x: Features,
    gamma: FeatureWeights,
    beta: FeatureWeights | None = None,
    *,
    eps: NonNegative = 1e-5,
) -> Gradients:
    r"""Do along the features what `batch_norm_grad` does along the batch; beta does not matter."""
    dtype, (upstream, x), (scale, _) = _fitted("layer_norm_grad", -1, [upstream, x], [gamma, beta], eps)
    return _normalized_grad(upstream, x, scale, eps, lambda each: each, dtype)


def instance_norm(x: Maps, gamma: ChannelWeights, beta: ChannelWeights, *, eps: NonNegative = 1e-5) -> Maps:
    r"""Normalize each channel of each image by itself, so that its contrast does not matter.

    `y = gamma (x - mean) / √(var + eps) + beta`, with mean and variance over all axes but the first two. It is
    `group_norm` with a group for each channel.

    Reference: Ulyanov, Vedaldi & Lempitsky 2016, Instance normalization: the missing ingredient for fast stylization.

    Raises
    ------
    ValueError
        If a channel of an example has fewer than two values: y would be beta whatever x is. If `eps` is below 0 or
        infinite.

    """
    dtype, (x,), (scale, shift) = _fitted("instance_norm", 1, [x], [gamma, beta], eps)
    return _normalized(x, scale, shift, eps, _by_channel("instance_norm", x)).to(dtype)


def instance_norm_grad(
    upstream: Maps, x: Maps, gamma: ChannelWeights, beta: ChannelWeights | None = None, *, eps: NonNegative = 1e-5
) -> Gradients:
    r"""Do along the places of each image what `batch_norm_grad` does along the batch; beta does not matter."""
    dtype, (upstream, x), (scale, _) = _fitted("instance_norm_grad", 1, [upstream, x], [gamma, beta], eps)
    return _normalized_grad(upstream, x, scale, eps, _by_channel("instance_norm_grad", x), dtype)


def group_norm(
    x: Maps, gamma: ChannelWeights, beta: ChannelWeights, *, groups: DividesChannels, eps: NonNegative = 1e-5
) -> Maps:
    r"""Normalize groups of channels of each example: the batch may be small, and an image still has many values.

    `y = gamma (x - mean) / √(var + eps) + beta`, with mean and variance over the channels of a group and all places.
    A group holds neighbouring channels: with 6 channels and 2 groups, 0 to 2 and 3 to 5. One group for all is layer
    norm with weights per channel; one for each channel is instance norm. A group of one value gives beta.

    Reference: Wu & He 2018, Group normalization.

    Raises
    ------
    ValueError
        If `groups` does not divide the number of channels. If `eps` is below 0 or infinite.

    """
    dtype, (x,), (scale, shift) = _fitted("group_norm", 1, [x], [gamma, beta], eps)
    return _normalized(x, scale, shift, eps, _by_group("group_norm", x, groups)).to(dtype)


def group_norm_grad(
    upstream: Maps,
    x: Maps,
    gamma: ChannelWeights,
    beta: ChannelWeights | None = None,
    *,
    groups: DividesChannels,
    eps: NonNegative = 1e-5,
) -> Gradients:
    r"""Do along the values of each group what `batch_norm_grad` does along the batch; beta does not matter."""
    dtype, (upstream, x), (scale, _) = _fitted("group_norm_grad", 1, [upstream, x], [gamma, beta], eps)
    return _normalized_grad(upstream, x, scale, eps, _by_group("group_norm_grad", x, groups), dtype)


def rms_norm(x: Features, gamma: FeatureWeights, *, eps: NonNegative | None = None) -> Features:
    r"""Rescale each example to a mean square of 1, without subtracting a mean: cheaper, and often as good.

    `y = gamma x / √(mean(x²) + eps)`, with the mean over the last axis. There is no beta. `eps` None is the machine
    epsilon of the dtype it is computed in, as in PyTorch: 1.2e-7 for float32 and half precision. Llama has 1e-5.

    Reference: Zhang & Sennrich 2019, Root mean square layer normalization.

    Raises
    ------
    ValueError
        If `eps` is below 0 or infinite.

    """
    dtype, (x,), (scale,) = _fitted("rms_norm", -1, [x], [gamma], eps)
    return (x * _inverse_rms(x, eps) * scale).to(dtype)


def rms_norm_grad(
    upstream: Features, x: Features, gamma: FeatureWeights, *, eps: NonNegative | None = None
) -> RmsGradients:
    r"""Pass on the pull less its share along x: `dx = (g - n mean(g n)) / √(mean(x²) + eps)`, no mean taken away.

    `g = gamma upstream` and `n` is the normalized x; `dgamma = Σ upstream n`. There is no third gradient, for there is
    no beta.
    """
    dtype, (upstream, x), (scale,) = _fitted("rms_norm_grad", -1, [upstream, x], [gamma], eps)
    inverse = _inverse_rms(x, eps)
    normal, pull = x * inverse, upstream * scale
    dx = inverse * (pull - normal * _mean(pull * normal))
    dgamma, _ = _weight_gradients(upstream, normal, scale)
    return RmsGradients(dx.to(dtype), dgamma.to(dtype))


def fold_batch_norm(
    weight: Kernel,
    bias: ChannelWeights | None,
    gamma: ChannelWeights,
    beta: ChannelWeights,
    running_mean: ChannelWeights,
    running_var: Variances,
    *,
    eps: NonNegative = 1e-5,
) -> Folded:
    r"""Put a batch norm that no longer learns into the linear or convolutional layer before it: then it costs nothing.

    `weight gamma / √(var + eps)` and `beta + (bias - mean) gamma / √(var + eps)`: outside training batch norm is a
    straight line in each channel. `weight` is out×in or out×in×kernel, as in PyTorch; `bias` None is a layer without.
    `eps` must be the batch norm's own.

    No gradient: it is called once, when training is over.

    Raises
    ------
    ValueError
        If `eps` or a running variance is below 0 or infinite.

    """
    weights = bias, gamma, beta, running_mean, running_var
    dtype, (weight,), (offset, scale, shift, *running) = _fitted("fold_batch_norm", 0, [weight], weights, eps)
    mean, variance = _started("fold_batch_norm", scale, *running, training=False)
    stretch = scale * (variance + eps).rsqrt()
    offset = -mean if offset is None else offset - mean
    return Folded((weight * stretch).to(dtype), (shift + offset * stretch).flatten().to(dtype))


def _standardized(x: Tensor, mean: Map, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # Centred twice: in float32 a mean of 1e4 is rounded by up to 5e-4, and the second mean is what that left over.
    center = mean(x)
    gap = x - center
    slip = mean(gap)
    gap = gap - slip
    variance = mean(gap.square())
    inverse = (variance + eps).rsqrt()
    return gap * inverse, inverse, center + slip, variance


def _pulled_through(pull: Tensor, normal: Tensor, inverse: Tensor, mean: Map) -> Tensor:
    return inverse * (pull - mean(pull) - normal * mean(pull * normal))


def _normalized(x: Tensor, scale: Tensor, shift: Tensor, eps: float, rows: Map) -> Tensor:
    # `rows` puts the values that share a mean on the last axis.
    normal, *_ = _standardized(rows(x), _mean, eps)
    return normal.reshape(x.shape) * scale + shift


def _normalized_grad(pull: Tensor, x: Tensor, scale: Tensor, eps: float, rows: Map, dtype: torch.dtype) -> Gradients:
    normal, inverse, *_ = _standardized(rows(x), _mean, eps)
    dx = _pulled_through(rows(pull * scale), normal, inverse, _mean)
    return _cast(dtype, dx.reshape(x.shape), *_weight_gradients(pull, normal.reshape(x.shape), scale))


def _weight_gradients(upstream: Tensor, normal: Tensor, scale: Tensor, group: ProcessGroup | None = None) -> list:
    return [over_ranks(each.sum_to_size(scale.shape), group).flatten() for each in (upstream * normal, upstream)]


def _cast(dtype: torch.dtype, *gradients: Tensor) -> Gradients:
    return Gradients(*(each.to(dtype) for each in gradients))


def _mean(x: Tensor) -> Tensor:
    return x.mean(-1, keepdim=True)


def _inverse_rms(x: Tensor, eps: float | None) -> Tensor:
    return (_mean(x.square()) + (torch.finfo(x.dtype).eps if eps is None else eps)).rsqrt()


def _by_channel(function: str, x: Tensor) -> Map:
    places = math.prod(x.shape[2:])
    law = "{} needs more than one value per channel of an example, got {}: y would be beta whatever x is"
    require(places > 1, law, function, places)
    return lambda each: each.flatten(2)


def _by_group(function: str, x: Tensor, groups: int) -> Map:
    channels = x.shape[1]
    law = "{} needs groups that divide the {} channels, got {}"
    require(groups >= 1 and channels % groups == 0, law, function, channels, groups)
    return lambda each: each.unflatten(1, (groups, channels // groups)).flatten(2)


def _over_batch(function: str, x: Tensor, group: ProcessGroup | None) -> tuple[Map, int]:
    """Return the mean of each channel over the rows of all ranks, and the number of values that share it."""
    channels = x.shape[1]
    shape = (1, channels, *(1 for _ in x.shape[2:]))
    count = math.prod((x.shape[0], *x.shape[2:]))
    if group is not None:
        count, everywhere = over_ranks(torch.tensor([count, channels], device=x.device), group).tolist()
        law = "{} needs the same channels on every rank, got {} here and {} on all ranks"
        require(everywhere == channels * get_world_size(group), law, function, channels, everywhere)
    law = "{} needs more than one value per channel in training, got {}: a single value is its own mean, and y is beta"
    require(count > 1, law + " whatever x is; take a larger batch, or training=False", function, count)
    return lambda each: over_ranks(each.sum_to_size(shape), group) / count, count


def _started(
    function: str, like: Tensor, mean: Tensor | None, variance: Tensor | None, *, training: bool
) -> tuple[Tensor, Tensor]:
    """Return the running values, or what they start at."""
    law = "{} needs both running_mean and running_var, got only one of them"
    require((mean is None) == (variance is None), law, function)
    if mean is None or variance is None:
        require(training, "{} needs running_mean and running_var when training is False, got None", function)
        return torch.zeros_like(like), torch.ones_like(like)
    every((variance >= 0) & (variance < math.inf), f"{function} needs a finite running_var >= 0", variance)
    return mean, variance


def _fitted(
    function: str, axis: int, arrays: Sequence[Tensor], weights: Sequence[Tensor | None], eps: float | None
) -> tuple[torch.dtype, list[Tensor], list]:
    require(eps is None or 0 <= eps < math.inf, "{} needs a finite eps >= 0, got {}", function, eps)
    return weighted(function, axis, arrays, weights)
