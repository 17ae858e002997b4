"""`dlquiz ask`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from dlquiz.text import plain
from dlquiz.verbs.common import DONE, FINDINGS, INTERRUPTED, USAGE, as_json, clock, need_terminal, print_json
from dlquiz.verbs.completion import ids
from dlquiz.verbs.sitting import Ahead, edit, fresh_seed, line_editing

if TYPE_CHECKING:
    from dlquiz.question import Asked


@click.command()
@click.argument("id_", metavar="ID", shell_complete=ids)
@click.option("--seed", type=int, metavar="N", help="Which numbers and which shuffle [default: 0 with --answer].")
@click.option("--answer", metavar="TEXT", help="Grade this answer and leave; - reads it from stdin.")
@click.option("--answer-file", type=click.File(encoding="utf-8"), metavar="FILE", help="Grade what stands in FILE.")
@as_json
def ask(id_: str, seed: int | None, answer: str | None, answer_file: Any, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Ask one question; nothing is saved. Exit 0 if the answer is right, 1 if it is wrong.

    A function to write is best answered from a file. It is run in a separate process with a time and memory limit;
    this is not a sandbox: the code has your rights.
    """
    from dlquiz import data, shelf
    from dlquiz.question import draw
    from dlquiz.render import Screen
    from dlquiz.session import Session

    question = shelf.find(id_)
    if answer_file is not None or answer == "-":
        answer = _read(answer_file or sys.stdin)
    if answer is not None:
        return _graded(draw(question, seed or 0), answer, as_json=as_json)
    if as_json:
        print_json({**data.shown(draw(question, seed or 0)), "version": 1})
        return DONE
    need_terminal("ask", f"dlquiz ask {question.id} --answer TEXT")
    line_editing()
    ended = Session(fresh_seed(seed), clock, input, Ahead(Screen().show, [question]), edit=edit).run([question])
    return INTERRUPTED if ended.interrupted else FINDINGS if ended.wrong else DONE


def _read(file: Any) -> str:
    """The whole answer; what is no text is a usage error."""
    try:
        return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"the answer cannot be read: {error}") from None


def _graded(asked: "Asked", answer: str, *, as_json: bool) -> int:
    from dlquiz.events import Judged
    from dlquiz.grade import grade
    from dlquiz.render import Screen
    from dlquiz.verdict import UnreadableError

    try:
        verdict = grade(asked, answer)
    except UnreadableError as error:
        if as_json:
            print_json(_judgement(asked, str(error), correct=False))
        else:
            click.echo(plain(error), err=True)
        return USAGE
    if as_json:
        print_json(_judgement(asked, verdict.message, correct=verdict.correct))
    else:
        Screen().show(Judged(asked, verdict, 0, None))
    return DONE if verdict.correct else FINDINGS


def _judgement(asked: "Asked", message: str, *, correct: bool) -> dict[str, Any]:
    return {"id": asked.id, "correct": correct, "message": message, "key": asked.key()}
