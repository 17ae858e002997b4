"""`dlquiz review` and `dlquiz ask`."""

from typing import TYPE_CHECKING, Any

import click

from dlquiz.text import plain
from dlquiz.verbs.common import DONE, FINDINGS, INTERRUPTED, USAGE, as_json, clock, need_terminal, print_json

if TYPE_CHECKING:
    from dlquiz.question import Asked
    from dlquiz.schema import Question
    from dlquiz.session import Ended


@click.command()
@click.argument("concept", nargs=-1)
@click.option("-n", "limit", default=20, show_default=True, metavar="N", help="At most N questions.")
@click.option("--new", default=5, show_default=True, metavar="N", help="At most N questions never seen before.")
@click.option("--no-save", is_flag=True, help="Leave progress as it is.")
@click.option("--seed", type=int, metavar="N", help="Draw the same numbers and shuffles again.")
def review(concept: tuple[str, ...], limit: int, new: int, no_save: bool, seed: int | None) -> int:  # noqa: FBT001  # click's calling convention
    """Answer what is due, then something new, concepts in turn.

    CONCEPT is a word: `losses` takes every concept that bears it. Without one, all concepts.
    """
    from dlquiz import shelf
    from dlquiz.schedule import queue
    from dlquiz.store import Store, default_path

    need_terminal("review", "dlquiz ask ID --answer TEXT")
    questions = [question for question in shelf.questions() if not question.retired]
    chosen = shelf.concepts((question.concept for question in questions), concept)
    pool = {question.first_id: question for question in questions if question.concept in chosen}
    with Store(default_path(), create=not no_save) as store:
        due = store.due()
        order = queue(list(pool), {id_: one.concept for id_, one in pool.items()}, due, clock(), new)[:limit]
        if not order:
            return _nothing(pool, due)
        ended = _session([pool[id_] for id_ in order], seed, None if no_save else store.record)
        return INTERRUPTED if ended.interrupted else DONE


def _nothing(pool: "dict[str, Question]", due: dict[str, int]) -> int:
    from dlquiz.words import until

    coming = [due[id_] for id_ in pool if id_ in due]
    when = f"; the next comes {until((min(coming) - clock()) // 10**6)}" if coming else ""
    click.echo(f"Nothing is due{when}. Type dlquiz list for every question, dlquiz ask ID to try one.")
    return DONE


def _session(questions: "list[Question]", seed: int | None, save: Any = None) -> "Ended":
    import contextlib
    import secrets

    from dlquiz.render import Screen
    from dlquiz.session import Session

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # input() gets line editing and a history from it

    seed = secrets.randbelow(2**31) if seed is None else seed
    return Session(seed, clock, input, Screen().show, save).run(questions)


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--seed", type=int, metavar="N", help="Which numbers and which shuffle [default: 0 with --answer].")
@click.option("--answer", metavar="TEXT", help="Grade this answer and leave.")
@as_json
def ask(id_: str, seed: int | None, answer: str | None, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Ask one question; nothing is saved. Exit 0 if the answer is right, 1 if it is wrong."""
    from dlquiz import data, shelf
    from dlquiz.question import draw

    question = shelf.find(shelf.questions(), id_)
    if answer is not None:
        return _graded(draw(question, seed or 0), answer, as_json=as_json)
    if as_json:
        print_json({**data.shown(draw(question, seed or 0)), "version": 1})
        return DONE
    need_terminal("ask", f"dlquiz ask {question.id} --answer TEXT")
    ended = _session([question], seed)
    return INTERRUPTED if ended.interrupted else FINDINGS if ended.wrong else DONE


def _graded(asked: "Asked", answer: str, *, as_json: bool) -> int:
    from dlquiz.grade import UnreadableError, grade
    from dlquiz.render import Screen
    from dlquiz.session import Judged

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
