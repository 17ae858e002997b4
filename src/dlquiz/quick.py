"""The way in: help and the reading verbs at once, all else through click, and one line for every expected failure.

Click is left out where it can be because to load it takes longer than those verbs do. Everything with another option,
and every mistake, is click's. What is the same at every start is kept as it was written.
"""

import io
import os
import sys

from dlquiz.failures import QuizError
from dlquiz.kept import kept, of_banks
from dlquiz.places import columns, screen

TYPE_CHECKING = False  # typing and collections cost a start 3 ms
if TYPE_CHECKING:
    from collections.abc import Callable

WIDEST = 100


def run(arguments: list[str]) -> int:
    """The exit code of one command; every expected failure is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 still shows the question
    try:
        return _done(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


def _done(arguments: list[str]) -> int:
    try:
        return (quick(arguments) or _parsed(arguments))()
    except QuizError as error:
        from dlquiz.text import plain

        print(plain(error), file=sys.stderr)  # this is the place where errors are said
        return error.code
    finally:
        sys.stdout.flush()


def _parsed(arguments: list[str]) -> "Callable[[], int]":
    from dlquiz.cli import parsed

    return lambda: parsed(arguments)


def quick(arguments: list[str]) -> "Callable[[], int] | None":
    """What to run for these arguments; None leaves them to click."""
    if "_DLQUIZ_COMPLETE" in os.environ:
        return None
    as_json = "--json" in arguments
    match [word for word in arguments if word != "--json"]:
        case ["-h" | "--help"] if not as_json:
            return help_
        case ["list"]:
            return lambda: list_(as_json=as_json)
        case [*words] if not any(word.startswith("-") for word in words):
            from dlquiz import reading

            return reading.verb(words, as_json=as_json)
    return None


def help_() -> int:
    """The page that click writes for this width."""
    width = min(columns(), WIDEST)
    return _write(kept(f"help-{width}.txt", width, lambda: _help(width)))


def list_(*, as_json: bool) -> int:
    """The list of every question for this width."""
    width = 0 if as_json else screen()
    return _write(of_banks(f"list-{'json' if as_json else width}", lambda: _list(width, as_json=as_json)))


def _write(page: bytes) -> int:
    sys.stdout.write(page.decode())
    return 0


def _help(width: int) -> bytes:
    from dlquiz.cli import app

    with app.make_context("dlquiz", [], resilient_parsing=True, terminal_width=max(width - 2, 50)) as context:
        return (app.get_help(context) + "\n").encode()


def _list(width: int, *, as_json: bool) -> bytes:
    from dlquiz import reading

    return reading.listed((), width, as_json=as_json).encode()
