"""Questions for other programs: Anki's cards, and QTI for a learning platform.

A card or a platform's item stands still, so a question with params is exported with the numbers that `seed` draws:
once, or several times with `draws`. What the other program cannot hold is left out, and said.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dlquiz.failures import BankError, QuizError
from dlquiz.question import Asked, draw
from dlquiz.schema import Drawn, Question


class ExportError(QuizError):
    """The file cannot be made, and what would make it possible."""

    code = 2


class Left(NamedTuple):
    """A question that was left out, and why."""

    id: str
    why: str


def drawn(questions: Iterable[Question], seed: int, draws: int) -> Iterator[tuple[Asked, int]]:
    """Each question with the number of its draw, counted from 0; several only where numbers are drawn."""
    for question in questions:
        varied = isinstance(question, Drawn) and bool(question.params)
        yield from ((draw(question, seed + n), n) for n in range(draws if varied else 1))


def left_out(asked: Asked) -> str:
    """Why no program can hold this question: its key cannot be computed; empty for a sound one."""
    try:
        asked.key()
    except BankError as error:
        return str(error)
    return ""


def written(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and move it there, so that a failure leaves the old one whole."""
    beside = path.with_name(f".{path.name}.part")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        beside.unlink(missing_ok=True)
