"""Failures that are expected: each is a line or more for the person, and an exit code. Anything else is a bug."""


class QuizError(Exception):
    """What `dlquiz` says in plain words before it leaves with `code`."""

    code = 1


class UnknownError(QuizError, LookupError):
    """A concept or a question that no bank has."""

    code = 2


class StoreError(QuizError, RuntimeError):
    """Progress cannot be read or written; one line with the file and the next step."""

    code = 3


class BankError(QuizError, ValueError):
    """A bank that cannot be used; ``file:line:column: message``, one line per fault."""

    code = 4
