"""What earlier builds found out, so that a build checks again only what has changed.

A verdict is kept under a hash of everything it rests on: the steps, where they hold, the checker's own source, and
the versions of sympy and mpmath. The tests check everything, every time: they only leave their verdicts to the site
that they build.
"""

import functools
import hashlib
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mpmath
import sympy

import dlref.derivations
from dlref.derivations import Derivation, Proof

STORE = Path(__file__).resolve().parents[2] / ".cache" / "verdicts"
_seconds: dict[str, float] = {}


def verified(derivation: Derivation) -> Derivation:
    """The derivation checked, or handed the verdict that the same derivation earned before."""
    path = STORE / f"{key(derivation)}.json"
    if path.is_file():
        found = json.loads(path.read_text())
        derivation.points = [{}] * found["points"]  # the level says how many there were, and nothing else asks
        derivation.proofs = [Proof(**proof) for proof in found["proofs"]]
    else:
        found = checked(derivation)
        keep(derivation, found)
    _seconds[derivation.name] = found["seconds"]
    return derivation


def checked(derivation: Derivation) -> dict[str, Any]:
    """The verdict of a check that runs now."""
    start = time.process_time()
    derivation.check()
    proofs = [asdict(proof) for proof in derivation.proofs]
    return {"proofs": proofs, "points": len(derivation.points), "seconds": time.process_time() - start}


def keep(derivation: Derivation, found: dict[str, Any]) -> None:
    """Leave a verdict to later builds; it appears whole or not at all, for two may be at work."""
    STORE.mkdir(parents=True, exist_ok=True)
    unfinished = STORE / f"{os.getpid()}.part"
    unfinished.write_text(json.dumps(found))
    unfinished.replace(STORE / f"{key(derivation)}.json")


def seconds(name: str) -> float:
    """The processor time of the check that the verdict stands on."""
    return _seconds[name]


def key(derivation: Derivation) -> str:
    """A hash of all that the verdict rests on; the title and the reasons may change without a new check."""
    steps = [(sympy.srepr(line), step.relation, str(step.touch), step.argued) for line, step in steps_of(derivation)]
    where = [derivation.name, derivation.kinks, derivation.poles, derivation.sizes, derivation.expect]
    domains = sorted((str(s), str(s.domain)) for s in derivation.space.symbols)
    vectors = sorted((str(v), str(v.shape), str(v.label.domain)) for v in derivation.space.vectors)
    rests = (steps, [str(part) for part in where], domains, vectors, checker())
    return hashlib.sha256(repr(rests).encode()).hexdigest()


def steps_of(derivation: Derivation) -> list[tuple[Any, Any]]:
    """Each line with every name unfolded, beside its step."""
    return list(zip(derivation.lines, derivation.steps, strict=True))


@functools.cache
def checker() -> str:
    """A hash of the checker's source and of the libraries it trusts."""
    sources = sorted(Path(dlref.derivations.__path__[0]).glob("_*.py"))
    code = b"".join(source.read_bytes() for source in sources)
    return hashlib.sha256(code).hexdigest() + sympy.__version__ + mpmath.__version__
