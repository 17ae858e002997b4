"""Damaged regression losses."""

import math

import torch
from torch import Tensor


def huber_negative_tail(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give e^2 / 2 while |e| <= delta, and a line past it."""
    error = prediction - target
    inside = error.abs() <= delta
    parabola = error.square() / 2
    # right: `line = delta * (error.abs() - delta / 2)`
    line = delta * error - delta / 2  # wrong: it takes |error|, and half of delta squared.
    return torch.where(inside, parabola, line)


def absolute_percentage_error_of_prediction(prediction: Tensor, target: Tensor, *, eps: float = 1e-7) -> Tensor:
    """Give |e| as a fraction of the target."""
    error = prediction - target
    size = error.abs()
    # right: `whole = target.abs().clamp(min=eps)`
    whole = prediction.abs().clamp(min=eps)  # wrong: an error is a share of the target, not of the forecast.
    return size / whole


def smooth_l1_grad_huber_tail(prediction: Tensor, target: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the slope of the absolute error with its kink rounded off."""
    error = prediction - target
    inside = error.abs() <= beta
    core = error / beta
    # right: `tail = error.sign()`
    tail = beta * error.sign()  # wrong: that is Huber's tail; this one has slope 1 or -1 for every beta.
    return torch.where(inside, core, tail)


def huber_whole_delta(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give e^2 / 2 while |e| <= delta, and a line past it."""
    size = (prediction - target).abs()
    line = delta * (size - delta)  # wrong: half of delta is taken off, or the two branches do not meet.
    return torch.where(size <= delta, size.square() / 2, line)


def huber_square_twice(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give e^2 / 2 while |e| <= delta, and a line past it."""
    size = (prediction - target).abs()
    square = size.square()  # wrong: half of it, or the slope at delta is twice that of the line.
    return torch.where(size <= delta, square, delta * (size - delta / 2))


def huber_of_beta(prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give e^2 / 2 while |e| <= delta, and a line past it."""
    size = (prediction - target).abs()
    core = size.clamp(max=delta)
    return core / delta * (size - core / 2)  # wrong: that is smooth L1, Huber divided by delta.


def log_cosh_as_written(prediction: Tensor, target: Tensor) -> Tensor:
    """Give log(cosh(e))."""
    error = prediction - target
    return error.cosh().log()  # wrong: cosh overflows where its logarithm is a small number.


def log_cosh_without_log_2(prediction: Tensor, target: Tensor) -> Tensor:
    """Give log(cosh(e)), however large the error is."""
    size = (prediction - target).abs()
    return size + (-2 * size).exp().log1p()  # wrong: cosh is half of the sum, so log 2 is to be taken off.


def log_cosh_tail_everywhere(prediction: Tensor, target: Tensor) -> Tensor:
    """Give log(cosh(e)), however large the error is."""
    size = (prediction - target).abs()
    return (size - math.log(2)).relu()  # wrong: that is the tail; near zero the value is e^2 / 2.
