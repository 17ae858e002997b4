"""What the verbs share: exit codes, the options that mean the same everywhere, and where things are."""

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dlquiz.schema import Question

DONE, FINDINGS, USAGE, BAD_BANK, INTERRUPTED = 0, 1, 2, 4, 130

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: Any) -> None:
    """One line of JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


def live(questions: "list[Question]") -> "list[Question]":
    """The questions that are still asked."""
    return [question for question in questions if not question.retired]


def due() -> dict[str, int]:
    """When each question that was ever answered is due; nothing where there is no progress."""
    from dlquiz.store import Store, default_path

    with Store(default_path(), create=False) as store:
        return store.due()


def clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


def need_terminal(verb: str, instead: str) -> None:
    """Refuse a session where nobody can type."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(f"{verb} needs a terminal; without one: {instead}")
