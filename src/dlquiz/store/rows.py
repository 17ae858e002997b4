"""What is kept: answers and flags, each a row with a checksum. Nothing here opens a file."""

import json
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dlquiz.text import plain

LATEST_US = 2**53 - 1  # the year 2255: the largest whole number that a browser keeps exactly
COMPACT = json.JSONEncoder(separators=(",", ":")).encode
LONGEST = 20_000  # characters of an answer; what goes beyond is cut


class Answer(NamedTuple):
    """One row of the log. Sorted, the answers to a question are its history, on every machine the same."""

    question: str
    at_us: int
    grade: int
    correct: bool
    answer: str
    seed: int
    hints: int
    took_ms: int
    key_sha: str
    undone: bool = False

    @property
    def identity(self) -> "Answer":
        """The same answer whether or not it was undone since: what tells two answers apart."""
        return self._replace(undone=False)


class Flag(NamedTuple):
    """A question that somebody found bad, and why; `raised` is false when they took it back."""

    question: str
    at_us: int
    note: str
    raised: bool = True


def tidy(text: str) -> str:
    """A typed text as it can be kept, exported and printed: no control characters, no half characters, not endless."""
    return plain(text.encode("utf-8", "backslashreplace").decode())[:LONGEST]


def crc(row: Sequence[object]) -> int:
    """A checksum over every field: SQLite itself does not notice a flipped bit inside a value."""
    return zlib.crc32(COMPACT(_plain_fields(row)).encode())


def crc_1(row: Sequence[object]) -> int:
    """The checksum of format 1. What `repr` prints depends on the Unicode tables of the Python at hand."""
    return zlib.crc32(repr(_plain_fields(row)).encode())


CRCS: dict[int, Callable[[Sequence[object]], int]] = {1: crc_1, 2: crc}


def _plain_fields(row: Sequence[object]) -> list[object]:
    return [int(field) if isinstance(field, bool) else field for field in row]
