"""The command line: which verbs there are. A verb is loaded when it is wanted."""

import importlib

import click

from dlquiz import reading
from dlquiz.code import FROM_NO_FILE, NO_SANDBOX
from dlquiz.verbs.common import DONE, INTERRUPTED, USAGE, as_json

LAZY = {
    "ask": "dlquiz.verbs.ask:ask",
    "check": "dlquiz.verbs.check:check",
    "completion": "dlquiz.verbs.completion:completion",
    "doctor": "dlquiz.verbs.doctor:doctor",
    "exam": "dlquiz.verbs.exam:exam",
    "export": "dlquiz.verbs.export:export",
    "list": "dlquiz.verbs.reading:list_",
    "progress": "dlquiz.verbs.progress:progress",
    "review": "dlquiz.verbs.review:review",
    "show": "dlquiz.verbs.reading:show",
    "stats": "dlquiz.verbs.reading:stats",
}
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

EPILOG = """\b
Examples
  dlquiz                      what is due, and what to type next
  dlquiz review losses        a session on every concept that bears the word
  dlquiz review -n 10         ten questions at most, from all concepts
  dlquiz review --by DATE     all comes back before the interview on DATE
  dlquiz exam losses -n 20    a mock exam: no feedback before the report
  dlquiz ask ID --seed 3      one question, not saved
  dlquiz export anki -o FILE  the questions as notes for Anki
  dlquiz check my-bank.yml    recompute every key of your own bank

\b
In a session
  Enter submits; ? shows a hint; ! skips; u takes the last answer back;
  f flags a question as bad (f and a few words say why); q quits.
  Where the letter could be an answer, type undo, flag or quit.
  Ctrl-C quits too: every answer is saved, the next review goes on from there.
  Formulas: products need *, powers are ^ (2*x^2), cases x if x > 0 else 0.
  Functions: e opens your editor; or type it, with a lone dot to end.

\b
Environment
  DLQUIZ_BANK   a folder of banks, or one bank, instead of the built-in ones
  DLQUIZ_DB     the progress file, instead of the one in your data folder
  NO_COLOR      set it to anything for no colour

\b
Exit codes
  0 done, or right      1 wrong, or faults found    2 usage
  3 progress damaged    4 a bank cannot be read     130 Ctrl-C
"""
EPILOG += f"\n{NO_SANDBOX} {FROM_NO_FILE}\n"


class LazyGroup(click.Group):
    """A group whose verbs are named in `LAZY`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in LAZY:
            return None
        module, _, name = LAZY[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(package_name="dlref", prog_name="dlquiz", message="%(prog)s %(version)s")
@as_json
@click.pass_context
def app(context: click.Context, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Study deep learning by answering questions whose keys are recomputed by a machine.

    Without a verb: what is due, what is new, and what to type next. What you know comes back later and later (FSRS);
    what you did not know comes back soon. Progress is one SQLite file on this machine.
    """
    return DONE if context.invoked_subcommand else reading.home(as_json=as_json)


def parsed(arguments: list[str]) -> int:
    """The exit code of one command, read by click."""
    try:
        return app.main(arguments, "dlquiz", standalone_mode=False) or DONE
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        return INTERRUPTED
