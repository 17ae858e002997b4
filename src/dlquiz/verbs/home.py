"""`dlquiz` without a verb."""

import click

from dlquiz.verbs.common import DONE, clock, due, live


def home() -> int:
    """Print due and new questions of each concept."""
    from dlquiz import bank, words

    questions = live(bank.read_all())
    dates, now = due(), clock()
    rows = []
    for concept in bank.concepts(questions, ()):
        ids = [question.first_id for question in questions if question.concept == concept]
        known = [id_ for id_ in ids if id_ in dates]
        rows.append((concept, sum(dates[id_] <= now for id_ in known), len(ids) - len(known), len(known)))
    click.echo(words.home(rows))
    return DONE
