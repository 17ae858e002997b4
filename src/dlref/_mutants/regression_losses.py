"""Damaged regression losses."""

import torch
from torch import Tensor


def huber_negative_tail(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give e^2 / 2 while |e| <= delta, and a line past it."""
    error = prediction - target
    inside = error.abs() <= delta
    parabola = error.square() / 2
    line = delta * error - delta / 2  # wrong: it takes |error|, and half of delta squared.
    return torch.where(inside, parabola, line)


def absolute_percentage_error_of_prediction(prediction: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Give |e| as a fraction of the target."""
    error = prediction - target
    size = error.abs()
    whole = prediction.abs().clamp(min=eps)  # wrong: an error is a share of the target, not of the forecast.
    return size / whole


def smooth_l1_grad_huber_tail(prediction: Tensor, target: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the slope of the absolute error with its kink rounded off."""
    error = prediction - target
    inside = error.abs() <= beta
    core = error / beta
    tail = beta * error.sign()  # wrong: that is Huber's tail; this one has slope 1 or -1 for every beta.
    return torch.where(inside, core, tail)
