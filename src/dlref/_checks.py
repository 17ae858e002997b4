"""Refusals: each names the function, its law and the value that broke it, and the repair where there is one."""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor


def require(condition: bool, message: str, *values: object) -> None:  # noqa: FBT001  the condition is the subject
    """Raise ValueError with `message`, its braces filled with `values`, unless `condition` holds."""
    if not condition:
        raise ValueError(message.format(*values))


def every(holds: Tensor, law: str, tensor: Tensor, repair: str = "") -> None:
    """Raise ValueError with `law` and the first element of `tensor` for which `holds` is false."""
    if not holds.all():
        raise ValueError(f"{law}, got {tensor[~holds][0].item()}" + (repair and f": {repair}"))


def floating(function: str, tensor: Tensor, what: str = "predictions") -> None:
    """Raise TypeError unless the tensor is floating: whole numbers have no gradient."""
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise TypeError(f"{function} needs floating {what}, got {_kind(tensor)}: convert them with .float()")


def real(function: str, target: Tensor) -> None:
    """Raise TypeError unless the target is a tensor of real numbers or booleans."""
    if not isinstance(target, Tensor) or target.is_complex():
        raise TypeError(f"{function} needs real targets, got {_kind(target)}: pass a tensor of real numbers")


def aligned(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both in their common floating dtype, once their dtypes and shapes fit."""
    floating(function, prediction)
    real(function, target)
    shapes = tuple(prediction.shape), tuple(target.shape)
    fits = all(a == b or 1 in (a, b) for a, b in zip(shapes[0][::-1], shapes[1][::-1], strict=False))
    require(fits, "{} needs shapes that broadcast, got {} and {}", function, *shapes)
    dtype = _common_dtype(prediction, target)
    return prediction.to(dtype), target.to(dtype)


def vectors(function: str, prediction: Tensor, target: Tensor, dim: int = -1) -> tuple[Tensor, Tensor]:
    """Return both aligned, once they hold vectors of one length along `dim`."""
    prediction, target = aligned(function, prediction, target)
    shapes = tuple(prediction.shape), tuple(target.shape)
    law = "{} needs vectors of one length along axis {}, got shapes {} and {}"
    exists = all(-len(shape) <= dim < len(shape) for shape in shapes)
    require(exists and shapes[0][dim] == shapes[1][dim], law, function, dim, *shapes)
    return prediction, target


def indexed(function: str, scores: Tensor, index: Tensor) -> Tensor:
    """Return the index as `gather` wants it, once there is one class for each row of scores."""
    floating(function, scores)
    real(function, index)
    if index.is_floating_point() or index.dtype == torch.bool:
        raise TypeError(f"{function} needs whole numbers as index, got {index.dtype}: convert it with .long()")
    law = "{} needs one index per row, got scores of shape {} and an index of shape {}"
    fits = scores.ndim > 0 and index.shape == scores.shape[:-1]
    require(fits, law, function, tuple(scores.shape), tuple(index.shape))
    index, classes = index.long(), scores.shape[-1]
    every((index >= 0) & (index < classes), f"{function} needs 0 <= index < {classes}", index)
    return index.unsqueeze(-1)


def weighted(
    function: str, axis: int, arrays: Sequence[Tensor], weights: Sequence[Tensor | None]
) -> tuple[torch.dtype, list[Tensor], list]:
    """Return the dtype of the result, and all in that or float32, the weights laid along the axis of the arrays.

    The arrays have one shape, and each weight that is given has an entry for every place on the axis.
    """
    given = [each for each in (*arrays, *weights) if each is not None]
    for each in given:
        floating(function, each, "tensors")
    shape, least = tuple(arrays[-1].shape), 1 if axis < 0 else 2
    require(len(shape) >= least, "{} needs {} or more axes, got shape {}", function, least, shape)
    for each in arrays:
        require(each.shape == shape, "{} needs one shape, got {} and {}", function, tuple(each.shape), shape)
    law = "{} needs one weight for each entry of axis {}, got shapes {} and {}"
    for each in given[len(arrays) :]:
        require(each.shape == (shape[axis],), law, function, axis, shape, tuple(each.shape))
    dtype = functools.reduce(torch.promote_types, (each.dtype for each in given))
    wide = torch.promote_types(dtype, torch.float32)
    along = [1] * len(shape)
    along[axis] = shape[axis]
    laid = [None if each is None else each.to(wide).reshape(along) for each in weights]
    return dtype, [each.to(wide) for each in arrays], laid


def lettered(function: str, shapes: str, *tensors: Tensor) -> tuple[torch.dtype, list[Tensor]]:
    """Return the dtype of the result, and all in that or float32, once each letter stands for one size."""
    for each in tensors:
        floating(function, each, "tensors")
    sizes: dict[str, int] = {}
    for each, letters in zip(tensors, shapes.split(", "), strict=True):
        fits = each.ndim == len(letters) and all(
            sizes.setdefault(a, n) == n for a, n in zip(letters, each.shape, strict=True)
        )
        law = "{} needs tensors of the shapes {}, got {} and {}"
        require(fits, law, function, shapes, tuple(tensors[0].shape), tuple(each.shape))
    dtype = functools.reduce(torch.promote_types, (each.dtype for each in tensors))
    wide_dtype = torch.promote_types(dtype, torch.float32)
    return dtype, [each.to(wide_dtype) for each in tensors]


def fractions(function: str, name: str, tensor: Tensor, repair: str = "") -> None:
    """Raise ValueError unless every element lies in [0, 1]."""
    every((tensor >= 0) & (tensor <= 1), f"{function} needs {name} in [0, 1]", tensor, repair)


def distribution(function: str, name: str, tensor: Tensor) -> None:
    """Raise ValueError unless the last axis is a distribution, as far as its dtype can tell."""
    require(tensor.ndim > 0, "{} needs {} with an axis of classes, got a single number", function, name)
    every(tensor >= 0, f"{function} needs {name} >= 0", tensor)
    total = tensor.sum(-1)
    tolerance = max(1e-4, 4 * torch.finfo(tensor.dtype).eps) if tensor.is_floating_point() else 0
    law = f"{function} needs {name} to sum to 1 over the last axis"
    every((total - 1).abs() <= tolerance, law, total, "divide it by its sum")


def _common_dtype(prediction: Tensor, target: Tensor) -> torch.dtype:
    # What torch.result_type answers, which torch.compile cannot trace.
    if not target.is_floating_point() or (target.ndim == 0 < prediction.ndim):
        return prediction.dtype
    return target.dtype if prediction.ndim == 0 < target.ndim else torch.promote_types(prediction.dtype, target.dtype)


def _kind(value: object) -> object:
    return value.dtype if isinstance(value, Tensor) else type(value).__name__
