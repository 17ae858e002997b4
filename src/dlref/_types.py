"""What an argument may be: its dtype, its shape and its law, said once in the annotation.

jaxtyping executes the shapes in the tests. `tests/house` reads the laws: it draws legal values from
them, and illegal ones that the function must refuse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Bool, Float, Integer, Real
from torch import Tensor


@dataclass(frozen=True)
class Above:
    """Greater than `bound`."""

    bound: float


@dataclass(frozen=True)
class AtLeast:
    """Finite, and `bound` or greater."""

    bound: float


@dataclass(frozen=True)
class Between:
    """From `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True)
class FromUpTo:
    """From `low`, included, up to `high`, not included."""

    low: float
    high: float


@dataclass(frozen=True)
class OneOf:
    """One of a few numbers, or of a few names."""

    values: tuple[float | str, ...]


@dataclass(frozen=True)
class Distribution:
    """Nothing negative, and a sum of 1 over the last axis."""


@dataclass(frozen=True)
class OneHot:
    """A single 1 on the last axis, and zeros."""


@dataclass(frozen=True)
class IndexInto:
    """A whole number from 0 up to, not including, the size of the axis `axis`."""

    axis: str


@dataclass(frozen=True)
class DivisorOf:
    """A whole number, 1 or greater, that divides the size of the axis `axis`."""

    axis: str


@dataclass(frozen=True)
class Finite:
    """Any number but an infinite one and nan."""


@dataclass(frozen=True)
class Whole:
    """A whole number, `least` or greater."""

    least: int


@dataclass(frozen=True)
class Axes:
    """A shape: whole numbers, 0 or greater, and at least so many of them."""

    least: int


# Element-wise arguments: `#` lets them broadcast, and the value has the broadcast shape.
Values = Float[Tensor, "*#shape"]
Targets = Real[Tensor, "*#shape"] | Bool[Tensor, "*#shape"]
Result = Float[Tensor, "*shape"]
Rates = Annotated[Values, AtLeast(0)]
Counts = Annotated[Targets, AtLeast(0)]
ValuesAboveMinusOne = Annotated[Values, Above(-1)]
TargetsAboveMinusOne = Annotated[Targets, Above(-1)]
Probabilities = Annotated[Values, Between(0, 1)]
TargetProbabilities = Annotated[Targets, Between(0, 1)]
Labels = Annotated[Targets, OneOf((0, 1))]
Signs = Annotated[Targets, OneOf((-1, 1))]

# One vector per example, on the last axis.
Vectors = Float[Tensor, "*#batch features"]
TargetVectors = Real[Tensor, "*#batch features"] | Bool[Tensor, "*#batch features"]
Logits = Float[Tensor, "*#batch classes"]
TargetLogits = Real[Tensor, "*#batch classes"] | Bool[Tensor, "*#batch classes"]
Distributions = Annotated[Logits, Distribution()]
TargetDistributions = Annotated[TargetLogits, Distribution()]
OneHots = Annotated[TargetLogits, OneHot()]
IndexedLogits = Float[Tensor, "*batch classes"]  # an index belongs to one row: nothing broadcasts
Indices = Annotated[Integer[Tensor, "*batch"], IndexInto("classes")]
PerExample = Float[Tensor, "*batch"]
PerFeature = Float[Tensor, "*batch features"]
PerClass = Float[Tensor, "*batch classes"]
Jacobians = Float[Tensor, "*batch classes _"]  # of each value by each entry of its vector, on the last axis

# Parameters: no example's own, so they have no axis of the batch.
Channelled = Float[Tensor, "*shape"]  # channels, where there are any, on axis 1
Slopes = Float[Tensor, ""] | Float[Tensor, "channels"]
Inputs = Float[Tensor, "*batch inputs"]
Weights = Float[Tensor, "pieces outputs inputs"]
Biases = Float[Tensor, "pieces outputs"]

# A layer's input, and its weights: one for each channel, on axis 1, or for each feature, on the last axis.
Maps = Float[Tensor, "rows channels *places"]
ChannelWeights = Float[Tensor, "channels"]
Variances = Annotated[ChannelWeights, AtLeast(0)]
Features = Float[Tensor, "*batch features"]
FeatureWeights = Float[Tensor, "features"]
Kernel = Float[Tensor, "channels inputs *kernel"]
Pull = Float[Tensor, "..."]  # a gradient, in the shape of what it is the gradient of

# What an optimizer moves, and whatever has an entry for each entry of it.
Parameter = Float[Tensor, "*shape"]

# Clusters of rows: how many there are of either has no bearing on the other.
Table = Float[Tensor, "rows features"]
Centroids = Float[Tensor, "clusters features"]
ClusterLabels = Integer[Tensor, "rows"]
PerRow = Float[Tensor, "rows"]
PerCluster = Float[Tensor, "clusters"]

# Hyper-parameters: a whole number will do.
Positive = Annotated[float | int, Above(0)]
NonNegative = Annotated[float | int, AtLeast(0)]
Share = Annotated[float | int, Between(0, 1)]
Decay = Annotated[float | int, FromUpTo(0, 1)]
Approximation = Annotated[str, OneOf(("none", "tanh"))]
Receiver = Annotated[str, OneOf(("outputs", "weights"))]
DividesChannels = Annotated[int, DivisorOf("channels")]
Number = Annotated[float | int, Finite()]
Count = Annotated[int, Whole(1)]
Iterations = Annotated[int, Whole(0)]

# A tensor to make, and tensors of any shape.
Shape = Annotated[Sequence[int], Axes(0)]
LayerShape = Annotated[Sequence[int], Axes(2)]
Device = torch.device | str | int | None
Array = Float[Tensor, "..."]
Arrays = Array | Sequence[Array]
Square = Float[Tensor, "units units"]
PerLayer = Float[Tensor, "layers"]
PerStep = Float[Tensor, "steps"]
Scalar = Float[Tensor, ""]
Units = Float[Tensor, "units"]
Recent = Float[Tensor, "pairs units"]  # one row for each step that is remembered, the oldest first
Path = Float[Tensor, "points ..."]

# What a solver is given: a number to make small, or the product with a matrix.
Objective = Callable[[Array], Scalar]
Product = Callable[[Array], Array]


# Rows of numbers, and what PCA finds in them.
Matrix = Float[Tensor, "rows columns"]
Symmetric = Float[Tensor, "columns columns"]
Principal = Float[Tensor, "axes columns"]
PerAxis = Float[Tensor, "axes"]
PerColumn = Float[Tensor, "columns"]
