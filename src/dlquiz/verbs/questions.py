"""`dlquiz list` and `dlquiz show`."""

import click

from dlquiz.verbs.common import DONE, as_json, live, print_json


@click.command("list")
@click.argument("concept", nargs=-1)
@as_json
def list_(concept: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """List the questions: id, kind, level, and whether the key is computed or stated by a source."""
    from dlquiz import bank, data

    questions = bank.read_all()
    chosen = bank.concepts(questions, concept)
    rows = [data.row(question) for question in live(questions) if question.concept in chosen]
    if as_json:
        print_json(rows)
        return DONE
    width = max((len(row["id"]) for row in rows), default=0)
    for name in chosen:
        click.echo(name)
        for row in rows:
            if row["concept"] == name:
                click.echo(f"  {row['id']:{width}}  {row['kind']:9}  {row['level']}  {row['verified']}")
    return DONE


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--seed", type=int, default=0, metavar="N", help="Which numbers and which shuffle.")
@as_json
def show(id_: str, seed: int, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Show one question with its answer, the feedback, and how the key is verified."""
    from dlquiz import bank, data
    from dlquiz.question import draw

    question = bank.find(bank.read_all(), id_)
    asked = draw(question, seed)
    if as_json:
        solution = {"key": asked.key(), "explain": asked.explain}
        print_json({**data.shown(asked), **data.row(question), **solution, "version": 1})
        return DONE
    from dlquiz.render import Screen
    from dlquiz.verified import verified

    screen = Screen()
    screen.question(asked)
    screen.solution(asked, str(verified(question)))
    return DONE
