"""`dlquiz progress undo` and `forget`."""

from typing import TYPE_CHECKING

import click

from dlquiz.text import plain
from dlquiz.verbs.common import FINDINGS, clock
from dlquiz.verbs.completion import ids
from dlquiz.verbs.sure import day, say, sure, yes
from dlquiz.words import times

if TYPE_CHECKING:
    from dlquiz.store import Answer


@click.command(short_help="Take back the last answer, or the last N.")
@click.argument("count", metavar="[N]", default=1, type=click.IntRange(min=1))
@click.option("--future", is_flag=True, help="Take back every answer dated in the future, by a clock that was wrong.")
@yes
def undo(count: int, future: bool, yes: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Take back the last answer, or the last N: as if they had not been given.

    They stay in the file, marked as undone.
    """
    from dlquiz.store import Store, default_path

    place, now = default_path(), clock()
    with Store(place, create=place.exists()) as store:
        live = [answer for answer in store.log() if not answer.undone]
        chosen = [answer for answer in live if answer.at_us > now] if future else live[-count:]
        if not chosen:
            return say("There is no answer to take back.")
        click.echo("\n".join(_line(answer) for answer in reversed(chosen)), err=True)
        if not sure(f"Take back {_these(len(chosen))}?", yes=yes):
            return FINDINGS
        gone = {*chosen}
        undone = store.undo_all(lambda answers: [answer for answer in answers if answer in gone])
    return say(f"{times(len(undone), 'answer')} taken back.")


def _line(answer: "Answer") -> str:
    return f"{day(answer.at_us)}  {'right' if answer.correct else 'wrong'}  {answer.question}"


def _these(count: int) -> str:
    return "this answer" if count == 1 else f"these {count} answers"


@click.command(short_help="Delete every answer to a question.")
@click.argument("id_", metavar="ID", shell_complete=ids)
@yes
def forget(id_: str, yes: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Delete every answer to the question ID, and its flags: it is new again. A backup is made first."""
    from dlquiz.store import Store, default_path

    place = default_path()
    with Store(place, create=place.exists()) as store:
        rows = [row.question for row in (*store.log(), *store.flags())]
        question = _kept_under(id_, rows)
        answers = sum(one == question for one in rows)
        if not answers:
            return say(f"{plain(id_)} was never answered.")
        if not sure(f"Delete {times(answers, 'answer')} to {question}, flags counted in?", yes=yes):
            return FINDINGS
        return say(f"{times(store.forget(question), 'answer')} deleted.")


def _kept_under(id_: str, rows: list[str]) -> str:
    """The name that progress on this question has: its own, or the first it had in its bank."""
    if id_ in rows:
        return id_
    from dlquiz import shelf

    return shelf.find(id_).first_id
