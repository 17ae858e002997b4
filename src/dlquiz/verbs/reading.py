"""The verbs that read questions and progress."""

import click

from dlquiz import reading
from dlquiz.verbs.common import as_json
from dlquiz.verbs.completion import concepts, ids


@click.command("list")
@click.argument("concept", nargs=-1, shell_complete=concepts)
@as_json
def list_(concept: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """List the questions: id, kind, level, and whether the key is computed or stated by a source."""
    return reading.list_(concept, as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID", shell_complete=ids)
@click.option("--seed", type=int, default=0, metavar="N", help="Which numbers and which shuffle.")
@as_json
def show(id_: str, seed: int, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Show one question with its answer, the feedback, and how the key is verified."""
    return reading.show(id_, seed, as_json=as_json)


@click.command()
@click.option("--words", is_flag=True, help="Without pictures, for a screen reader.")
@as_json
def stats(words: bool, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Show how you are doing: a calendar of activity, what is due, what you remember, and what is weak.

    Remembered is the share of right answers among those that came a day or more after the one before. A concept is weak
    where a fifth or more of its questions was wrong last time. Answers to a key that has changed since are left out.
    """
    return reading.stats(as_json=as_json, words=words)
