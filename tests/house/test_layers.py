"""Laws of the layers: their gradient takes the pull on their value and gives one for each argument that learns."""

import pytest
import torch
from torch.testing import assert_close

from catalogue import arguments, executed, functions, layers, parts, promised, tensors
from laws import by_first, draw, options_in_turn

each_layer = pytest.mark.parametrize("name", layers())


def pair(name):
    return executed(functions()[name]), executed(functions()[f"{name}_grad"])


def test_there_are_layers():
    """An empty tree would pass everything below."""
    assert len(layers()) >= 5


@each_layer
def test_a_gradient_takes_upstream_and_then_the_arguments_of_its_value(name):
    """It may leave out a number on which the first result does not depend, and every tensor but the first may be."""
    value, gradient = functions()[name], functions()[f"{name}_grad"]
    wanted = {each.name: each.annotation for each in arguments(value)}
    upstream, *given = arguments(gradient)

    assert upstream.annotation == next(iter(wanted.values()))
    assert [each.name for each in given] == [name for name in wanted if name in {each.name for each in given}]
    assert {each.name for each in tensors(value)} <= {each.name for each in given}
    assert all(each.annotation == wanted[each.name] for each in given)


@each_layer
def test_a_gradient_names_what_it_is_by(name):
    value, gradient = functions()[name], functions()[f"{name}_grad"]
    names = [each.name for each in promised(gradient)]

    assert names[0] == f"d{tensors(value)[0].name}"
    assert names == [f"d{each.name}" for each in tensors(value) if f"d{each.name}" in names]


@each_layer
def test_a_gradient_is_autograds(name, dtype, device):
    value, gradient = pair(name)
    close = {"rtol": 1e-10, "atol": 1e-10} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    for options in options_in_turn(functions()[name]):
        drawn = draw(functions()[name], dtype=dtype, device=device) | options
        upstream = torch.randn_like(drawn[tensors(value)[0].name])
        pulls = gradient(upstream, **taken(gradient, drawn))
        learned = [drawn[each.removeprefix("d")].requires_grad_() for each in pulls._fields]
        y = parts(value(**drawn))[0]

        assert_close(tuple(pulls), torch.autograd.grad(y, learned, upstream), **close)


def taken(function, drawn):
    return {each.name: drawn[each.name] for each in arguments(function) if each.name in drawn}


@each_layer
def test_autograd_is_the_slope_of_the_value(name, device):
    function = functions()[name]
    for options in options_in_turn(function):
        drawn = draw(function, device=device, seed=1, batch=(2, 2)) | options
        first = next(iter(drawn.values())).requires_grad_()
        value = by_first(function, drawn)

        assert torch.autograd.gradcheck(lambda x, value=value: parts(value(x))[0], first)
