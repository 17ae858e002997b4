"""Laws of the functions that see each example apart, as their annotations say: losses, activations, norms of a row."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from torch.testing import assert_close

from catalogue import apart, batched, executed, functions, pairs, tensors
from laws import autograd, by_first, draw, draw_tensor, extreme, options_in_turn

each_apart = pytest.mark.parametrize("name", apart())
every_pair = pytest.mark.parametrize("name", pairs())


def pair(name):
    return executed(functions()[name]), executed(functions()[f"{name}_grad"])


def test_there_are_such_functions():
    """An empty tree would pass everything below."""
    assert len(apart()) > 40
    assert len(pairs()) > 20


@every_pair
def test_a_gradient_takes_the_arguments_of_its_value(name):
    value, gradient = functions()[name], functions()[f"{name}_grad"]

    assert inspect.signature(value).parameters == inspect.signature(gradient).parameters


@every_pair
def test_a_gradient_is_autograds(name, dtype, device):
    value, gradient = pair(name)
    drawn = draw(value, dtype=dtype, device=device)

    assert_close(gradient(**drawn), autograd(value, drawn))


@every_pair
def test_a_gradient_is_the_slope_of_its_value(name, device):
    value, gradient = functions()[name], functions()[f"{name}_grad"]
    for options in options_in_turn(value):
        drawn = draw(value, device=device, seed=1) | options
        first = next(iter(drawn.values())).requires_grad_()

        assert torch.autograd.gradcheck(by_first(value, drawn), first)
        assert_close(gradient(**drawn), autograd(value, drawn | {tensors(value)[0].name: first.detach()}))


@each_apart
def test_an_empty_batch_is_an_empty_value(name, dtype, device):
    function = functions()[name]
    value = executed(function)(**draw(function, dtype=dtype, device=device, batch=(0, 3)))

    assert value.numel() == 0
    assert value.shape[:2] == (0, 3)


@each_apart
@pytest.mark.parametrize("batch", [(), (1,), (1, 1, 1)], ids=str)
def test_one_example_is_the_first_of_many(name, batch, device):
    function = functions()[name]
    drawn = draw(function, device=device)
    alone = {
        each.name: drawn[each.name][0, 0].reshape(batch + drawn[each.name].shape[2:]) for each in batched(function)
    }
    value = executed(function)(**drawn | alone)

    assert_close(value.reshape(value.shape[len(batch) :]), function(**drawn)[0, 0])


@each_apart
def test_a_large_batch_is_its_examples(name, device):
    function = functions()[name]
    drawn = draw(function, dtype=torch.float32, device=device, batch=(2**20,))
    few = {each.name: drawn[each.name][-3:] for each in batched(function)}
    value = function(**drawn)

    assert value.isfinite().all()
    assert_close(value[-3:], function(**drawn | few))


@each_apart
@settings(deadline=None, derandomize=True, max_examples=25, database=None)
@given(shapes=mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3, max_dims=3))
def test_shapes_broadcast_as_torchs_do(name, shapes):
    function = functions()[name]
    loose = [each for each in tensors(function) if each.broadcasts]
    generator = torch.Generator().manual_seed(0)
    if not loose:
        return
    drawn = draw(function)
    for each, batch in zip(loose, shapes.input_shapes, strict=False):
        drawn[each.name] = draw_tensor(each, generator, extreme, batch=batch).double()
    batch = torch.broadcast_shapes(*shapes.input_shapes[: len(loose)])
    full = {
        each.name: drawn[each.name].broadcast_to(batch + drawn[each.name].shape[len(shape) :])
        for each, shape in zip(loose, shapes.input_shapes, strict=False)
    }
    value = executed(function)(**drawn)

    assert value.shape[: len(batch)] == batch
    assert_close(value, function(**drawn | full), equal_nan=True)


@every_pair
def test_autograd_is_no_nan_at_the_extremes(name, dtype, device):
    """Somebody will train through the value: 0 * inf must not hide in it."""
    function = functions()[name]
    drawn = draw(function, dtype=dtype, device=device, how=extreme, batch=(2000,))

    assert not autograd(function, drawn).isnan().any()
