"""What the verbs share: exit codes, and the options that mean the same everywhere."""

import sys

import click

from dlquiz import reading

clock, due, print_json = reading.clock, reading.due, reading.print_json

DONE, FINDINGS, USAGE, BAD_BANK, INTERRUPTED = 0, 1, 2, 4, 130

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def need_terminal(verb: str, instead: str) -> None:
    """Refuse a session where nobody can type."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(f"{verb} needs a terminal; without one: {instead}")
