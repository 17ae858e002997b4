"""Refusals: each states the law, the value that breaks it, and the repair where there is one."""

import torch
from torch import Tensor


def require(condition: bool, message: str, *values: object) -> None:  # noqa: FBT001  the condition is the subject
    """Raise ValueError with `message`, its braces filled with `values`, unless `condition` holds."""
    if not condition:
        raise ValueError(message.format(*values))


def every(holds: Tensor, law: str, tensor: Tensor, repair: str = "") -> None:
    """Raise ValueError with `law` and the first element of `tensor` for which `holds` is false."""
    if not holds.all():
        worst = tensor[~holds][0].item()
        raise ValueError(f"{law}, got {worst}{repair and f': {repair}'}")


def aligned(function: str, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both in their common floating dtype, once dtypes and shapes fit."""
    floating(function, prediction)
    if target.is_complex():
        raise TypeError(f"{function} needs real targets, got {target.dtype}")
    try:
        torch.broadcast_shapes(prediction.shape, target.shape)
    except RuntimeError:
        shapes = f"{tuple(prediction.shape)} and {tuple(target.shape)}"
        raise ValueError(f"{function} needs shapes that broadcast, got {shapes}") from None
    dtype = torch.result_type(prediction, target)
    return prediction.to(dtype), target.to(dtype)


def vectors(function: str, prediction: Tensor, target: Tensor, dim: int = -1) -> tuple[Tensor, Tensor]:
    """Return both aligned, once they have vectors of one length along `dim`."""
    lengths = [tensor.shape[dim] if -tensor.ndim <= dim < tensor.ndim else None for tensor in (prediction, target)]
    require(
        None not in lengths and lengths[0] == lengths[1],
        "{} needs vectors of one length along axis {}, got shapes {} and {}",
        *(function, dim, tuple(prediction.shape), tuple(target.shape)),
    )
    return aligned(function, prediction, target)


def indexed(function: str, scores: Tensor, index: Tensor) -> Tensor:
    """Return the index as `gather` wants it, once there is one class per row of scores."""
    floating(function, scores)
    if index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        raise TypeError(f"{function} needs whole numbers as index, got {index.dtype}: convert it with .long()")
    require(
        scores.ndim > 0 and index.shape == scores.shape[:-1],
        "{} needs one index per row, got scores of shape {} and an index of shape {}",
        *(function, tuple(scores.shape), tuple(index.shape)),
    )
    index, classes = index.long(), scores.shape[-1]
    every((index >= 0) & (index < classes), f"{function} needs 0 <= index < {classes}", index)
    return index.unsqueeze(-1)


def floating(function: str, prediction: Tensor) -> None:
    """Raise TypeError unless the prediction is floating: whole numbers have no gradient."""
    if not prediction.is_floating_point():
        raise TypeError(f"{function} needs floating predictions, got {prediction.dtype}: convert them with .float()")


def fractions(function: str, name: str, tensor: Tensor) -> None:
    """Raise ValueError unless every element lies in [0, 1]."""
    every((tensor >= 0) & (tensor <= 1), f"{function} needs {name} in [0, 1]", tensor)


def signs(function: str, sign: Tensor) -> None:
    """Raise ValueError unless every element is -1 or 1."""
    every(sign.abs() == 1, f"{function} needs sign in {{-1, 1}}", sign, "map labels 0 and 1 with 2 * label - 1")


def distribution(function: str, name: str, tensor: Tensor) -> None:
    """Raise ValueError unless the last axis is a distribution, to within the rounding of its dtype."""
    fractions(function, name, tensor)
    total, tolerance = tensor.sum(-1), max(1e-4, 4 * torch.finfo(tensor.dtype).eps)
    every((total - 1).abs() <= tolerance, f"{function} needs {name} to sum to 1 over the last axis", total)
