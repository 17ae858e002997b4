"""The derivations of normalization. A vector lies along the axis that its size is named after, in the code's words."""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, index, named, positive, quantity, real, size, total, vector

D, sqrt, same = sp.Derivative, sp.sqrt, sp.KroneckerDelta
eps, gamma, beta = positive("eps", tex=r"\epsilon"), real("gamma"), real("beta")
upstream, weight = real("upstream", tex="g"), real("weight", tex="w")


class _Norm:
    """What is normalized along one axis: values that share a mean, the pulls on them, and their weights."""

    def __init__(self, axis: str, *, one_weight: bool = False, centered: bool = True) -> None:
        self.n = size(axis, tex="n")
        self.i, self.j, self.k, self.m = (index(name, self.n) for name in "ijkm")
        self.x, self.g = vector(real("x"), self.n), vector(upstream, self.n)
        self.weights = None if one_weight else (vector(gamma, self.n), vector(beta, self.n))
        self.shared = gamma if one_weight else sp.S.One  # what stands before every sum
        self.mean = quantity(r"\mu", self.average(self.x[self.j], self.j)) if centered else sp.S.Zero
        name = r"\sigma^2" if centered else r"\overline{x^2}"
        self.variance = quantity(name, self.average((self.x[self.m] - self.mean) ** 2, self.m))
        self.root = sqrt(self.variance + eps)
        self.hat = named(r"\hat x", lambda place, *_: (self.x[place] - self.mean) / self.root, "subscript")
        self.all_n = {"sizes": [{self.n: 2}, {self.n: 3}, {self.n: 4}], "expect": "exact, all n"}

    def average(self, term: sp.Expr, place: sp.Symbol) -> sp.Expr:
        return total(term, place) / self.n

    def normal(self, place: sp.Symbol) -> sp.Expr:
        return self.hat(place, self.x.label, self.n, eps)

    def gamma(self, place: sp.Symbol) -> sp.Expr:
        return self.weights[0][place] if self.weights else gamma

    def beta(self, place: sp.Symbol) -> sp.Expr:
        shift = self.weights[1][place] if self.weights else beta
        return shift if self.mean else sp.S.Zero

    def y(self, place: sp.Symbol) -> sp.Expr:
        return self.gamma(place) * self.normal(place) + self.beta(place)

    def pull(self, place: sp.Symbol) -> sp.Expr:
        """The pull on a normalized value, without the gamma that all share."""
        return self.gamma(place) / self.shared * self.g[place]

    def loss(self) -> sp.Expr:
        return quantity(r"\ell", total(self.g[self.i] * self.y(self.i), self.i))

    def value(self, function: str) -> Derivation:
        k = self.k
        full = self.gamma(k) * (self.x[k] - self.mean) / self.root + self.beta(k)
        steps = [Step(quantity("y_k", full)), Step(self.y(k), "definition"), Step(full, "the normalized value in full")]
        return Derivation(steps, **self.all_n, function=function)

    def slope(self) -> sp.Expr:
        """The slope of the normalized value at i by the value at k."""
        by_mean = 1 / self.n if self.mean else 0
        return (same(self.i, self.k) - by_mean - self.normal(self.i) * self.normal(self.k) / self.n) / self.root

    def dx(self) -> sp.Expr:
        i, k = self.i, self.k
        by_mean = self.average(self.pull(i), i) if self.mean else 0
        along = self.normal(k) * self.average(self.pull(i) * self.normal(i), i)
        return self.shared * (self.pull(k) - by_mean - along) / self.root

    def pulled(self, function: str) -> Derivation:
        i, x = self.i, self.x[self.k]
        steps = [
            Step(D(self.loss(), x)),
            Step(self.shared * total(self.pull(i) * D(self.normal(i), x), i), "chain rule: g is the slope by y"),
            Step(self.shared * total(self.pull(i) * self.slope(), i), "slope of the normalized value"),
            Step(self.dx(), "the bracket picks one term"),
        ]
        return Derivation(steps, **self.all_n, function=function)

    def weight_pulled(self, function: str) -> Derivation:
        """How gamma or beta feels the loss: one weight through all values, or each through its own."""
        which, i = function.endswith("dbeta"), self.i
        by = self.weights[which][self.k] if self.weights else (gamma, beta)[which]
        felt = (lambda place: self.g[place]) if which else (lambda place: self.g[place] * self.normal(place))
        reason = "beta is added" if which else "gamma multiplies the normalized value"
        steps = [
            Step(D(self.loss(), by)),
            Step(total(self.g[i] * D(self.y(i), by), i), "chain rule"),
            Step(felt(self.k) if self.weights else total(felt(i), i), reason),
        ]
        return Derivation(steps, **self.all_n, function=function)


batch, layer = _Norm("rows", one_weight=True), _Norm("features")
instance, group = _Norm("places", one_weight=True), _Norm("channels")
rms = _Norm("features", centered=False)
n, i, j, k, m, x, g = batch.n, batch.i, batch.j, batch.k, batch.m, batch.x, batch.g


def batch_norm() -> Derivation:
    """Batch norm gives each channel the mean beta and the spread gamma."""
    return batch.value("batch_norm")


def batch_norm_centers_at_beta() -> Derivation:
    """The mean of a channel after batch norm is beta."""
    return Derivation(
        [
            Step(batch.average(batch.y(i), i)),
            Step(beta, "deviations from the mean sum to zero, whatever they are multiplied by"),
        ],
        **batch.all_n,
    )


def batch_norm_spreads_to_gamma() -> Derivation:
    """The variance of a channel after batch norm is the square of gamma, but for eps."""
    return Derivation(
        [
            Step(batch.average((batch.y(i) - beta) ** 2, i)),
            Step(gamma**2 * batch.average((x[i] - batch.mean) ** 2, i) / batch.root**2, "the mean is beta"),
            Step(gamma**2 * batch.variance / (batch.variance + eps), "the sum is the variance"),
        ],
        **batch.all_n,
    )


def variance_in_two_forms() -> Derivation:
    """The mean square less the square of the mean is the variance, on paper."""
    return Derivation(
        [
            Step(batch.variance),
            Step(batch.average(x[i] ** 2 - 2 * batch.mean * x[i] + batch.mean**2, i), "expand the square"),
            Step(
                batch.average(x[i] ** 2, i) - 2 * batch.mean * batch.average(x[i], i) + batch.mean**2,
                "one sum at a time",
            ),
            Step(batch.average(x[i] ** 2, i) - batch.mean**2, "the middle sum is the mean"),
        ],
        **batch.all_n,
    )


def batch_variance_is_too_small() -> Derivation:
    """Around its own mean a batch varies less than around the true one: hence n - 1 in the running variance."""
    true = real("c")
    off = batch.mean - true
    across = 2 * off * batch.average(x[i] - batch.mean, i)
    return Derivation(
        [
            Step(batch.average((x[i] - true) ** 2, i)),
            Step(batch.variance + across + off**2, "go by way of the mean, and expand"),
            Step(batch.variance + off**2, "deviations from the mean sum to zero"),
            Step(batch.variance, "a square is never negative", ">="),
        ],
        **batch.all_n,
    )


def normalized_slope() -> Derivation:
    """Each normalized value depends on every value of its channel."""
    gap = x[i] - batch.mean
    return Derivation(
        [
            Step(D(batch.normal(i), x[k])),
            Step(
                (same(i, k) - 1 / n) / batch.root - gap * D(batch.variance, x[k]) / (2 * batch.root**3),
                "product rule; the mean moves by 1/n",
            ),
            Step(
                (same(i, k) - 1 / n) / batch.root - gap * (x[k] - batch.mean) / (n * batch.root**3),
                "slope of the variance",
            ),
            Step(batch.slope(), "two normalized values, one denominator"),
        ],
        **batch.all_n,
    )


def batch_norm_grad() -> Derivation:
    """The pull on a value is its own, less the mean pull and less what lies along the normalized values."""
    return batch.pulled("batch_norm_grad")


def batch_norm_dgamma() -> Derivation:
    """Gamma feels every pull of its channel, times the normalized value."""
    return batch.weight_pulled("batch_norm_grad.dgamma")


def batch_norm_dbeta() -> Derivation:
    """Beta feels the sum of the pulls of its channel."""
    return batch.weight_pulled("batch_norm_grad.dbeta")


def pulls_sum_to_zero() -> Derivation:
    """The pulls that batch norm sends back sum to zero: no gradient asks for a shift of the whole channel."""
    return Derivation(
        [
            Step(total(batch.dx(), k)),
            Step(sp.S.Zero, "n times the mean pull is the sum of the pulls, and normalized values sum to zero"),
        ],
        **batch.all_n,
    )


def pulls_do_not_stretch() -> Derivation:
    """Along x itself the pulls cancel, but for eps: no gradient asks for a larger channel."""
    along = gamma * total(g[i] * batch.normal(i), i)
    return Derivation(
        [
            Step(total(x[k] * batch.dx(), k)),
            Step(total((x[k] - batch.mean) * batch.dx(), k), "the pulls sum to zero"),
            Step(along - batch.variance / (batch.variance + eps) * along, "normalized values have this mean square"),
            Step(eps / (batch.variance + eps) * along, "one fraction: zero without eps"),
        ],
        **batch.all_n,
    )


def constant_before_batch_norm() -> Derivation:
    """A constant added before batch norm, such as a bias, does nothing."""
    b = real("b")
    moved = batch.average(x[j] + b, j)
    spread = sqrt(batch.average((x[m] + b - moved) ** 2, m) + eps)
    return Derivation(
        [
            Step((x[k] + b - moved) / spread),
            Step((x[k] - batch.mean) / sqrt(batch.average((x[m] - batch.mean) ** 2, m) + eps), "b moves the mean by b"),
            Step(batch.normal(k), "definition"),
        ],
        **batch.all_n,
    )


def scale_before_batch_norm() -> Derivation:
    """Weights a times as large before batch norm change nothing but the weight of eps."""
    a = positive("a")
    moved = batch.average(a * x[j], j)
    spread = sqrt(batch.average((a * x[m] - moved) ** 2, m) + eps)
    return Derivation(
        [
            Step((a * x[k] - moved) / spread),
            Step(a * (x[k] - batch.mean) / sqrt(a**2 * batch.variance + eps), "mean and spread are a times as large"),
            Step((x[k] - batch.mean) / sqrt(batch.variance + eps / a**2), "divide by a above and below"),
        ],
        **batch.all_n,
    )


def stretching_is_not_felt() -> Derivation:
    """Weights before batch norm that all grow by one factor move the loss only through eps."""
    s = positive("s")
    root = sqrt(s**2 * batch.variance + eps)
    stretched = named(r"\hat x", lambda place, *_: s * (x[place] - batch.mean) / root, "subscript")
    normal = stretched(i, x.label, n, eps, s)
    return Derivation(
        [
            Step(D(quantity(r"\ell", total(g[i] * (gamma * normal + beta), i)), s)),
            Step(gamma * total(g[i] * D(normal, s), i), "chain rule: g is the slope by y"),
            Step(
                gamma * total(g[i] * (x[i] - batch.mean) * (1 / root - s**2 * batch.variance / root**3), i),
                "product rule",
            ),
            Step(eps * gamma * total(g[i] * (x[i] - batch.mean), i) / root**3, "one fraction: zero without eps"),
        ],
        **batch.all_n,
    )


def identity_recovered() -> Derivation:
    """With the right gamma and beta, batch norm gives back what it took."""
    return Derivation(
        [
            Step(batch.root * batch.normal(k) + batch.mean),
            Step(x[k], "gamma cancels the root, beta the mean"),
        ],
        **batch.all_n,
    )


def running_average() -> Derivation:
    """A running value remembers each batch a little less with every batch since."""
    old, momentum, seen = real("r_0", tex="r_0"), between("momentum", 0, 1, tex="m"), size("T")
    t = index("t", seen)
    s = index("s", seen - 1)
    b = vector(real("b"), seen)
    before = (1 - momentum) ** (seen - 1) * old + momentum * total((1 - momentum) ** (seen - 1 - s) * b[s], s)
    return Derivation(
        [
            Step((1 - momentum) * before + momentum * b[seen]),
            Step(
                (1 - momentum) ** seen * old + momentum * total((1 - momentum) ** (seen - t) * b[t], t),
                "every weight so far is multiplied by 1 - m, and the newest is m",
            ),
        ],
        sizes=[{seen: 2}, {seen: 3}, {seen: 4}],
        expect="exact, all n, by induction",
    )


def layer_norm() -> Derivation:
    """Layer norm does along the features of an example what batch norm does along the rows."""
    return layer.value("layer_norm")


def layer_norm_grad() -> Derivation:
    """Each feature has a gamma of its own, so it stays inside the means."""
    return layer.pulled("layer_norm_grad")


def layer_norm_dgamma() -> Derivation:
    """One example pulls each gamma by its own feature only."""
    return layer.weight_pulled("layer_norm_grad.dgamma")


def layer_norm_dbeta() -> Derivation:
    """One example pulls each beta by its own feature only, as hard as it is pulled itself."""
    return layer.weight_pulled("layer_norm_grad.dbeta")


def instance_norm() -> Derivation:
    """Instance norm is the same along the places of one channel of one example."""
    return instance.value("instance_norm")


def instance_norm_grad() -> Derivation:
    """The pull on a place is its own, less the mean pull and less what lies along the normalized values."""
    return instance.pulled("instance_norm_grad")


def group_norm() -> Derivation:
    """Group norm is the same along the channels of one group, each with weights of its own."""
    return group.value("group_norm")


def group_norm_grad() -> Derivation:
    """The pull on a channel is its own, less the mean pull of the group and less what lies along it."""
    return group.pulled("group_norm_grad")


def rms_norm() -> Derivation:
    """RMS norm divides by the root of the mean square, and subtracts no mean."""
    return rms.value("rms_norm")


def rms_norm_grad() -> Derivation:
    """Without a mean, only what lies along the normalized values is taken from the pull."""
    return rms.pulled("rms_norm_grad")


def rms_norm_dgamma() -> Derivation:
    """One example pulls each gamma by its own feature only, as in layer norm."""
    return rms.weight_pulled("rms_norm_grad.dgamma")


class _Folded:
    """A linear unit with the batch norm behind it, outside training."""

    n = size("inputs", tex="n")
    i, k = index("i", n), index("k", n)
    w, x = vector(weight, n), vector(real("x"), n)
    bias, mean, variance = real("bias", tex="b"), real("running_mean", tex="m"), positive("running_var", tex="v")
    stretch = gamma / sqrt(variance + eps)
    offset = stretch * (bias - mean) + beta
    y = stretch * (total(w[i] * x[i], i) + bias - mean) + beta
    folded = total(stretch * w[i] * x[i], i)
    sizes = ({n: 2}, {n: 3}, {n: 4})


def folding() -> Derivation:
    """Outside training, a linear layer and the batch norm behind it are one linear layer."""
    steps = [
        Step(quantity("y", _Folded.y)),
        Step(_Folded.y, "the running values m and v are constants"),
        Step(_Folded.folded + _Folded.offset, "multiply out: new weights, and a new bias"),
    ]
    return Derivation(steps, sizes=_Folded.sizes, expect="exact, all n")


def fold_batch_norm_weight() -> Derivation:
    """The folded weight is the slope of what comes out by what goes in."""
    steps = [
        Step(D(quantity("y", _Folded.y), _Folded.x[_Folded.k])),
        Step(_Folded.stretch * _Folded.w[_Folded.k], "only one term of the sum holds it"),
    ]
    return Derivation(steps, sizes=_Folded.sizes, expect="exact, all n", function="fold_batch_norm.weight")


def fold_batch_norm_bias() -> Derivation:
    """The folded bias is what is left when the folded weights have done their part."""
    steps = [
        Step(quantity("y", _Folded.y) - _Folded.folded),
        Step(_Folded.offset, "the sums cancel"),
    ]
    return Derivation(steps, sizes=_Folded.sizes, expect="exact, all n", function="fold_batch_norm.bias")
