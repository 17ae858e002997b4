"""Laws of every reference function. Nothing here names one: they are found in the tree."""

import inspect
import math

import pytest
import torch
from torch.testing import assert_close

from catalogue import arguments, calculations, executed, functions, numbers, parts, promised, tensors
from laws import BATCH, CLASSES, draw, draw_tensor, extreme, illegal_numbers, illegal_tensors, legal_numbers, whole

every_function = pytest.mark.parametrize("name", functions())
every_gradient = pytest.mark.parametrize("name", [name for name in functions() if name.endswith("_grad")])
every_calculation = pytest.mark.parametrize("name", calculations())
HALF = [torch.float16, torch.bfloat16]


def law_cases(kind):
    """Name each calculation with each of its arguments, numbers or tensors, that has a law."""
    return [
        pytest.param(name, argument, id=f"{name}-{argument.name}")
        for name, function in calculations().items()
        for argument in kind(function)
        if argument.law
    ]


def test_there_are_functions():
    """An empty tree would pass everything below."""
    assert len(functions()) > 40
    assert len(calculations()) > 40


@every_function
def test_a_gradient_stands_beside_its_value_or_the_docstring_says_why_not(name):
    doc = functions()[name].__doc__
    base = name.removesuffix("_grad")

    assert doc
    assert base in functions(), f"{name} is the gradient of nothing: {base} is missing"
    assert f"{base}_grad" in functions() or "No gradient: " in doc, f"{base}_grad is missing, or 'No gradient: why'"


@every_function
def test_a_docstring_says_what_is_refused(name):
    function = functions()[name]
    if any(argument.law for argument in arguments(function)) and not name.endswith("_grad"):
        assert "Raises\n" in inspect.getdoc(function)


@every_gradient
def test_a_gradient_stands_right_below_its_value(name):
    value, gradient = functions()[name.removesuffix("_grad")], functions()[name]
    lines, start = inspect.getsourcelines(value)
    blank = 2

    assert inspect.getsourcelines(gradient)[1] == start + len(lines) + blank


@every_calculation
@pytest.mark.parametrize("floating", [torch.float32, torch.float64, *HALF], ids=str)
def test_a_value_is_finite_and_keeps_dtype_and_device(name, floating, device):
    function = functions()[name]
    values = parts(executed(function)(**draw(function, dtype=floating, device=device)))
    for value, promise in zip(values, promised(function), strict=True):
        assert isinstance(value, promise.arrays[0])
        assert value.dtype == floating
        assert value.device.type == device.type
        assert value.isfinite().all()


@every_calculation
def test_float32_agrees_with_float64(name, device):
    function = functions()[name]
    low, high = (function(**draw(function, dtype=dtype, device=device)) for dtype in (torch.float32, torch.float64))

    assert_close([each.double() for each in parts(low)], list(parts(high)), rtol=1e-5, atol=1e-5)


@every_calculation
def test_memory_layout_does_not_matter(name, dtype, device):
    function = functions()[name]
    drawn = draw(function, dtype=dtype, device=device)
    strided = {each.name: scattered(drawn[each.name]) for each in tensors(function) if each.dims}

    assert not any(each.is_contiguous() for each in strided.values())
    assert_close(executed(function)(**drawn | strided), function(**drawn))


def scattered(tensor):
    """Return the same numbers, laid out with gaps between them and the axes turned round."""
    spread = torch.zeros(*tensor.shape[::-1], 2, dtype=tensor.dtype, device=tensor.device)[..., 0].permute(
        *reversed(range(tensor.ndim))
    )
    return spread.copy_(tensor)


@every_calculation
def test_arguments_are_left_alone(name, device):
    function = functions()[name]
    drawn = draw(function, device=device)
    before = {each.name: drawn[each.name].clone() for each in tensors(function)}
    function(**drawn)

    for argument, copy in before.items():
        assert_close(drawn[argument], copy, rtol=0, atol=0)


@every_calculation
def test_arguments_may_require_a_gradient(name, device):
    function = functions()[name]
    drawn = draw(function, device=device)
    expected = function(**drawn)
    for each in tensors(function):
        if not each.is_index:
            drawn[each.name].requires_grad_()
    first = next(iter(drawn.values()))

    for value, same in zip(parts(function(**drawn)), parts(expected), strict=True):
        assert_close(value.detach(), same, rtol=0, atol=0)
        if value.requires_grad:  # a step function, such as the hinge's gradient, has no slope to give
            unused = {"allow_unused": True, "materialize_grads": True, "retain_graph": True}
            slopes = torch.autograd.grad(value.sum(), first, **unused)
            assert slopes[0].isfinite().all()


@every_calculation
@pytest.mark.parametrize("seed", range(3))
def test_extremes_are_finite_where_the_truth_is(name, seed, device):
    """At ±1e4 and at the bounds of every law float32 says what float64 says, whenever it can hold that."""
    function = functions()[name]
    both = (
        parts(function(**draw(function, dtype=dtype, device=device, seed=seed, how=extreme, batch=(2000,))))
        for dtype in (torch.float32, torch.float64)
    )

    for low, high in zip(*both, strict=True):
        fits = high.abs() <= torch.finfo(torch.float32).max
        assert not high.isnan().any()
        assert not low.isnan().any()
        assert low[fits].isfinite().all()
        assert_close(low.double()[~fits], high[~fits].sign() * math.inf, rtol=0, atol=0)


@every_calculation
@pytest.mark.parametrize("floating", HALF, ids=str)
def test_half_precision_is_no_nan_up_to_100(name, floating, device):
    """Past it the product of two arguments overflows float16, and no form can help."""
    function = functions()[name]
    drawn = draw(function, dtype=floating, device=device, how=extreme, batch=(2000,))
    small = {each.name: drawn[each.name].clamp(-100, 100) for each in tensors(function)}

    assert not any(value.isnan().any() for value in parts(function(**drawn | small)))


@every_calculation
def test_targets_may_be_whole_numbers(name, device):
    function = functions()[name]
    loose = [each for each in tensors(function) if not each.is_floating and not each.is_index]
    generator = torch.Generator().manual_seed(2)
    drawn = draw(function, dtype=torch.float32, device=device)
    for each in loose:
        drawn[each.name] = draw_tensor(each, generator, whole).to(device)
    floats = {each.name: drawn[each.name].float() for each in loose}
    value = executed(function)(**drawn)

    assert {each.dtype for each in parts(value)} == {torch.float32}
    assert_close(value, function(**drawn | floats), rtol=0, atol=0)


@every_calculation
def test_float32_with_float64_is_float64(name, device):
    function = functions()[name]
    mixed = draw(function, dtype=torch.float32, device=device)
    wide = {each.name: mixed[each.name].double() for each in tensors(function) if not each.is_index}
    value = function(**mixed | wide)
    for each, tensor in wide.items():
        if len(wide) > 1:
            partly = function(**mixed | wide | {each: tensor.float()})

            assert {each.dtype for each in parts(partly)} == {torch.float64}
            assert_close(partly, value)


@every_calculation
def test_a_single_number_does_not_widen_a_tensor(name, device):
    """As in torch: a float64 target without axes leaves float32 predictions what they are, and the other way round."""
    function = functions()[name]
    drawn = draw(function, dtype=torch.float32, device=device)
    loose = [each.name for each in tensors(function) if each.dims == ["*#shape"]]
    for each in loose if len(loose) > 1 else []:
        alone = drawn[each][0, 0].double()
        others = (tensor for name, tensor in drawn.items() if name in loose and name != each)

        assert function(**drawn | {each: alone}).dtype == torch.result_type(alone, next(others))


@pytest.mark.parametrize(("name", "argument"), law_cases(numbers))
def test_an_illegal_number_is_refused(name, argument):
    function = functions()[name]
    for number in illegal_numbers(argument.law):
        with pytest.raises(ValueError, match=rf"{function.__name__} needs .*{argument.name}.*, got {number}") as caught:
            function(**draw(function) | {argument.name: number})
        assert str(caught.value).startswith(f"{function.__name__} needs ")


@pytest.mark.parametrize(("name", "argument"), law_cases(numbers))
def test_a_legal_number_is_taken(name, argument, device):
    function = functions()[name]
    for number in legal_numbers(argument.law):
        value = executed(function)(**draw(function, device=device) | {argument.name: number})

        assert all(each.isfinite().all() for each in parts(value))


@pytest.mark.parametrize(("name", "argument"), law_cases(tensors))
def test_an_illegal_tensor_is_refused(name, argument, dtype, device):
    function = functions()[name]
    drawn = draw(function, dtype=dtype, device=device)
    for damaged, number in illegal_tensors(argument.law, drawn[argument.name]):
        with pytest.raises(ValueError, match=rf"^{function.__name__} needs .*, got {number}") as caught:
            function(**drawn | {argument.name: damaged})
        assert "\n" not in str(caught.value)


@every_calculation
def test_shapes_that_do_not_fit_are_refused(name, device):
    function = functions()[name]
    first, *others = tensors(function)
    drawn = draw(function, device=device)
    for other in others:
        for sizes in misfits(other, tensors(function)):
            wrong = draw_tensor(other, torch.Generator().manual_seed(0), extreme, **sizes).to(drawn[other.name])
            with pytest.raises(ValueError, match=rf"^{function.__name__} needs ") as caught:
                function(**drawn | {other.name: wrong})
            assert str(tuple(wrong.shape)) in str(caught.value)
            assert str(tuple(drawn[first.name].shape)) in str(caught.value)


def misfits(other, arguments):
    """List sizes of `other` that do not go with the other arguments as they are usually drawn."""
    if any("*" in dim for dim in other.dims):
        yield {"batch": (BATCH[0], BATCH[1] - 1)}
        yield {"batch": (BATCH[0] + 1, *BATCH[1:])}
        if not other.broadcasts:
            yield {"batch": BATCH[1:]}
            yield {"batch": (1, BATCH[1])}
            yield {"batch": (2, *BATCH)}
    if any(dim in each.dims for each in arguments if each is not other for dim in other.dims if "*" not in dim):
        yield {"classes": CLASSES + 1}
        yield {"classes": 1}


@every_calculation
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64], ids=str)
def test_predictions_must_be_floating(name, kind):
    function = functions()[name]
    for each in tensors(function):
        if each.is_floating:
            drawn = draw(function)
            with pytest.raises(TypeError, match=rf"^{function.__name__} needs .*floating.*{kind}"):
                function(**drawn | {each.name: drawn[each.name].to(kind)})


@every_calculation
def test_targets_must_be_real_tensors_and_indices_whole(name):
    function = functions()[name]
    for each in tensors(function):
        for kind in [torch.complex64, *([torch.float32, torch.bool] if each.is_index else [])]:
            drawn = draw(function)
            with pytest.raises(TypeError, match=rf"^{function.__name__} needs .*{kind}"):
                function(**drawn | {each.name: drawn[each.name].to(kind)})
        with pytest.raises(TypeError, match=rf"^{function.__name__} needs .*got (list|float)\b"):
            function(**draw(function) | {each.name: [1.0, 2.0]})


@every_calculation
def test_a_value_is_promised_a_shape(name):
    """The shape in the annotation is what `executed` holds the value to: an empty promise would hold nothing."""
    assert all(each.is_floating for each in promised(functions()[name]))
