"""What torch is asked for while something runs."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero")


class Allocations(TorchDispatchMode):
    """Note how large a tensor was made, in numbers and in bytes, and every wait for the device."""

    def __init__(self, *given):
        super().__init__()
        self.numbers, self.bytes, self.waits = 0, 0, 0
        self.given = {each.untyped_storage().data_ptr() for each in given}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.waits += operation.overloadpacket.__name__ in WAITS
        for each in result if isinstance(result, tuple | list) else [result]:
            if isinstance(each, torch.Tensor) and each.untyped_storage().data_ptr() not in self.given:
                size = each.untyped_storage().nbytes()
                self.bytes, self.numbers = max(self.bytes, size), max(self.numbers, size // each.element_size())
        return result


def watched(work, *given):
    """Say what `work` asks for beside the tensors that are given: in one thread, for others are not seen here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with Allocations(*given) as watch:
            work()
    finally:
        torch.set_num_threads(before)
    return watch
