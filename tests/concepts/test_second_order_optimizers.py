import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
import torch
from scipy import optimize
from scipy.sparse.linalg import LinearOperator, cg
from torch.testing import assert_close

from dlref import second_order_optimizers as second
from dlref.derivations import WrongStep, load
from dlref.derivations import second_order_optimizers as derived

MINIMIZERS = {"newton": second.newton, "bfgs": second.bfgs, "lbfgs": second.lbfgs}
PEERS = {"newton": "Newton-CG", "bfgs": "BFGS", "lbfgs": "L-BFGS-B"}
TIGHT = {
    "newton": {"xtol": 1e-12},
    "bfgs": {"gtol": 1e-10, "maxiter": 20_000},
    "lbfgs": {"gtol": 1e-10, "ftol": 0, "maxiter": 20_000, "maxfun": 40_000},
}


def rosenbrock(theta):
    return (100 * (theta[1:] - theta[:-1] ** 2) ** 2 + (1 - theta[:-1]) ** 2).sum()


def beale(theta):
    x, y = theta
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(theta):
    x, y = theta
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def system(n, condition, largest=None, seed=0):
    """A symmetric matrix with eigenvalues up to `condition`, or spread below `largest`, and the answer to find."""
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0]
    values = torch.logspace(-math.log10(condition), 0, n, dtype=torch.float64) * (largest or condition)
    answer = torch.randn(n, generator=generator, dtype=torch.float64)
    return turn @ (values.unsqueeze(-1) * turn.T), answer


def quadratic(n, condition, **more):
    matrix, answer = system(n, condition, **more)
    return lambda theta: (theta - answer.to(theta)) @ (matrix.to(theta) @ (theta - answer.to(theta))) / 2


def point(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


CASES = {
    "Rosenbrock": (rosenbrock, point(-1.2, 1)),
    "Rosenbrock, far": (rosenbrock, point(2, -3)),
    "Rosenbrock of 3": (rosenbrock, point(-1.2, 1, 1)),
    "Rosenbrock of 20": (rosenbrock, point(*[0.5, 1.5] * 10)),
    "Beale": (beale, point(1, 1)),
    "Beale, from 0": (beale, point(0, 0)),
    "Himmelblau": (himmelblau, point(0, 0)),
    "Himmelblau, far": (himmelblau, point(-1, -4)),
    "quadratic, 10": (quadratic(2, 10), point(0, 0)),
    "quadratic, 1e3": (quadratic(5, 1e3), torch.zeros(5, dtype=torch.float64)),
    "quadratic, 1e6": (quadratic(7, 1e6), torch.zeros(7, dtype=torch.float64)),
    "quadratic, 1e6 below 1": (quadratic(5, 1e6, largest=1), torch.zeros(5, dtype=torch.float64)),
}
every_case = pytest.mark.parametrize("case", CASES)
every_minimizer = pytest.mark.parametrize("name", MINIMIZERS)


def theirs(f, start, name):
    """Let SciPy minimize with our gradients and Hessians."""

    def both(x):
        leaf = torch.tensor(x, requires_grad=True)
        value = f(leaf)
        return value.item(), torch.autograd.grad(value, leaf)[0].numpy()

    def hessian(x):
        return torch.autograd.functional.hessian(f, torch.tensor(x)).numpy()

    more = {"hess": hessian} if name == "newton" else {}
    return optimize.minimize(both, start.numpy(), jac=True, method=PEERS[name], options=TIGHT[name], **more)


@every_case
@every_minimizer
def test_the_minimum_is_scipys_and_takes_no_more_evaluations(name, case, device, record_property):
    f, start = CASES[case]
    ours, peer = MINIMIZERS[name](f, start.to(device)), theirs(f, start, name)
    record_property("evaluations", f"{ours.evaluations} and {peer.nfev}")
    print(f"{case}, {name}: {ours.evaluations} evaluations, SciPy {peer.nfev}")

    assert ours.converged, ours.reason
    assert ours.value.item() == pytest.approx(peer.fun, abs=1e-6 if "below 1" in case else 1e-12)
    # Where the curvature is 1e-6 a slope within the tolerance may lie far from the minimum; there only values agree.
    assert_close(ours.theta.cpu(), torch.from_numpy(peer.x), rtol=1e-8, atol=1 if "below 1" in case else 1e-8)
    assert ours.evaluations <= 1.5 * peer.nfev


@every_case
@every_minimizer
def test_float32_arrives_too_or_says_that_it_did_not(name, case, device):
    f, start = CASES[case]
    low, high = MINIMIZERS[name](f, start.float().to(device)), MINIMIZERS[name](f, start.to(device))
    ill = "1e6" in case

    assert low.converged or ill
    assert low.value < f(start)
    if low.converged:
        assert_close(low.theta.double(), high.theta, rtol=0, atol=5 if "below 1" in case else 1e-3)


@every_minimizer
def test_what_is_said_of_the_way_is_true(name, device):
    asked = []

    def watched(theta):
        asked.append(theta.detach().clone())
        return rosenbrock(theta)

    start = point(-1.2, 1).to(device)
    result = MINIMIZERS[name](watched, start)
    values = [rosenbrock(theta).item() for theta in result.path]
    # The Hessian asks for the function too, once an iteration and once at the end.
    hessians = result.iterations + 1 if name == "newton" else 0

    assert len(asked) == result.evaluations + hessians
    assert len(result.path) == result.iterations + 1
    assert_close(result.path[0], start, rtol=0, atol=0)
    assert_close(result.path[-1], result.theta, rtol=0, atol=0)
    assert result.value.item() == values[-1]
    assert all(after < before for before, after in itertools.pairwise(values))


@every_minimizer
def test_without_a_path_only_the_end_is_kept(name):
    long, short = (MINIMIZERS[name](beale, point(1, 1), keep_path=keep) for keep in (True, False))

    assert short.path.shape == (1, 2)
    assert_close(short.path[0], long.theta, rtol=0, atol=0)
    assert short.iterations == long.iterations


@every_minimizer
@pytest.mark.parametrize("start", [0.3, 5.0, -40.0])
def test_one_unknown_is_enough(name, start, dtype, device):
    for shape in ((1,), (), (1, 1)):
        theta = torch.full(shape, start, dtype=dtype, device=device)
        result = MINIMIZERS[name](lambda t: (t.sum() - 2).cosh(), theta)

        assert result.converged
        assert_close(result.theta, torch.full_like(theta, 2), rtol=1e-6, atol=1e-5)


@every_minimizer
def test_at_the_minimum_nothing_is_done(name, dtype, device):
    start = torch.tensor([3.0, 2.0], dtype=dtype, device=device)
    result = MINIMIZERS[name](himmelblau, start)

    assert (result.converged, result.iterations, result.evaluations) == (True, 0, 1)
    assert_close(result.theta, start, rtol=0, atol=0)


@every_minimizer
def test_a_flat_direction_is_left_where_it_was(name, dtype, device):
    start = torch.tensor([5.0, 7.0], dtype=dtype, device=device)
    result = MINIMIZERS[name](lambda t: (t[0] - 1) ** 2 + 3, start)

    assert result.converged
    assert_close(result.theta, torch.tensor([1.0, 7.0], dtype=dtype, device=device))


@every_minimizer
def test_a_minimum_without_curvature_is_found_slowly(name, device):
    result = MINIMIZERS[name](lambda t: t.pow(4).sum(), point(1, -2).to(device))

    assert result.converged
    assert result.theta.abs().max() < 1e-3


@every_minimizer
def test_an_indefinite_hessian_does_not_lead_to_the_saddle(name, dtype, device):
    """Newton's own step goes to the saddle at 0; every value on our way is below the one before."""

    def two_valleys(t):
        return t[0] ** 2 + (t[1] ** 2 - 1) ** 2

    start = torch.tensor([2.0, 0.1], dtype=dtype, device=device)
    result = MINIMIZERS[name](two_valleys, start)
    values = [two_valleys(theta).item() for theta in result.path]

    assert result.converged
    assert_close(result.theta, torch.tensor([0.0, 1.0], dtype=dtype, device=device), rtol=1e-4, atol=1e-4)
    assert all(after < before for before, after in itertools.pairwise(values))


def test_only_newton_tells_a_saddle_from_a_minimum(dtype, device):
    start = torch.zeros(2, dtype=dtype, device=device)
    results = {name: solve(lambda t: t[0] ** 2 - t[1] ** 2, start) for name, solve in MINIMIZERS.items()}

    assert [result.converged for result in results.values()] == [False, True, True]
    assert "saddle" in results["newton"].reason


@every_minimizer
@pytest.mark.parametrize(
    ("f", "start", "reason"),
    [
        (lambda t: (t - 3).log().sum(), [1.0, 2.0], "finite"),  # nan from the start
        (lambda t: t.sum() / 0, [1.0, 2.0], "finite"),
        (lambda t: -t.square().sum(), [1.0, 2.0], ""),  # no minimum
        (lambda t: t.sum(), [1.0, 2.0], ""),
        (
            lambda t: (t - math.pi).abs().sum() + (t - math.e).abs().sum() / 2,
            [1.0, 2.0],
            "lower",
        ),  # a kink, where no slope is small
        (rosenbrock, [math.nan, 1.0], "finite"),
    ],
)
def test_a_failure_is_reported(name, f, start, reason, dtype, device):
    result = MINIMIZERS[name](f, torch.tensor(start, dtype=dtype, device=device), max_iterations=50)

    assert not result.converged
    assert reason in result.reason


@every_minimizer
def test_a_step_into_the_undefined_is_taken_back(name, device):
    result = MINIMIZERS[name](lambda t: (t - t.log()).sum(), point(0.01, 40).to(device))

    assert result.converged
    assert_close(result.theta.cpu(), point(1, 1), rtol=1e-8, atol=1e-8)


@every_minimizer
def test_rounding_of_the_value_is_not_mistaken_for_failure(name, device):
    """Far from 0 the value cannot show progress any more; slopes still can."""
    result = MINIMIZERS[name](lambda t: 1e6 + himmelblau(t), point(0, 0).to(device))

    assert result.converged
    assert_close(result.theta.cpu(), point(3, 2), rtol=0, atol=1e-8)


@pytest.mark.parametrize("phase", range(6))
def test_values_that_rounding_has_moved_up_do_not_stop_the_search(phase, device):
    """Near the minimum this function's values differ by their rounding only, so that a good step may seem to go up."""

    def rounded(t):
        return 1e6 + himmelblau(t) + 3e-10 * (1e9 * t.detach().sum() + phase).sin()

    start = point(0, 0).to(device)
    result = second.lbfgs(rounded, start)

    assert result.converged
    assert_close(result.theta.cpu(), point(3, 2), rtol=0, atol=1e-10)
    assert result.evaluations <= 1.5 * second.lbfgs(himmelblau, start).evaluations


def test_newton_takes_one_step_on_a_quadratic_and_doubles_its_digits_elsewhere(device):
    one = second.newton(quadratic(9, 100), torch.zeros(9, dtype=torch.float64, device=device))
    curved = second.newton(lambda t: (t.exp() - 2 * t).sum(), point(1).to(device))
    errors = (curved.path.flatten() - math.log(2)).abs()[:4]

    assert one.iterations == 1
    assert (errors[1:] < 0.6 * errors[:-1] ** 2).all()


def test_a_direction_of_negative_curvature_is_followed_downhill(device):
    hessian = torch.diag(point(2, -4)).to(device)
    grad = point(2, 4).to(device)

    assert_close(second.newton_step(grad, hessian).cpu(), point(-1, -1))
    assert_close(second.newton_step(grad, 0 * hessian), -grad)
    assert_close(second.newton_step(grad, hessian.abs()).cpu(), -torch.linalg.solve(hessian.abs(), grad).cpu())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_newtons_step_is_numpys_on_a_definite_matrix_and_never_uphill(n, dtype, device):
    matrix, answer = system(n, 100)
    grad = (matrix @ answer).to(device, dtype)
    indefinite = (matrix - 20 * torch.eye(n, dtype=torch.float64)).to(device, dtype)

    assert_close(second.newton_step(grad, matrix.to(device, dtype)).cpu().double(), -answer, rtol=1e-3, atol=1e-3)
    assert grad @ second.newton_step(grad, indefinite) < 0


def pairs(n, count, dtype=torch.float64, device="cpu", seed=0):
    """Steps, and what a matrix makes of them."""
    matrix, _ = system(n, 50, seed=seed)
    steps = torch.randn(count, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return steps.to(device, dtype), (steps @ matrix).to(device, dtype)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_update_meets_the_secant_equation_and_stays_symmetric_and_positive(n, dtype, device):
    inverse = torch.eye(n, dtype=dtype, device=device)
    for step, change in zip(*pairs(n, 5, dtype, device), strict=True):
        inverse = second.bfgs_update(inverse, step, change)

        assert_close(inverse @ change, step, rtol=1e-3, atol=1e-3)
        assert_close(inverse, inverse.T)
        assert (torch.linalg.eigvalsh(inverse) > 0).all()


def test_the_update_is_scipys(device):
    (step,), (change,) = pairs(4, 1, device=device)
    strategy = optimize.BFGS(init_scale=1.0)
    strategy.initialize(4, "inv_hess")
    strategy.update(step.cpu().numpy(), change.cpu().numpy())
    ours = second.bfgs_update(torch.eye(4, dtype=torch.float64, device=device), step, change)

    assert_close(ours.cpu(), torch.from_numpy(strategy.get_matrix()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("change", [[-1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1e-20, 1.0]])
def test_a_pair_that_fits_no_minimum_changes_nothing(change, dtype, device):
    step, change = (torch.tensor(each, dtype=dtype, device=device) for each in ([1.0, 0.0], change))
    inverse, grad = torch.eye(2, dtype=dtype, device=device) * 3, torch.ones(2, dtype=dtype, device=device)

    assert_close(second.bfgs_update(inverse, step, change), inverse, rtol=0, atol=0)
    assert_close(second.lbfgs_direction(grad, step[None], change[None]), -grad, rtol=0, atol=0)


@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_two_loops_are_the_matrix_that_is_never_made(count, device):
    steps, changes = pairs(6, count, device=device)
    grad = torch.randn(6, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(device)
    scale = (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1]) if count else 1
    inverse = torch.eye(6, dtype=torch.float64, device=device) * scale
    for step, change in zip(steps, changes, strict=True):
        inverse = second.bfgs_update(inverse, step, change)

    assert_close(second.lbfgs_direction(grad, steps, changes), -inverse @ grad, rtol=1e-10, atol=1e-10)


def test_with_memory_for_every_step_lbfgs_needs_no_more_than_with_little(device):
    start = point(*[-1.2, 1.0] * 5).to(device)
    counts = [second.lbfgs(rosenbrock, start, memory=memory).evaluations for memory in (1, 5, 100)]

    assert counts[0] > 1.2 * counts[1] > counts[2]


def test_lbfgs_holds_a_hundred_thousand_unknowns(device):
    weights = torch.linspace(1, 100, 100_001, device=device)
    result = second.lbfgs(lambda t: (weights * (t - 1).square()).sum(), torch.zeros_like(weights), keep_path=False)

    assert result.converged
    assert result.value < 1e-6
    assert result.path.shape == (1, 100_001)


# -- conjugate gradients


@pytest.mark.parametrize(("n", "condition"), [(1, 10), (2, 10), (7, 1e3), (31, 1e4), (20, 1e6)])
def test_a_system_is_solved_as_scipy_does(n, condition, device):
    matrix, answer = system(n, condition)
    matrix, answer = matrix.to(device), answer.to(device)
    b, asked = matrix @ answer, []
    ours = second.conjugate_gradient(lambda v: matrix @ v, b)
    operator = LinearOperator((n, n), lambda v: asked.append(1) or matrix.cpu().numpy() @ v, dtype=np.float64)
    theirs, _ = cg(operator, b.cpu().numpy(), rtol=1e-13, maxiter=10 * n)
    print(f"n = {n}, condition {condition:g}: {ours.iterations} products, SciPy {len(asked)}")

    assert ours.converged
    assert_close(ours.x, answer, rtol=1e-8, atol=1e-8)
    assert_close(ours.x.cpu(), torch.from_numpy(theirs), rtol=1e-7, atol=1e-7)
    assert ours.iterations <= 1.5 * len(asked) + 2
    assert ours.residual.item() == pytest.approx((b - matrix @ ours.x).norm().item(), abs=1e-12)


def test_a_matrix_will_do_and_so_will_any_shape(dtype, device):
    matrix, answer = system(6, 10)
    matrix, answer = matrix.to(device, dtype), answer.to(device, dtype)
    b = matrix @ answer
    flat = second.conjugate_gradient(matrix, b)
    shaped = second.conjugate_gradient(lambda v: (matrix @ v.flatten()).reshape(2, 3), b.reshape(2, 3))

    assert flat.converged
    assert_close(flat.x, answer, rtol=1e-3, atol=1e-4)
    assert_close(shaped.x.flatten(), flat.x, rtol=1e-3, atol=1e-4)


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"conjugate_gradient needs .*\(3,\) and \(2, 2\)"):
        second.conjugate_gradient(torch.eye(2), torch.ones(3))


def test_nothing_to_solve_takes_no_step(dtype, device):
    result = second.conjugate_gradient(torch.eye(3, dtype=dtype, device=device), torch.zeros(3).to(device, dtype))

    assert (result.converged, result.iterations, result.residual.item()) == (True, 0, 0)


@pytest.mark.parametrize("values", [[1.0, -2.0], [-1.0, -1.0], [0.0, 0.0]])
def test_an_indefinite_matrix_is_reported(values, dtype, device):
    matrix = torch.diag(torch.tensor(values, dtype=dtype, device=device))
    result = second.conjugate_gradient(matrix, torch.tensor([1.0, 1.0], dtype=dtype, device=device))

    assert not result.converged
    assert "not positive definite" in result.reason


def test_a_limit_on_the_products_is_reported(device):
    matrix, answer = system(20, 1e6)
    result = second.conjugate_gradient(matrix.to(device), (matrix @ answer).to(device), max_iterations=5)

    assert (result.converged, result.iterations) == (False, 5)
    assert result.residual > 0


def test_a_residual_that_only_the_recursion_believes_in_is_not_reported_as_converged(device):
    """The recursion's residual goes on falling when that of x cannot: rounding of x is left in it."""
    matrix, answer = system(8, 100)
    result = second.conjugate_gradient(matrix.to(device), (matrix @ answer).to(device), tolerance=1e-20)

    assert not result.converged
    assert result.reason == "max_iterations are over"
    assert result.residual > 1e-20 * matrix.norm() * answer.norm()


@pytest.mark.parametrize("n", range(1, 7))
def test_in_exact_arithmetic_n_steps_leave_nothing_and_residuals_stand_at_right_angles(n):
    """The loop of the reference, in fractions: no rounding, so orthogonality is exact and so is the end."""
    rng = np.random.default_rng(n)
    half = rng.integers(-4, 5, (n, n))
    matrix = [[Fraction(int(each)) for each in row] for row in half @ half.T + np.eye(n, dtype=int)]
    r = [Fraction(int(each)) for each in rng.integers(1, 9, n)]
    p, residuals, directions = r, [], []
    while any(r):
        q = [inner(row, p) for row in matrix]
        rate = inner(r, r) / inner(p, q)
        new = [a - rate * b for a, b in zip(r, q, strict=True)]
        residuals, directions = [*residuals, r], [*directions, (p, q)]
        share = inner(new, new) / inner(r, r)
        p, r = [a + share * b for a, b in zip(new, p, strict=True)], new

    assert len(residuals) <= n
    assert all(inner(a, b) == 0 for i, a in enumerate(residuals) for b in residuals[:i])
    assert all(inner(a, q) == 0 for i, (a, _) in enumerate(directions) for _, q in directions[:i])


def inner(a, b):
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


# -- what is often written wrong


def damaged(name, number, expression):
    derivation = load(f"second_order_optimizers.{name}")
    steps = [replace(s, expression=expression) if i == number else s for i, s in enumerate(derivation.steps)]
    return replace(derivation, steps=steps)


def test_wrong_formulas_are_refused_with_a_counterexample():
    y, k = derived.vector(derived.real("change", tex="y"), derived.n), derived.i
    g, h = derived.real("grad", tex="g"), derived.real("hessian", tex="h")
    wrong = {
        "secant_equation": (2, y[k]),  # the step and the change of the gradient, confused
        "newton_step_of_one": (2, -g / h),  # without the size of the curvature
        "newton_squares_the_error": (2, sp.S.Zero),
        "conjugate_gradient_directions": (3, sp.S.One),
    }
    for name, (number, expression) in wrong.items():
        with pytest.raises(WrongStep, match=f"step {number} .*is wrong: at "):
            damaged(name, number, expression).check()
