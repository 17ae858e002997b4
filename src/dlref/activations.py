"""Activations: what a layer does to each number, or to each vector, after its linear map.

Each is element-wise, but for softmax, log_softmax and logsumexp, which work along the axis `dim`, and for maxout, a
layer of its own. Integer inputs are a TypeError; an axis that is missing or empty is a ValueError. `f_grad` is the
derivative of `f` by its first argument, by hand: of each value by its own entry, or where it depends on a whole vector,
by every entry of that. Softmax, log_softmax and maxout make a vector of a vector: theirs is a Jacobian, with one more
axis, the last, for the entries of `x`. A unit is dead if its slope is 0 for every example: then no gradient reaches
its weights any more.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from dlref._checks import floating, require
from dlref._types import (
    Approximation,
    Biases,
    Channelled,
    Inputs,
    Jacobians,
    Logits,
    NonNegative,
    PerClass,
    Result,
    Slopes,
    Values,
    Weights,
)

# The pair that gives mean 0 and variance 1 back to inputs that have them: derivations/activations.py solves for it.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def sigmoid(x: Values) -> Result:
    r"""Squash any number into a probability: the gate, and the output for a yes or no.

    `1 / (1 + exp(-x))`, between 0 and 1. It saturates on both sides, in float32 it is 1 from 17 on, and its slope
    is never above 1/4. All outputs are positive, so it is not zero-centred. Units do not die, but they stall.

    Reference: Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors.
    """
    return _input("sigmoid", x).sigmoid()


def sigmoid_grad(x: Values) -> Result:
    r"""Slope `σ(x) σ(-x)`, the textbook's `σ (1 - σ)` without its cancellation: at most 1/4, at 0."""
    x = _input("sigmoid_grad", x)
    return x.sigmoid() * (-x).sigmoid()


def tanh(x: Values) -> Result:
    r"""Squash any number into (-1, 1) and keep its sign: a sigmoid that is zero-centred, `2 σ(2x) - 1`.

    `(exp(x) - exp(-x)) / (exp(x) + exp(-x))`. It saturates on both sides, in float32 it is 1 from 9.1 on. Its slope
    at 0 is 1, four times the sigmoid's. Units do not die, but they stall.

    Reference: LeCun, Bottou, Orr & Müller 1998, Efficient backprop.
    """
    return _input("tanh", x).tanh()


def tanh_grad(x: Values) -> Result:
    r"""Slope `4 σ(2x) σ(-2x)`, the textbook's `1 - tanh²` without its cancellation: at most 1, at 0."""
    x = _input("tanh_grad", x)
    return 4 * (2 * x).sigmoid() * (-2 * x).sigmoid()


def relu(x: Values) -> Result:
    r"""Pass what is positive and stop the rest: it costs a comparison, and where it is on it never saturates.

    `max(0, x)`, from 0 on. Its outputs are not zero-centred. A unit whose input is never positive is dead.

    Reference: Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines.
    """
    return _input("relu", x).relu()


def relu_grad(x: Values) -> Result:
    r"""Slope 1 where `x > 0`, else 0; at the kink `x = 0` it is 0, as in PyTorch."""
    x = _input("relu_grad", x)
    return (x > 0).to(x)


def leaky_relu(x: Values, *, negative_slope: NonNegative = 0.01) -> Result:
    r"""Be a ReLU that lets a little through, so that no unit can die.

    `x` where `x > 0`, else `negative_slope * x`; it is `max(negative_slope * x, x)` only for slopes up to 1. Any number
    can come out, nothing saturates, and the mean lies a little nearer to 0 than the ReLU's. `negative_slope` is
    0.01 in the paper and in PyTorch, 0.3 in Keras, 0.1 in some notes; 0 is the ReLU.

    Reference: Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic models.

    Raises
    ------
    ValueError
        If `negative_slope` is below 0, which would fold the negative side up, or infinite.

    """
    x = _input("leaky_relu", x, negative_slope=negative_slope)
    return torch.where(x > 0, x, negative_slope * x)


def leaky_relu_grad(x: Values, *, negative_slope: NonNegative = 0.01) -> Result:
    r"""Slope 1 where `x > 0`, else `negative_slope`, at the kink `x = 0` too, as in PyTorch."""
    x = _input("leaky_relu_grad", x, negative_slope=negative_slope)
    return torch.ones_like(x).masked_fill(x <= 0, negative_slope)


def prelu(x: Channelled, alpha: Slopes) -> Channelled:
    r"""Be a leaky ReLU that learns its negative slope, one for all or one for each channel.

    `x` where `x > 0`, else `alpha x`. `alpha` is a tensor: one number, or one for each channel; channels lie on axis 1,
    as in PyTorch, which starts it at 0.25. Any number can come out and no unit dies, unless `alpha` is learned to be 0.

    Reference: He, Zhang, Ren & Sun 2015, Delving deep into rectifiers.

    Raises
    ------
    ValueError
        If `alpha` has neither one slope nor one for each channel.

    """
    x, alpha = _with_slopes("prelu", x, alpha)
    return torch.where(x > 0, x, alpha * x)


def prelu_grad(x: Channelled, alpha: Slopes) -> Channelled:
    r"""Slope 1 where `x > 0`, else `alpha`, at `x = 0` too, as in PyTorch. By `alpha` the slope is `min(x, 0)`."""
    x, alpha = _with_slopes("prelu_grad", x, alpha)
    return torch.where(x > 0, 1, alpha)


def elu(x: Values, *, alpha: NonNegative = 1.0) -> Result:
    r"""Be a ReLU whose negative side levels off smoothly at `-alpha`, which pulls the mean of the outputs toward 0.

    `x` where `x > 0`, else `alpha (exp(x) - 1)`, above `-alpha`. It saturates on the left, where the slope fades but is
    not 0: units stall rather than die. `alpha` = 1, the paper's and PyTorch's default, is the one without a corner
    at 0; 0 is the ReLU.

    Reference: Clevert, Unterthiner & Hochreiter 2015, Fast and accurate deep network learning by ELUs.

    Raises
    ------
    ValueError
        If `alpha` is below 0 or infinite.

    """
    x = _input("elu", x, alpha=alpha)
    return x.relu() + alpha * x.clamp(max=0).expm1()


def elu_grad(x: Values, *, alpha: NonNegative = 1.0) -> Result:
    r"""Slope 1 where `x > 0`, else `alpha exp(x)`, the output plus `alpha`; at 0 it is `alpha`, as in PyTorch."""
    x = _input("elu_grad", x, alpha=alpha)
    return torch.where(x > 0, 1, alpha * x.clamp(max=0).exp())


def selu(x: Values) -> Result:
    r"""Be the scaled ELU that drives a layer's outputs toward mean 0 and variance 1, without a normalization layer.

    `1.0507 elu(x, alpha=1.67326)`, above -1.7581. Both constants follow from asking that a standard normal input come
    out with mean 0 and variance 1; weights of variance 1/fan_in make each layer's input so. It saturates on the left,
    has a corner at 0, and its units stall rather than die.

    Reference: Klambauer, Unterthiner, Mayr & Hochreiter 2017, Self-normalizing neural networks.
    """
    return SELU_SCALE * elu(_input("selu", x), alpha=SELU_ALPHA)


def selu_grad(x: Values) -> Result:
    r"""Slope 1.0507 where `x > 0`, else `1.7581 exp(x)`; at the kink `x = 0` that is 1.7581, as in PyTorch."""
    return SELU_SCALE * elu_grad(_input("selu_grad", x), alpha=SELU_ALPHA)


def gelu(x: Values, *, approximate: Approximation = "none") -> Result:
    r"""Weight each input by the chance that a standard normal lies below it: a smooth ReLU with a dip, as in BERT.

    `x Φ(x)`, from -0.17, at -0.75, on. It is not monotone, not zero-centred, and saturates at 0 on the left, where the
    slope is soon too small for float32: units stall. With "tanh" it is `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`,
    within 0.0005 of it. PyTorch and Keras default to `Φ`; JAX to the tanh form, which GPT-2 was trained with.

    Reference: Hendrycks & Gimpel 2016, Gaussian error linear units.

    Raises
    ------
    ValueError
        If `approximate` is neither "none" nor "tanh".

    """
    x = _input("gelu", x)
    return x * _gate("gelu", x, approximate)[0]


def gelu_grad(x: Values, *, approximate: Approximation = "none") -> Result:
    r"""Slope `Φ(x) + x φ(x)`, the gate and what its own slope adds: from -0.13 to 1.13. The tanh form's is the same."""
    x = _input("gelu_grad", x)
    gate, slope = _gate("gelu_grad", x, approximate)
    return gate + x * slope


def swish(x: Values, *, beta: NonNegative = 1.0) -> Result:
    r"""Weight each input by its own sigmoid: a smooth ReLU with a dip, found by search; with `beta` = 1 it is SiLU.

    `x σ(βx)`, from -0.2785/β, at -1.2785/β, on. It is not monotone, not zero-centred, and saturates at 0 on the left:
    units stall rather than die. `beta` = 0 gives the line x/2, and a large one nearly the ReLU; PyTorch has only 1.

    Reference: Ramachandran, Zoph & Le 2017, Searching for activation functions; Elfwing, Uchibe & Doya 2017 (SiLU).

    Raises
    ------
    ValueError
        If `beta` is below 0 or infinite.

    """
    x = _input("swish", x, beta=beta)
    return x * (beta * x).sigmoid()


def swish_grad(x: Values, *, beta: NonNegative = 1.0) -> Result:
    r"""Slope `σ(βx) (1 + βx σ(-βx))`: from -0.1 to 1.1, whatever `beta` is."""
    x = _input("swish_grad", x, beta=beta)
    return (beta * x).sigmoid() * (1 + beta * x * (-beta * x).sigmoid())


def softplus(x: Values) -> Result:
    r"""Be a ReLU with its corner rounded off, whose slope is the sigmoid: for outputs that must be positive.

    `log(1 + exp(x))`, above 0: about `exp(x)` far left, `x` far right, log 2 at 0. The textbook form overflows in
    float32 from 89 on. It saturates at 0 on the left, is not zero-centred, and its units stall rather than die.
    PyTorch's returns `x` itself past its threshold of 20.

    Reference: Dugas et al. 2000, Incorporating second-order functional knowledge for better option pricing.
    """
    x = _input("softplus", x)
    return torch.logaddexp(x, torch.zeros_like(x))  # log(exp(x) + exp(0)), the larger exponential taken out


def softplus_grad(x: Values) -> Result:
    r"""Slope `σ(x)`, from 0 to 1: never 0 but where it underflows."""
    return _input("softplus_grad", x).sigmoid()


def softmax(x: Logits, *, dim: int = -1) -> PerClass:
    r"""Turn scores into probabilities that add up to 1: the output for one class out of many, and attention's weights.

    `exp(x_i) / Σ exp(x_j)` along `dim`, between 0 and 1, of mean 1/n. A constant added to all changes nothing, so
    the largest is taken off first and nothing overflows. It saturates once one score leads: the Jacobian is then
    about 0, and only a logarithm after it, as in the cross-entropy, gives the slope back.

    Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """
    shares = _below_largest("softmax", x, dim)[0].exp()
    return shares / shares.sum(dim, keepdim=True)


def softmax_grad(x: Logits, *, dim: int = -1) -> Jacobians:
    r"""Jacobian `p_i ([i = j] - p_j)`: `i` on the axis `dim`, as in the value, and `j` on a new last axis.

    It holds n² numbers for n scores. Training takes only its product with what comes from above, `p (g - Σ p_j g_j)`.
    """
    _below_largest("softmax_grad", x, dim)
    p = softmax(x, dim=dim).movedim(dim, -1)
    return _balanced(p.unsqueeze(-1) * p.unsqueeze(-2), dim)


def log_softmax(x: Logits, *, dim: int = -1) -> PerClass:
    r"""Take the logarithm of the softmax without ever rounding a small probability to 0.

    `x_i - log Σ exp(x_j)` along `dim`, at most 0. The logarithm of a finished softmax is -inf in float32 from 104 below
    the largest score on. This one does not saturate: a score that lags by 1000 gives -1000.

    Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """
    below, _ = _below_largest("log_softmax", x, dim)
    return below - below.exp().sum(dim, keepdim=True).log()


def log_softmax_grad(x: Logits, *, dim: int = -1) -> Jacobians:
    r"""Jacobian `[i = j] - p_j`: `i` on the axis `dim`, as in the value, and `j` on a new last axis.

    Its product with what comes from above is `g - p Σ g_i`.
    """
    _below_largest("log_softmax_grad", x, dim)
    p = softmax(x, dim=dim).movedim(dim, -1).unsqueeze(-2)
    return _balanced(p.repeat_interleave(p.shape[-1], -2), dim)


def logsumexp(x: Logits, *, dim: int = -1) -> Float[Tensor, "..."]:
    r"""Be a smooth maximum: above the largest entry by at most log n. It is the softmax's normalizer.

    `log Σ exp(x_j)` along `dim`. The largest entry is taken off before and put back after, so nothing overflows.

    Reference: Blanchard, Higham & Higham 2021, Accurately computing the log-sum-exp and softmax functions.
    """
    below, largest = _below_largest("logsumexp", x, dim)
    return (largest + below.exp().sum(dim, keepdim=True).log()).squeeze(dim)


def logsumexp_grad(x: Logits, *, dim: int = -1) -> PerClass:
    r"""Gradient `softmax(x)`, in the shape of `x`: a slope of 1, shared among the entries."""
    _below_largest("logsumexp_grad", x, dim)
    return softmax(x, dim=dim)


def maxout(x: Inputs, weight: Weights, bias: Biases) -> Float[Tensor, "*batch outputs"]:
    r"""Learn the activation itself: each output is the largest of a few affine pieces, so a convex function.

    `max_k (w_k · x + b_k)`. With the pieces x and 0 it is the ReLU, with x and a x the leaky one. Any number can come
    out, nothing saturates, no unit dies. The price is as many times the parameters as there are pieces.
    `x` has its features on the last axis, `weight` is pieces × outputs × inputs, `bias` pieces × outputs.

    Reference: Goodfellow, Warde-Farley, Mirza, Courville & Bengio 2013, Maxout networks.

    Raises
    ------
    ValueError
        If the three shapes do not fit, or there is no piece.

    """
    return _pieces("maxout", x, weight, bias)[0].amax(-2)


def maxout_grad(x: Inputs, weight: Weights, bias: Biases) -> Float[Tensor, "*batch outputs inputs"]:
    r"""Jacobian by `x`: for each output the weights of its winning piece; ties share it, as in torch's `amax`."""
    pieces, weight = _pieces("maxout_grad", x, weight, bias)
    tied = (pieces == pieces.amax(-2, keepdim=True)).to(weight)
    return torch.einsum("...po,poi->...oi", tied / tied.sum(-2, keepdim=True), weight)


def _input(function: str, x: Tensor, **numbers: float) -> Tensor:
    floating(function, x, "inputs")
    for name, number in numbers.items():
        require(0 <= number < math.inf, "{} needs a finite {} >= 0, got {}", function, name, number)
    return x


def _with_slopes(function: str, x: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    floating(function, x, "inputs")
    floating(function, alpha, "slopes")
    channels = x.shape[1] if x.ndim > 1 else 1
    law = "{} needs one slope, or one for each of {} channels on axis 1, got x of shape {} and alpha of shape {}"
    fits = tuple(alpha.shape) in {(), (1,), (channels,)}
    require(fits, law, function, channels, tuple(x.shape), tuple(alpha.shape))
    dtype = torch.promote_types(x.dtype, alpha.dtype)
    shape = (channels, *(1,) * (x.ndim - 2)) if alpha.numel() != 1 else ()
    return x.to(dtype), alpha.to(dtype).reshape(shape)


def _gate(function: str, x: Tensor, approximate: str) -> tuple[Tensor, Tensor]:
    # The gate and its slope. 1 + erf and 1 + tanh would cancel on the left: erfc and a sigmoid do not.
    require(approximate in {"none", "tanh"}, "{} needs approximate none or tanh, got {}", function, approximate)
    if approximate == "none":
        return torch.special.erfc(-x * math.sqrt(0.5)) / 2, (-x * x / 2).exp() / math.sqrt(2 * math.pi)
    twice = math.sqrt(8 / math.pi) * x * (1 + 0.044715 * x * x)
    slope = math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return twice.sigmoid(), twice.sigmoid() * (-twice).sigmoid() * slope


def _below_largest(function: str, x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    floating(function, x, "inputs")
    exists = -x.ndim <= dim < x.ndim and x.shape[dim] > 0
    require(exists, "{} needs at least one entry along axis {}, got shape {}", function, dim, tuple(x.shape))
    largest = x.detach().amax(dim, keepdim=True)  # whatever is taken off, the slope is the same
    largest = largest.masked_fill(largest.isinf(), 0)  # inf - inf would be nan
    return x - largest, largest


def _balanced(pull: Tensor, dim: int) -> Tensor:
    # Every row sums to 0: the diagonal is what the others sum to. As 1 - p it would cancel where p is near 1.
    others = pull * (1 - torch.eye(pull.shape[-1], dtype=pull.dtype, device=pull.device))
    jacobian = others.sum(-1).diag_embed() - others
    return jacobian.movedim(-2, dim % (pull.ndim - 1))


def _pieces(function: str, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    for tensor, what in ((x, "inputs"), (weight, "weights"), (bias, "biases")):
        floating(function, tensor, what)
    shapes = tuple(x.shape), tuple(weight.shape), tuple(bias.shape)
    fits = x.ndim > 0 and weight.ndim == 3 and weight.shape[0] > 0 and shapes[0][-1:] == shapes[1][2:]
    law = "{} needs x of (..., in), weight of (pieces, out, in) and bias of (pieces, out), got shapes {}, {} and {}"
    require(fits and shapes[1][:2] == shapes[2], law, function, *shapes)
    dtype = torch.promote_types(torch.promote_types(x.dtype, weight.dtype), bias.dtype)
    weight = weight.to(dtype)
    return torch.einsum("...i,poi->...po", x.to(dtype), weight) + bias.to(dtype), weight
