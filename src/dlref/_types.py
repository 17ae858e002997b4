"""What an argument may be: its dtype, its shape and its law, said once in the annotation.

jaxtyping executes the shapes in the tests. `tests/house` reads the laws: it draws legal values from
them, and illegal ones that the function must refuse.
"""

from dataclasses import dataclass
from typing import Annotated

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
class OneOf:
    """One of a few numbers."""

    values: tuple[float, ...]


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

# Hyper-parameters: a whole number will do.
Positive = Annotated[float | int, Above(0)]
NonNegative = Annotated[float | int, AtLeast(0)]
Share = Annotated[float | int, Between(0, 1)]
