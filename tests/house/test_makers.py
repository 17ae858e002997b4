"""Laws of the functions that make a tensor of a shape, such as the weights that training starts from."""

import re

import pytest
import torch
from torch.testing import assert_close

from catalogue import arguments, executed, functions, makers, numbers
from laws import draw, illegal_numbers, legal_numbers

every_maker = pytest.mark.parametrize("name", makers())
every_draw = pytest.mark.parametrize(
    "name", [name for name in makers() if "generator" in {each.name for each in arguments(makers()[name])}]
)
every_number = pytest.mark.parametrize(
    ("name", "argument"),
    [pytest.param(name, each, id=f"{name}-{each.name}") for name in makers() for each in numbers(makers()[name])],
)
FLOATING = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def make(name, seed=0, source="cpu", **options):
    """Call a maker with legal arguments, and with a generator if it takes one."""
    function = functions()[name]
    drawn = draw(function) | options
    if "generator" in drawn:
        drawn["generator"] = torch.Generator(source).manual_seed(seed)
    return executed(function)(**drawn)


def test_there_are_makers():
    """An empty tree would pass everything below."""
    assert len(makers()) > 5


@every_maker
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (4, 3, 2, 2), (1, 1)], ids=str)
def test_a_tensor_is_what_was_asked_for(name, shape, dtype, device):
    made = make(name, shape=torch.Size(shape), dtype=dtype, device=device)

    assert made.shape == shape
    assert made.dtype == dtype
    assert made.device.type == device.type
    assert made.is_contiguous()
    assert not made.requires_grad
    assert made.isfinite().all()


@every_maker
def test_the_dtype_is_torchs_default(name):
    made = make(name)
    torch.set_default_dtype(torch.float64)
    try:
        wide = make(name)
    finally:
        torch.set_default_dtype(torch.float32)

    assert (made.dtype, wide.dtype) == (torch.float32, torch.float64)


@every_maker
@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (4, 3, 0)], ids=str)
def test_no_weights_are_an_empty_tensor(name, shape):
    assert make(name, shape=shape).shape == shape


@every_draw
def test_a_seed_says_what_is_drawn(name, dtype):
    first, again, other = (make(name, seed, shape=(40, 30), dtype=dtype) for seed in (0, 0, 1))

    assert_close(first, again, rtol=0, atol=0)
    assert (first != other).double().mean() > 0.99


@every_draw
def test_torchs_own_generator_is_left_alone_unless_it_is_the_one(name):
    before = torch.get_rng_state()
    make(name)
    after = torch.get_rng_state()
    functions()[name](**draw(functions()[name]))

    assert_close(after, before, rtol=0, atol=0)
    assert not torch.equal(torch.get_rng_state(), before)


@every_draw
def test_a_generator_draws_on_its_own_device(name, device):
    """A seed of the processor gives the same weights wherever they go."""
    assert make(name, source=device).device.type == device.type
    assert_close(make(name, device=device).cpu(), make(name), rtol=0, atol=1e-6)
    assert make(name, device="meta").is_meta


@every_maker
def test_an_illegal_shape_is_refused(name):
    function = functions()[name]
    for shape in illegal_numbers(arguments(function)[0].law):
        with pytest.raises(ValueError, match=rf"^{function.__name__} needs a shape .*, got {re.escape(str(shape))}"):
            function(**draw(function) | {"shape": shape})


@every_number
def test_an_illegal_number_is_refused(name, argument):
    function = functions()[name]
    for number in illegal_numbers(argument.law):
        said = rf"^{function.__name__} needs .*{argument.name}.*, got {re.escape(str(number))}"
        with pytest.raises(ValueError, match=said):
            function(**draw(function) | {argument.name: number})


@every_number
def test_a_legal_number_is_taken(name, argument):
    for number in legal_numbers(argument.law):
        assert make(name, **{argument.name: number}).isfinite().all()


@every_maker
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64], ids=str)
def test_weights_must_be_floating(name, kind):
    function = functions()[name]
    with pytest.raises(TypeError, match=rf"^{function.__name__} needs .*floating.*{kind}"):
        function(**draw(function) | {"dtype": kind})
