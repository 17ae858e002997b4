"""The verbs. Data goes to stdout, everything else to stderr; nothing heavy is imported before it is needed."""

import json
import sys
from pathlib import Path

import click

from dlquiz.text import plain

DONE, FINDINGS, USAGE, DAMAGED, BAD_BANK, INTERRUPTED = 0, 1, 2, 3, 4, 130


@click.group()
def app() -> None:
    """Study deep learning by answering: every key in the banks is recomputed by `dlquiz check`."""


@app.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES]...")
@click.option("--json", "as_json", is_flag=True, help="one object on stdout")
def check(paths: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Recompute every key of the banks and prove every wrong option wrong, where a claim allows it."""
    from dlquiz.bank import files, load
    from dlquiz.check import check_bank
    from dlquiz.verified import verified

    wanted = [file for path in paths for file in (sorted(path.glob("*.yml")) if path.is_dir() else [path])] or files()
    banks = [load(path) for path in wanted]
    faults = [fault for bank in banks for fault in check_bank(bank)]
    questions = [question for bank in banks for question in bank.questions]
    computed = sum(verified(question).computed for question in questions)
    share = f"{computed / len(questions):.0%}" if questions else "none"
    broken = any(bank.errors for bank in banks)
    if as_json:
        report = {"questions": len(questions), "computed": computed, "faults": faults}
        click.echo(json.dumps({"version": 1, **report}, ensure_ascii=False))
    else:
        for fault in faults:
            click.echo(fault)
        click.echo(
            f"{len(questions)} questions, {computed} keys computed ({share}), "
            f"{len(questions) - computed} by a source, {len(faults)} errors"
        )
    return BAD_BANK if broken else FINDINGS if faults else DONE


def run(arguments: list[str]) -> int:
    """The exit code of one command; every expected failure is one line on stderr."""
    from dlquiz.tree import BankError

    try:
        return app.main(arguments, "dlquiz", standalone_mode=False) or DONE
    except click.ClickException as error:
        error.show()
        return USAGE
    except BankError as error:
        print(error, file=sys.stderr)
        return BAD_BANK
    except LookupError as error:
        print(plain(error.args[0]), file=sys.stderr)
        return USAGE
