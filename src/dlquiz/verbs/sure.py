"""What the verbs of `dlquiz progress` share: asking before something is taken away, and how things are said."""

import sys
from datetime import datetime

import click

from dlquiz.verbs.common import DONE

yes = click.option("--yes", is_flag=True, help="Do it without asking.")


def sure(question: str, *, yes: bool) -> bool:
    """Whether the person wants it; where nobody can be asked, only --yes says so."""
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("without a terminal this needs --yes")
    sure = click.confirm(question, err=True)
    if not sure:
        click.echo("Nothing was changed.", err=True)
    return sure


def say(message: str) -> int:
    """One line for the person; data alone goes to stdout."""
    click.echo(message, err=True)
    return DONE


def day(at_us: int) -> str:
    """A moment as the clock on the wall has it."""
    return f"{datetime.fromtimestamp(at_us / 10**6).astimezone():%Y-%m-%d %H:%M}"
