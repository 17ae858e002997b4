"""The derivations of gradient descent: what one step does, what many do on a bowl, and what a memory adds."""

import sympy as sp

from . import Derivation, Step
from ._symbols import between, index, positive, quantity, real, size, total, vector

D = sp.Derivative
theta, grad, lr = real("theta"), real("grad", tex="g"), positive("lr", tex=r"\eta")
mu, v, decay = between("mu", 0, 1), real("v"), positive("weight_decay", tex=r"\lambda")
curvature, kappa, steps = positive("h"), between("kappa", 1), positive("t")
t = size("t")
s = index("s", t)
TIMES = [{t: 1}, {t: 2}, {t: 5}]
faded = quantity("v'", mu * v + grad)


def sgd() -> Derivation:
    """For plain gradient descent an L2 penalty is weight decay: each step shrinks theta by one factor."""
    x = real("theta")
    return Derivation(
        [
            Step(theta - lr * D(grad * x + decay * x**2 / 2, x)),
            Step(theta - lr * (grad + decay * theta), "a loss of slope g, and the slope of the penalty"),
            Step((1 - lr * decay) * theta - lr * grad, "collect theta"),
        ],
        function="sgd",
    )


def sgd_minimizes_a_model() -> Derivation:
    """The step ends where a straight line and a spring of stiffness one over the rate are lowest together."""
    x = real("x")
    return Derivation(
        [
            Step(grad * (x - theta) + (x - theta) ** 2 / (2 * lr)),
            Step((x - (theta - lr * grad)) ** 2 / (2 * lr) - lr * grad**2 / 2, "complete the square"),
            Step(-lr * grad**2 / 2, "a square is never negative, and zero only at the step's end", ">="),
        ],
    )


def momentum() -> Derivation:
    """Momentum adds a part of the last step to the step of plain gradient descent."""
    return Derivation(
        [
            Step(quantity(r"\theta'", theta - lr * faded)),
            Step(theta - lr * faded, "definition"),
            Step(theta - lr * grad - mu * (lr * v), "the velocity in full; lr v was the last step"),
        ],
        function="momentum",
    )


def momentum_is_a_weighted_sum() -> Derivation:
    """The velocity is the sum of all gradients, each weighted by mu once for every step since."""
    g = vector(real("g"), t)
    return Derivation(
        [
            Step(mu * total(mu ** (t - s) * g[s], s) + grad),
            Step(total(mu ** (t + 1 - s) * g[s], s) + grad, "one more step: every old gradient fades once more"),
        ],
        sizes=TIMES,
        expect="exact, all n",
    )


def momentum_along_a_constant_gradient() -> Derivation:
    """Along one slope the velocity grows towards the gradient over 1 less mu: ten times the gradient with 0.9."""
    return Derivation(
        [
            Step(mu * (grad * (1 - mu**steps) / (1 - mu)) + grad),
            Step((mu * grad * (1 - mu**steps) + grad * (1 - mu)) / (1 - mu), "one fraction"),
            Step(grad * (1 - mu ** (steps + 1)) / (1 - mu), "if t steps have gained this, one more gains the next"),
        ],
    )


def momentum_factor() -> Derivation:
    """Momentum turns the condition number into its root: both ends of the bowl shrink by the root of mu."""
    root = quantity("r", (sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1))
    return Derivation(
        [
            Step((1 + root) ** 2 / (1 - root) ** 2),
            Step(kappa, "steepest over flattest curvature, if both ends shrink by r: the denominators cancel"),
        ],
    )


def momentum_double_root() -> Derivation:
    """At the best rate the two solutions of momentum's recursion meet, at both ends of the bowl."""
    r, z = between("r", 0, 1), real("z")
    return Derivation(
        [
            Step(z**2 - (1 + r**2 - (1 - r) ** 2) * z + r**2),
            Step(
                (z - r) ** 2,
                "mu is r squared, rate times curvature (1 - r) squared: r solves it twice; "
                "at the steep end that is (1 + r) squared, and -r solves it twice",
            ),
        ],
    )


def nesterov() -> Derivation:
    """The two forms of Nesterov are one: the look-ahead point moves by the rewritten rule."""
    before = quantity(r"\theta_m", theta + lr * mu * v)
    after = quantity(r"\theta_m'", before - lr * faded)
    return Derivation(
        [
            Step(after - lr * mu * faded),
            Step(before - lr * faded - lr * mu * faded, "the step of momentum, with the gradient at the point ahead"),
            Step(theta + lr * mu * v - lr * (1 + mu) * faded, "where it stood, seen from the point ahead of it"),
            Step(theta - lr * (grad + mu * faded), "mu v is the new velocity less g"),
            Step(theta - lr * (grad + mu * (mu * v + grad)), "the velocity in full"),
        ],
        function="nesterov",
    )


def nesterov_of_the_notes() -> Derivation:
    """With the rate inside the velocity, w, the same step reads as the notes write it."""
    w = real("w")
    step = quantity("w'", mu * w - lr * grad)
    return Derivation(
        [
            Step(theta - mu * w + (1 + mu) * step),
            Step(theta - mu * w + step + mu * step, "expand"),
            Step(theta - lr * grad + mu * step, "mu w less lr g is the new velocity"),
        ],
    )


def look_ahead() -> Derivation:
    """The point ahead is where momentum would land if the next gradient were zero."""
    return Derivation(
        [
            Step(quantity("p", theta - lr * (mu * v + 0))),
            Step(theta - lr * mu * v, "only the velocity acts"),
        ],
        function="look_ahead",
    )


def bowl_step() -> Derivation:
    """On a bowl of curvature h every step multiplies the error by one factor."""
    return Derivation(
        [
            Step(theta - lr * D(curvature * theta**2 / 2, theta)),
            Step(theta - lr * curvature * theta, "the slope of the bowl"),
            Step((1 - lr * curvature) * theta, "collect"),
        ],
    )


def bowl_converges() -> Derivation:
    """Gradient descent on a bowl converges if and only if the rate is below 2 over the curvature."""
    return Derivation(
        [
            Step(1 - (1 - lr * curvature) ** 2),
            Step(lr * curvature * (2 - lr * curvature), "difference of two squares"),
            Step(
                lr * curvature**2 * (2 / curvature - lr),
                "above 0, and the factor below 1, where the bracket is",
            ),
        ],
    )


def best_rate() -> Derivation:
    """At the rate 2 over the sum of both curvatures the flattest and the steepest direction shrink alike."""
    low = positive("h")
    rate = quantity(r"\eta^*", 2 / (low + kappa * low))
    return Derivation(
        [
            Step(rate * (kappa * low) - 1),
            Step((kappa - 1) / (kappa + 1), "the steepest: its factor is negative, it jumps across"),
            Step(1 - rate * low, "the flattest"),
        ],
    )


def no_rate_is_better() -> Derivation:
    """No fixed rate shrinks both directions by more than (kappa - 1) / (kappa + 1) a step."""
    u = positive("u")
    bound = (kappa - 1) / (kappa + 1)
    return Derivation(
        [
            Step((kappa * (1 - u) ** 2 + (kappa * u - 1) ** 2) / (kappa + 1)),
            Step(
                bound**2 + kappa * (2 - u - kappa * u) ** 2 / (kappa + 1) ** 2,
                "a weighted mean of both squared factors, u the rate times the flattest curvature; "
                "what is added to the square is never negative, and the larger factor is no smaller than the mean",
            ),
        ],
    )


def steps_needed() -> Derivation:
    """The logarithm of the error falls by 2 / (kappa + 1) or more a step: (kappa + 1) / 2 steps win a factor of e."""
    share = between("u", 0, 1)
    return Derivation(
        [
            Step(sp.log(1 - share)),
            Step(
                -share,
                "log lies below its tangent; u is 2 / (kappa + 1), the factor 1 - u",
                "<=",
                (share, sp.S.Zero),
            ),
        ],
    )


def noise_of_a_batch() -> Derivation:
    """The mean of n independent gradients has an nth of the variance of one."""
    n = size()
    i, j = index("i", n), index("j", n)
    variance = positive("V")
    return Derivation(
        [
            Step(total(total(variance * sp.KroneckerDelta(i, j), j), i) / n**2),
            Step(total(variance, i) / n**2, "independent: only a gradient and itself vary together"),
            Step(variance / n, "n equal terms"),
        ],
        sizes=[{n: 2}, {n: 3}, {n: 4}],
        expect="exact, all n",
    )
