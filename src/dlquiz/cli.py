"""The verbs. Data goes to stdout, everything else to stderr; nothing heavy is imported before it is needed."""

import io
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlquiz.text import plain

if TYPE_CHECKING:
    from dlquiz.question import Asked
    from dlquiz.schema import Question
    from dlquiz.session import Ended

DONE, FINDINGS, USAGE, BAD_BANK, INTERRUPTED = 0, 1, 2, 4, 130

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

EPILOG = """\b
Examples
  dlquiz                      what is due, and what to type next
  dlquiz review losses        a session on every concept that bears the word
  dlquiz review -n 10         ten questions at most, from all concepts
  dlquiz ask ID --seed 3      one question, not saved
  dlquiz check my-bank.yml    recompute every key of your own bank

\b
In a session
  Enter submits; ? shows a hint; ! skips; q quits. Ctrl-C quits too: every answer given is saved.
  Formulas: products need *, powers are ^ (2*x^2), conditions x if x > 0 else 0.

\b
Environment
  DLQUIZ_BANK   a folder of banks, or one bank, instead of the built-in ones
  DLQUIZ_DB     the progress file, instead of the one in your data folder
  NO_COLOR      set it to anything for no colour

\b
Exit codes
  0 done, or right   1 wrong, or check found faults   2 usage   3 progress damaged or unwritable
  4 a bank cannot be read   130 Ctrl-C
"""


@click.group(invoke_without_command=True, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(package_name="dlref", prog_name="dlquiz", message="%(prog)s %(version)s")
@click.pass_context
def app(context: click.Context) -> int:
    """Study deep learning by answering questions whose keys are recomputed by a machine.

    Without a verb: what is due, what is new, and what to type next. What you know comes back later and later (FSRS);
    what you did not know comes back soon. Progress is one SQLite file on this machine.
    """
    return DONE if context.invoked_subcommand else home()


def home() -> int:
    """Print due and new questions of each concept."""
    from dlquiz import bank, words

    questions = _live(bank.read_all())
    due, now = _due(), _clock()
    rows = []
    for concept in bank.concepts(questions, ()):
        ids = [question.first_id for question in questions if question.concept == concept]
        known = [id_ for id_ in ids if id_ in due]
        rows.append((concept, sum(due[id_] <= now for id_ in known), len(ids) - len(known), len(known)))
    click.echo(words.home(rows))
    return DONE


@app.command()
@click.argument("concept", nargs=-1)
@click.option("-n", "limit", default=20, show_default=True, metavar="N", help="At most N questions.")
@click.option("--new", default=5, show_default=True, metavar="N", help="At most N questions never seen before.")
@click.option("--no-save", is_flag=True, help="Leave progress as it is.")
@click.option("--seed", type=int, metavar="N", help="Draw the same numbers and shuffles again.")
def review(concept: tuple[str, ...], limit: int, new: int, no_save: bool, seed: int | None) -> int:  # noqa: FBT001  # click's calling convention
    """Answer what is due, then something new, concepts in turn.

    CONCEPT is a word: `losses` takes every concept that bears it. Without one, all concepts.
    """
    from dlquiz import bank
    from dlquiz.schedule import queue
    from dlquiz.store import Store, default_path

    _need_terminal("review", "dlquiz ask ID --answer TEXT")
    questions = _live(bank.read_all())
    chosen = bank.concepts(questions, concept)
    pool = {question.first_id: question for question in questions if question.concept in chosen}
    with Store(default_path(), create=not no_save) as store:
        due = store.due()
        order = queue(list(pool), {id_: one.concept for id_, one in pool.items()}, due, _clock(), new)[:limit]
        if not order:
            return _nothing(pool, due)
        ended = _session([pool[id_] for id_ in order], seed, None if no_save else store.record)
        return INTERRUPTED if ended.interrupted else DONE


def _nothing(pool: "dict[str, Question]", due: dict[str, int]) -> int:
    from dlquiz.words import until

    coming = [due[id_] for id_ in pool if id_ in due]
    when = f"; the next comes {until((min(coming) - _clock()) // 10**6)}" if coming else ""
    click.echo(f"Nothing is due{when}. Type dlquiz list for every question, dlquiz ask ID to try one.")
    return DONE


def _session(questions: "list[Question]", seed: int | None, save: Any = None) -> "Ended":
    import contextlib
    import secrets

    from dlquiz.render import Screen
    from dlquiz.session import Session

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # input() gets line editing and a history from it

    seed = secrets.randbelow(2**31) if seed is None else seed
    return Session(seed, _clock, input, Screen().show, save).run(questions)


@app.command()
@click.argument("id_", metavar="ID")
@click.option("--seed", type=int, metavar="N", help="Which numbers and which shuffle [default: 0 with --answer].")
@click.option("--answer", metavar="TEXT", help="Grade this answer and leave.")
@as_json
def ask(id_: str, seed: int | None, answer: str | None, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Ask one question; nothing is saved. Exit 0 if the answer is right, 1 if it is wrong."""
    from dlquiz import bank, data
    from dlquiz.question import draw

    question = bank.find(bank.read_all(), id_)
    if answer is not None:
        return _graded(draw(question, seed or 0), answer, as_json=as_json)
    if as_json:
        _print_json({**data.shown(draw(question, seed or 0)), "version": 1})
        return DONE
    _need_terminal("ask", f"dlquiz ask {question.id} --answer TEXT")
    ended = _session([question], seed)
    return INTERRUPTED if ended.interrupted else FINDINGS if ended.wrong else DONE


def _graded(asked: "Asked", answer: str, *, as_json: bool) -> int:
    from dlquiz.grade import UnreadableError, grade
    from dlquiz.render import Screen
    from dlquiz.session import Judged

    try:
        verdict = grade(asked, answer)
    except UnreadableError as error:
        if as_json:
            _print_json(_judgement(asked, str(error), correct=False))
        else:
            click.echo(plain(error), err=True)
        return USAGE
    if as_json:
        _print_json(_judgement(asked, verdict.message, correct=verdict.correct))
    else:
        Screen().show(Judged(asked, verdict, 0, None))
    return DONE if verdict.correct else FINDINGS


def _judgement(asked: "Asked", message: str, *, correct: bool) -> dict[str, Any]:
    return {"id": asked.id, "correct": correct, "message": message, "key": asked.key()}


@app.command("list")
@click.argument("concept", nargs=-1)
@as_json
def list_(concept: tuple[str, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """List the questions: id, kind, level, and whether the key is computed or stated by a source."""
    from dlquiz import bank, data

    questions = bank.read_all()
    chosen = bank.concepts(questions, concept)
    rows = [data.row(question) for question in _live(questions) if question.concept in chosen]
    if as_json:
        _print_json(rows)
        return DONE
    width = max((len(row["id"]) for row in rows), default=0)
    for name in chosen:
        click.echo(name)
        for row in rows:
            if row["concept"] == name:
                click.echo(f"  {row['id']:{width}}  {row['kind']:9}  {row['level']}  {row['verified']}")
    return DONE


@app.command()
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
        _print_json({**data.shown(asked), **data.row(question), **solution, "version": 1})
        return DONE
    from dlquiz.render import Screen
    from dlquiz.verified import verified

    screen = Screen()
    screen.question(asked)
    screen.solution(asked, str(verified(question)))
    return DONE


@app.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@as_json
def check(files: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Recompute every key, and prove every wrong option wrong where the bank states it as a claim.

    FILES are banks or folders of banks; without any, all banks. Each fault is one line, file:line:column: message.
    """
    from dlquiz import bank
    from dlquiz.check import check_all

    paths = [path for file in files for path in (sorted(file.glob("*.yml")) if file.is_dir() else [file])]
    report = check_all([bank.load(path) for path in paths or bank.files()])
    if as_json:
        _print_json({"questions": report.questions, "computed": report.computed, "faults": report.faults, "version": 1})
    else:
        click.echo("\n".join([*report.faults, str(report)]))
    if report.broken:
        return BAD_BANK
    return FINDINGS if report.faults else DONE


def _live(questions: "list[Question]") -> "list[Question]":
    return [question for question in questions if not question.retired]


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _due() -> dict[str, int]:
    from dlquiz.store import Store, default_path

    with Store(default_path(), create=False) as store:
        return store.due()


def _clock() -> int:
    return time.time_ns() // 1000


def _need_terminal(verb: str, instead: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(f"{verb} needs a terminal; without one: {instead}")


def run(arguments: list[str]) -> int:
    """The exit code of one command; every expected failure is one line on stderr."""
    from dlquiz.failures import QuizError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 still shows the question
    try:
        return app.main(arguments, "dlquiz", standalone_mode=False) or DONE
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except QuizError as error:
        click.echo(plain(error), err=True)
        return error.code
