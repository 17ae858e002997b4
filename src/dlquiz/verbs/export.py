"""`dlquiz export`: the same questions for Anki and for a learning platform."""

from pathlib import Path
from typing import Any

import click

from dlquiz.text import plain
from dlquiz.verbs.common import DONE


@click.group()
def export() -> None:
    """Write questions for another program. What it cannot hold is listed on stderr, with the reason."""


def options(command: Any) -> Any:
    """What every export asks for."""
    for option in (
        click.option("--draws", type=click.IntRange(1, 20), default=1, show_default=True, metavar="N",
                     help="How many times to export a question whose numbers are drawn."),
        click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Which numbers, which order."),
        click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
                     help="Where to; an old file is replaced."),
        click.argument("concept", nargs=-1),
    ):  # fmt: skip
        command = option(command)
    return command


@export.command()
@options
def anki(concept: tuple[str, ...], output: Path, seed: int, draws: int) -> int:
    """Write a package that Anki imports (.apkg).

    A question is one note, with the numbers that the seed draws: Anki brings a note back as it is. With --draws 3, one
    whose numbers are drawn is three notes. Exported again, a note is updated and keeps its dates.
    """
    from dlquiz.export import anki

    return _export(anki.export, "notes", concept, output, seed, draws)


@export.command()
@options
def qti(concept: tuple[str, ...], output: Path, seed: int, draws: int) -> int:
    """Write a QTI 2.1 content package (.zip), which learning platforms import.

    Formulas and functions to write are left out: a platform can grade neither.
    """
    from dlquiz.export import qti

    return _export(qti.export, "items", concept, output, seed, draws)


def _export(write: Any, things: str, words: tuple[str, ...], output: Path, seed: int, draws: int) -> int:
    from dlquiz import shelf

    questions = [question for question in shelf.questions() if not question.retired]
    chosen = shelf.concepts((question.concept for question in questions), words)
    count, left = write([one for one in questions if one.concept in chosen], output, seed, draws)
    for one in left:
        click.echo(plain(f"left out: {one.id}: {one.why}"), err=True)
    click.echo(f"{plain(output)}: {count} {things}" + (f", {len(left)} left out" if left else ""))
    return DONE
