"""Rows from wherever they are: a tensor, an array, a file mapped into memory, or batches that are read one by one."""

import math
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlref._checks import require

Data = Tensor | np.ndarray | Iterable[Tensor] | Iterable[np.ndarray]  # rows×width, whole or in batches
READ = 2**19  # numbers that are copied at a time
WIDE = (torch.float32, torch.float64)


class Batches:
    """Floating matrices of one width, dtype and device, with finite rows; every iteration reads them from the start.

    A tensor is cut into views of itself, and so is an array that may be written to; of other arrays, such as a file
    that is mapped to be read, one batch at a time is copied. Half precision comes as float32. The first pass looks for
    nan and infinity, which costs a wait for the device; later passes trust it. Without `rows`, what needs no copy comes
    in one piece. `function` is who refuses what does not fit. `once` says that one pass is enough, so a generator will
    do; otherwise each pass must be able to start anew.
    """

    def __init__(self, data: Data, rows: int | None, function: str, *, once: bool = False) -> None:
        self.rows, self.function = rows or _at_once(data), function
        self._trusted = False
        self._source: Iterable[Any] = _Rows(data, self.rows) if isinstance(data, Tensor | np.ndarray) else data
        first, rest = self._opened(once=once)
        if once:
            self._source = chain([first], rest)
        first = self._matrix(first)
        self.width, self.dtype, self.device = first.shape[1], first.dtype, first.device
        require(self.width >= 1, "{} needs rows of one number or more, got shape {}", function, tuple(first.shape))

    def __iter__(self) -> Iterator[Tensor]:
        start = 0
        for batch in self._source:
            for part in self._fitting(batch).split(self.rows):
                if not self._trusted:
                    self._finite(part, start)
                start += len(part)
                yield part
        self._trusted = True

    @property
    def whole(self) -> Tensor | None:
        """The matrix, where it comes in one piece."""
        array = self._source.array if isinstance(self._source, _Rows) else None
        return None if array is None or len(array) > self.rows else self._matrix(array)

    def _opened(self, *, once: bool) -> tuple[Any, Iterator[Any]]:
        kind = type(self._source).__name__
        if not isinstance(self._source, Iterable):
            raise TypeError(f"{self.function} needs a tensor, an array or batches of rows, got {kind}")
        rest = iter(self._source)
        again = "pass a list, or an object whose __iter__ starts anew"
        law = "{} needs batches that can be read again, got a {}, which can be read once: " + again
        require(once or rest is not self._source, law, self.function, kind)
        first = next(rest, None)
        law = "{} needs one batch or more, got none: pass rows of shape (0, width) where there are none"
        require(first is not None, law, self.function)
        return first, rest

    def _fitting(self, batch: Any) -> Tensor:
        matrix = self._matrix(batch)
        got, want = (matrix.shape[1], matrix.dtype, matrix.device), (self.width, self.dtype, self.device)
        for what, one, other in zip(("width", "dtype", "device"), got, want, strict=True):
            law = "{} needs batches of one {}, got {} after {}"
            require(one == other, law, self.function, what, one, other)
        return matrix

    def _matrix(self, batch: Any) -> Tensor:
        tensor = _tensor(batch) if isinstance(batch, np.ndarray) and batch.dtype.kind == "f" else batch
        kind = getattr(tensor, "dtype", type(tensor).__name__)
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            raise TypeError(f"{self.function} needs floating rows, got {kind}: convert them with .float()")
        law = "{} needs a matrix with a row for each example, got shape {}"
        require(tensor.ndim == 2, law, self.function, tuple(tensor.shape))
        return tensor.detach().to(tensor.dtype if tensor.dtype in WIDE else torch.float32)

    def _finite(self, part: Tensor, start: int) -> None:
        # A sum is finite where all is, unless it overflows; only then every number is looked at.
        if part.sum().isfinite() or (fine := part.isfinite()).all():
            return
        row, column = (~fine).nonzero()[0].tolist()
        law = "{} needs finite rows, got {} in row {}: leave it out, or fill it in"
        require(False, law, self.function, part[row, column].item(), start + row)  # noqa: FBT003  (it is refused here)


class _Rows:
    # An array as an iterable of runs of its rows: nothing is read before its turn comes.
    def __init__(self, array: Tensor | np.ndarray, rows: int) -> None:
        self.array, self.rows = array, rows

    def __iter__(self) -> Iterator[Tensor | np.ndarray]:
        if self.array.ndim == 0 or len(self.array) <= self.rows:
            yield self.array
            return
        for start in range(0, len(self.array), self.rows):
            yield self.array[start : start + self.rows]


def _at_once(data: Data) -> int:
    shape = getattr(data, "shape", ())
    copied = max(1, READ // max(1, math.prod(shape[1:])))
    return max(copied, shape[0]) if shape and _shared(data) else copied


def _shared(data: Data) -> bool:
    # Whether a view of it will do as it is.
    if isinstance(data, np.ndarray):
        return data.dtype in (np.float32, np.float64) and data.flags.carray
    return isinstance(data, Tensor) and data.dtype in WIDE


def _tensor(array: np.ndarray) -> Tensor:
    # torch writes through what it shares, so it must not share what may only be read.
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return torch.from_numpy(native if native.flags.writeable else native.copy())
