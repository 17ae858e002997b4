"""`dlquiz exam`."""

import contextlib
from collections.abc import Callable, Iterator

import click

from dlquiz.verbs.common import DONE, INTERRUPTED, clock, need_terminal
from dlquiz.verbs.completion import concepts
from dlquiz.verbs.sitting import Ahead, at_most, edit, fresh_seed, line_editing, no_save, pool


@click.command()
@click.argument("concept", nargs=-1, shell_complete=concepts)
@at_most
@click.option(
    "--minutes", type=click.IntRange(1, 600), default=30, show_default=True, metavar="N", help="The time for all."
)
@click.option("--seed", type=int, metavar="N", help="The same exam again: questions, order and numbers.")
@no_save
def exam(*, concept: tuple[str, ...], limit: int, minutes: int, seed: int | None, no_save: bool) -> int:
    """Sit a mock exam: so many questions, so much time, no feedback before the report at the end.

    CONCEPT is a word: `losses` takes every concept that bears it. Without one, all concepts.

    There are no hints and no second tries. `!` puts a question off until the others are done; q hands in. What nobody
    can read does not count and may be typed again. When the time is over, the report comes by itself.

    Every answer is saved as in a review: right ones come back later, wrong ones soon. What was not answered is not
    saved. With --no-save progress stays as it is.
    """
    from dlquiz import shelf
    from dlquiz.exam import Exam, paper
    from dlquiz.render import Screen
    from dlquiz.store import Store, default_path

    need_terminal("exam", "dlquiz ask ID --answer TEXT")
    seed = fresh_seed(seed)
    chosen = shelf.questions(paper(list(pool(concept).values()), limit, seed))
    with Store(default_path(), create=not no_save) as store:
        end = clock() + minutes * 60 * 10**6
        line_editing()
        save = None if no_save else store.record
        show = Ahead(Screen().show, chosen)
        sitting = Exam(seed, minutes * 60, clock, lambda prompt: timed(prompt, end), show, save, edit)
        report = sitting.run(chosen)
    again = " ".join(["dlquiz exam", *concept, f"-n {limit} --minutes {minutes} --seed {seed}"])
    click.echo(f"\nThe same exam again: {again}")
    return INTERRUPTED if report.end == "interrupted" else DONE


def timed(prompt: str, end_us: int, read: Callable[[str], str] = input) -> str:
    """A line from the learner, unless the time is over first."""
    from dlquiz.exam import TimeOverError

    left = (end_us - clock()) / 10**6
    if left <= 0:
        raise TimeOverError
    with _alarm(left):
        return read(prompt)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `TimeOverError` in so many seconds; where a system has no alarms, the next line comes too late instead."""
    import signal

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _over(*_: object) -> None:
    from dlquiz.exam import TimeOverError

    raise TimeOverError
