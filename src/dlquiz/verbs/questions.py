"""`dlquiz list` and `dlquiz show`."""

import click

from dlquiz import reading
from dlquiz.verbs.common import as_json


@click.command("list")
@click.argument("concept", nargs=-1)
@as_json
def list_(concept: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """List the questions: id, kind, level, and whether the key is computed or stated by a source."""
    return reading.list_(concept, as_json=as_json)


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--seed", type=int, default=0, metavar="N", help="Which numbers and which shuffle.")
@as_json
def show(id_: str, seed: int, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Show one question with its answer, the feedback, and how the key is verified."""
    return reading.show(id_, seed, as_json=as_json)
