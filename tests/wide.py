"""What infinitely wide random networks do, by one Gaussian integral per layer: nothing is drawn here.

A unit of a layer adds up so many independent products that its input is normal, of variance `gain` times the mean
square of the layer below; `gain` is fan_in Var(w). See Poole et al. 2016, Exponential expressivity in deep neural
networks through transient chaos, and Schoenholz et al. 2017, Deep information propagation.
"""

from typing import NamedTuple

import numpy as np
import torch

NODES = torch.linspace(-9, 9, 180_001, dtype=torch.float64)
DENSITY = (-NODES.square() / 2).exp() / (-NODES.square() / 2).exp().sum()


class Wide(NamedTuple):
    """For each layer, input side first: its output, and the gradients by that and by the weights of one unit."""

    mean: np.ndarray
    std: np.ndarray
    gradient_std: np.ndarray
    weight_gradient: np.ndarray


def wide(activation, gain, *, depth, residual=False):
    """Follow the mean and the mean square up, and the mean square of a gradient of 1 down."""
    means, squares, slopes = [0.0], [1.0], []
    for _ in range(depth):
        value, square, slope = gaussian(activation, gain * squares[-1])
        slopes.append(slope)
        squares.append(square + residual * (squares[-1] + 2 * means[-1] * value))
        means.append(value + residual * means[-1])
    down = [1.0]
    for slope in reversed(slopes[1:]):
        down.insert(0, down[0] * (gain * slope + residual))
    mean, square = np.array(means), np.array(squares)
    weight = np.sqrt(np.array(down) * slopes * square[:-1])
    return Wide(mean[1:], np.sqrt(square - mean**2)[1:], np.sqrt(down), weight)


def gaussian(activation, variance):
    """Return the expectation of the value, of its square and of its squared slope under a normal input."""
    z = (variance**0.5 * NODES).requires_grad_()
    value = activation(z)
    slope = torch.autograd.grad(value.sum(), z)[0]
    return [(DENSITY * each).sum().item() for each in (value.detach(), value.detach().square(), slope.square())]
