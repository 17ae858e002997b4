"""A session at this terminal: what `review`, `exam` and `ask` have in common."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime

    from dlquiz.events import Event
    from dlquiz.schema import Question

at_most = click.option(
    "-n", "limit", type=click.IntRange(1), default=20, show_default=True, metavar="N", help="At most N questions."
)
no_save = click.option("--no-save", is_flag=True, help="Leave progress as it is.")


def pool(concept: "Sequence[str]") -> "dict[str, dict[str, Any]]":
    """The rows of the wanted concepts' questions, by the name their progress is kept under."""
    from dlquiz import shelf

    rows = shelf.rows()
    chosen = shelf.concepts((row["concept"] for row in rows), concept)
    return {row["first_id"]: row for row in rows if row["concept"] in chosen}


def later(_: click.Context, __: click.Parameter, day: "datetime | None") -> "date | None":
    """A day that has not begun yet."""
    from datetime import date

    if day is not None and day.date() <= (today := date.today()):  # the learner's own calendar
        raise click.BadParameter(f"{day.date()} is not after today, {today}; give the day of the interview")
    return day and day.date()


def fresh_seed(seed: int | None) -> int:
    """The seed that was asked for, or a new one."""
    from random import randrange

    return randrange(2**31) if seed is None else seed  # noqa: S311  # a shuffle, no secret


def line_editing() -> None:
    """Give `input` a history and keys to move by, where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # importing it is all it takes


def edit(text: str) -> str | None:
    """The text as it was saved in $VISUAL or $EDITOR; None if it was not."""
    return click.edit(text, extension=".py")


class Ahead:
    """Shows events; while the learner reads the first, loads what keys are computed with: torch takes seconds."""

    def __init__(self, show: "Callable[[Event], None]", questions: "Iterable[Question]") -> None:
        self.show = show
        self.names = sorted({question.ref for question in questions if computes(question)})

    def __call__(self, event: "Event") -> None:
        from threading import Thread

        self.show(event)
        names, self.names = self.names, []
        if names:
            Thread(target=_load, args=(names,), daemon=True).start()


def _load(names: list[str]) -> None:
    from dlquiz import registry

    for name in names:
        with contextlib.suppress(Exception):  # whoever grades meets it again, and says it
            registry.reference(name)


def computes(question: "Question") -> bool:
    """Whether to grade this question takes a reference function."""
    from dlquiz import schema

    if isinstance(question, schema.Number):
        return bool(question.answer.call or question.given or any(mistake.call for mistake in question.mistakes))
    return isinstance(question, schema.Bug | schema.Code) or (
        isinstance(question, schema.Order) and bool(question.given)
    )
