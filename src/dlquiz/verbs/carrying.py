"""`dlquiz progress export` and `import`."""

from pathlib import Path

import click

from dlquiz.text import plain
from dlquiz.verbs.common import DONE, FINDINGS, clock
from dlquiz.verbs.sure import say, sure, yes
from dlquiz.words import times


@click.command(short_help="Write every answer and flag as JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write FILE, not stdout.")
@yes
def export(output: Path | None, yes: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Write every answer and flag as JSON, for `dlquiz progress import` on another machine."""
    from dlquiz import exchange
    from dlquiz.store import Store, default_path

    with Store(default_path(), create=False) as store:
        answers, text = len(store.log()), exchange.dump(store.log(), store.flags())
    if output is None:
        click.echo(text, nl=False)
        return DONE
    if output.exists() and not sure(f"{plain(output)} exists. Write over it?", yes=yes):
        return FINDINGS
    exchange.write(output, text)
    return say(f"{times(answers, 'answer')} in {plain(output)}.")


@click.command("import", short_help="Add the answers of a file made by export.")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> int:
    """Add the answers of FILE, from another machine or from the site, that are not here yet.

    Importing twice changes nothing more. An answer undone on either side is undone. Answers to questions that no bank
    has are kept. A backup is made first.
    """
    from dlquiz import exchange, shelf
    from dlquiz.store import Store, default_path

    names = _first_ids(shelf.questions())
    answers, flags = exchange.load(file, names)
    with Store(default_path()) as store:
        merged = store.merge(answers, flags)
    known, now = {*names.values()}, clock()
    notes = [
        (merged.undone, "now undone"),
        (merged.flags, "flag" if merged.flags == 1 else "flags"),
        (sum(answer.question not in known for answer in answers), "to questions that no bank has"),
        (sum(answer.at_us > now for answer in answers), "dated in the future (dlquiz doctor)"),
    ]
    said = [f"{times(merged.answers, 'answer')} added, {len(answers) - merged.answers} known already"]
    return say(", ".join([*said, *(f"{count} {what}" for count, what in notes if count)]) + ".")


def _first_ids(questions: list) -> dict[str, str]:
    return {id_: question.first_id for question in questions for id_ in (*question.was, question.id)}
