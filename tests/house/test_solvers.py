"""Laws of the solvers: they take a function and a tensor, go step by step, and say whether they arrived."""

import inspect
import math

import pytest
import torch
from torch.testing import assert_close

from catalogue import arguments, executed, functions, numbers, solvers
from laws import draw_function, illegal_numbers, legal_numbers, stretched

every_solver = pytest.mark.parametrize("name", solvers())
every_number = pytest.mark.parametrize(
    ("name", "argument"),
    [pytest.param(name, each, id=f"{name}-{each.name}") for name in solvers() for each in numbers(solvers()[name])],
)
SHAPES = [(3, 4), (5,), (1,), (), (0,), (2, 0)]


def solve(name, start, **options):
    """Call a solver with a function that can be solved."""
    function = functions()[name]
    return executed(function)(draw_function(arguments(function)[0]), start, **options)


def drawn(dtype=torch.float64, device="cpu", shape=(3, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device, dtype)


def test_there_are_solvers():
    """An empty tree would pass everything below."""
    assert len(solvers()) >= 4


@every_solver
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_answer_is_found_in_the_shape_dtype_and_device_of_the_start(name, shape, dtype, device):
    start = drawn(dtype, device, shape)
    result = solve(name, start)
    answer = start / stretched(start) if arguments(functions()[name])[0].gives.dims else torch.ones_like(start)

    assert result.converged
    assert_close(result[0], answer)
    assert all(part.device.type == device.type for part in result if isinstance(part, torch.Tensor))
    assert {part.dtype for part in result if isinstance(part, torch.Tensor)} == {dtype}


@every_solver
def test_a_result_is_plain_numbers_and_says_why_it_stopped(name):
    for options in ({}, {"max_iterations": 1}):
        result = solve(name, drawn(), **options)

        assert type(result.converged) is bool
        assert type(result.iterations) is int
        assert len(result.reason) > 10
        assert result._fields[0] in {"theta", "x"}


@every_solver
@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_limit_that_is_reached_is_reported(name, limit):
    result = solve(name, drawn(shape=(8,)), max_iterations=limit)

    assert result.iterations <= limit
    assert result.converged == (name.endswith(".newton") and limit > 0)
    assert "max_iterations" in result.reason or result.converged


@every_solver
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_start_that_is_not_finite_is_reported(name, number, dtype):
    start = drawn(dtype)
    start[1, 2] = number
    result = solve(name, start)

    assert not result.converged
    assert "finite" in result.reason


@every_solver
def test_the_start_is_left_alone_and_nothing_is_attached_to_it(name, device):
    start = drawn(device=device).requires_grad_()
    before = start.detach().clone()
    result = solve(name, start)

    assert_close(start.detach(), before, rtol=0, atol=0)
    assert start.grad is None
    assert not any(part.requires_grad for part in result if isinstance(part, torch.Tensor))
    result[0].zero_()
    assert_close(start.detach(), before, rtol=0, atol=0)


@every_solver
def test_a_gradient_switched_off_outside_does_not_matter(name):
    with torch.no_grad():
        off = solve(name, drawn())

    assert_close(off[0], solve(name, drawn())[0], rtol=0, atol=0)


@every_solver
def test_memory_layout_does_not_matter(name):
    start = drawn()

    assert_close(solve(name, start.T.contiguous().T)[0], solve(name, start)[0])


@every_solver
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64, torch.float16, torch.bfloat16], ids=str)
def test_a_start_is_floating_and_wide_enough(name, kind):
    function = functions()[name]
    with pytest.raises(TypeError, match=rf"^{function.__name__} needs floating .*, got {kind}"):
        function(draw_function(arguments(function)[0]), drawn().to(kind))
    with pytest.raises(TypeError, match=rf"^{function.__name__} needs floating .*, got list"):
        function(draw_function(arguments(function)[0]), [1.0, 2.0])


@every_solver
def test_a_function_of_another_kind_is_refused(name):
    function = functions()[name]
    for wrong in (lambda x: torch.stack([x.sum(), x.sum()]), lambda x: x.reshape(-1)[:2] * 2):
        with pytest.raises(ValueError, match=rf"^{function.__name__} needs .*, got .*\(2,\)"):
            function(wrong, drawn())


@every_number
def test_an_illegal_number_is_refused(name, argument):
    for number in illegal_numbers(argument.law):
        said = rf"^{functions()[name].__name__} needs .*{argument.name}.*, got {number}"
        with pytest.raises(ValueError, match=said):
            functions()[name](draw_function(arguments(functions()[name])[0]), drawn(), **{argument.name: number})


@every_number
def test_a_legal_number_is_taken(name, argument):
    for number in legal_numbers(argument.law):
        assert solve(name, drawn(), **{argument.name: number})[0].isfinite().all()


@every_solver
def test_every_option_stands_behind_a_star(name):
    kinds = [each.kind for each in inspect.signature(functions()[name]).parameters.values()]

    assert kinds[2:] == [inspect.Parameter.KEYWORD_ONLY] * (len(kinds) - 2)
