"""Every derivation, checked once in a run: by the first test that asks, on the worker that has all its tests."""

import functools

import pytest

from dldocs import verdicts
from dlref.derivations import Derivation, load, names

# The tests of one derivation stay together, so that no other worker checks it again.
TOGETHER = {name: pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names()}
each_derivation = pytest.mark.parametrize("name", TOGETHER.values())


@functools.cache
def checked(name: str) -> Derivation:
    """Checked now, whatever an earlier run found; the verdict is kept for the site that the tests build."""
    derivation = load(name)
    verdicts.keep(derivation, verdicts.checked(derivation))
    return derivation
