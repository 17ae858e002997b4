"""The way in: help and the reading verbs at once, all else through click, and one line for every expected failure.

Click is left out where it can be because to load it takes longer than those verbs do. Everything with another option,
and every mistake, is click's.
"""

import io
import os
import sys
from collections.abc import Callable

from dlquiz import reading
from dlquiz.failures import QuizError
from dlquiz.kept import kept

WIDEST = 100


def run(arguments: list[str]) -> int:
    """The exit code of one command; every expected failure is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 still shows the question
    try:
        code = (quick(arguments) or _parsed(arguments))()
        sys.stdout.flush()
    except QuizError as error:
        from dlquiz.text import plain

        print(plain(error), file=sys.stderr)  # this is the place where errors are said
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it leaves
        return 1
    return code


def _parsed(arguments: list[str]) -> Callable[[], int]:
    from dlquiz.cli import parsed

    return lambda: parsed(arguments)


def quick(arguments: list[str]) -> Callable[[], int] | None:
    """What to run for these arguments; None leaves them to click."""
    if "_DLQUIZ_COMPLETE" in os.environ:
        return None
    as_json = "--json" in arguments
    match [word for word in arguments if word != "--json"]:
        case ["-h" | "--help"] if not as_json:
            return help_
        case [*words] if any(word.startswith("-") for word in words):
            return None
        case []:
            return lambda: reading.home(as_json=as_json)
        case ["list", *words]:
            return lambda: reading.list_(words, as_json=as_json)
        case ["stats"]:
            return lambda: reading.stats(as_json=as_json)
        case ["show", id_]:
            return lambda: reading.show(id_, as_json=as_json)
    return None


def help_() -> int:
    """The page that click writes for this width."""
    from dlquiz.paper import columns

    width = min(columns(), WIDEST)
    sys.stdout.write(kept(f"help-{width}.txt", width, lambda: _help(width)).decode())
    return 0


def _help(width: int) -> bytes:
    from dlquiz.cli import app

    with app.make_context("dlquiz", [], resilient_parsing=True, terminal_width=max(width - 2, 50)) as context:
        return (app.get_help(context) + "\n").encode()
