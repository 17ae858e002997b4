"""`dlquiz review`."""

from typing import TYPE_CHECKING, Any

import click

from dlquiz.verbs.common import DONE, INTERRUPTED, clock, need_terminal
from dlquiz.verbs.completion import concepts
from dlquiz.verbs.sitting import Ahead, at_most, edit, fresh_seed, later, line_editing, no_save, pool

if TYPE_CHECKING:
    from datetime import date

    from dlquiz.schema import Question
    from dlquiz.session import Session
    from dlquiz.store import Store


@click.command()
@click.argument("concept", nargs=-1, shell_complete=concepts)
@at_most
@click.option("--new", type=click.IntRange(0), metavar="N", help="At most N questions never seen before [default: 5].")
@click.option(
    "--by",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    callback=later,
    metavar="DATE",
    help="An interview on DATE, as 2027-01-31: everything comes back before it.",
)
@no_save
@click.option("--seed", type=int, metavar="N", help="Draw the same numbers and shuffles again.")
def review(  # click's calling convention
    *, concept: tuple[str, ...], limit: int, new: int | None, day: "date | None", no_save: bool, seed: int | None
) -> int:
    """Answer what is due, then something new, concepts in turn.

    CONCEPT is a word: `losses` takes every concept that bears it. Without one, all concepts.

    Every answer is saved at once, so that a session may be left at any time and the next one goes on from there.

    With --by no question waits longer than the days that are left, and as many new ones are asked as will show you all
    of them in time. Give it again each time until that day; what is saved is the same with it and without.
    """
    from dlquiz import shelf
    from dlquiz.schedule import days_left, queue
    from dlquiz.store import Store, default_path

    need_terminal("review", "dlquiz ask ID --answer TEXT")
    rows, now = pool(concept), clock()
    days = None if day is None else max(days_left(day, now), 1)
    with Store(default_path(), create=not no_save) as store:
        due = dates(store, days)
        new = new_ones(rows, due, days) if new is None else new
        belongs = {id_: row["concept"] for id_, row in rows.items()}
        order = queue(list(rows), belongs, due, now, new)[:limit]
        if not order:
            return _nothing(rows, due)
        chosen = shelf.questions(rows[id_] for id_ in order)
        ended = session(store, chosen, fresh_seed(seed), days, save=not no_save).run(chosen)
        return INTERRUPTED if ended.interrupted else DONE


def dates(store: "Store", days: int | None) -> dict[str, int]:
    """When each question is due, none later than in so many days from its last answer."""
    from dlquiz.schedule import within

    if days is None:
        return store.due()
    return {question: within(state, days) for question, state in store.cards().items()}


def new_ones(rows: "dict[str, Any]", due: dict[str, int], days: int | None) -> int:
    """How many new questions a session has: five, or what shows them all before the day."""
    unseen = len(rows.keys() - due.keys())
    return 5 if days is None else -(-unseen // days)


def session(store: "Store", questions: "list[Question]", seed: int, days: int | None, *, save: bool) -> "Session":
    """A session at this terminal, which keeps answers and flags if they are to be saved."""
    from dlquiz.render import Screen
    from dlquiz.schedule import State, within
    from dlquiz.session import Session
    from dlquiz.store import Answer

    def record(answer: Answer) -> State:
        state = store.record(answer)
        return state if days is None else State(within(state, days), state.fsrs)

    def undo(question: str) -> object:
        return store.undo_all(lambda answers: [one for one in answers if one.question == question][-1:])

    line_editing()
    show = Ahead(Screen().show, questions)
    changed = store.changed_keys(questions)
    if not save:
        return Session(seed, clock, input, show, changed=changed, pause=True, edit=edit)
    return Session(seed, clock, input, show, record, undo, store.flag, changed, pause=True, edit=edit)


def _nothing(rows: "dict[str, Any]", due: dict[str, int]) -> int:
    from dlquiz.words import until

    coming = [due[id_] for id_ in rows if id_ in due]
    when = f"; the next comes {until((min(coming) - clock()) // 10**6)}" if coming else ""
    click.echo(f"Nothing is due{when}. Type dlquiz list for every question, dlquiz ask ID to try one.")
    return DONE
