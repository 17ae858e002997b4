"""What grading comes to: a verdict, or the refusal of an answer that nobody can read."""

from msgspec import Struct

from dlquiz.question import Key


class Verdict(Struct, frozen=True):
    """`score` is 1 for a right answer, and the share that was right for a kind that has parts."""

    correct: bool
    message: str
    key: Key
    score: float


class UnreadableError(Exception):
    """An answer that cannot be graded. The message says what to type instead, `column` where the trouble is."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column
