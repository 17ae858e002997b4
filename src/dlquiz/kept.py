"""What was computed once and is kept for the next start.

Only ever a copy: a file that is missing, stale or damaged is computed again, and one that cannot be written is no
failure.
"""

import os
import zlib
from collections.abc import Callable

from dlquiz import places


def kept(name: str, source: object, make: Callable[[], bytes]) -> bytes:
    """What `make` returns, from the file `name` if that was written for the same source by the same dlquiz."""
    path = os.path.join(places.cache(), name)
    about = repr((source, engine())).encode()
    try:
        with open(path, "rb") as file:
            head, _, body = file.read().partition(b"\n")
    except OSError:
        head = body = b""
    if head == _head(about, body):
        return body
    body = make()
    _write(path, _head(about, body) + b"\n" + body)
    return body


def engine() -> int:
    """When the newest module of dlquiz was written: another version reads nothing that an older one kept."""
    folders = (places.HERE, os.path.join(places.HERE, "verbs"))
    modules = [entry for folder in folders for entry in os.scandir(folder) if entry.name.endswith(".py")]
    return max(entry.stat().st_mtime_ns for entry in modules)


def stamp(paths: list[str]) -> list[tuple[str, int, int]]:
    """What changes when one of these files does."""
    return [(path, (of := os.stat(path)).st_mtime_ns, of.st_size) for path in paths]


def _head(about: bytes, body: bytes) -> bytes:
    return b"%08x %s" % (zlib.crc32(body), about)


def _write(path: str, data: bytes) -> None:
    """Whole or not at all: another dlquiz may be reading."""
    half = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(half, "wb") as file:
            file.write(data)
        os.replace(half, path)
    except OSError:
        return
