"""`dlquiz check`."""

from pathlib import Path

import click

from dlquiz.verbs.common import BAD_BANK, DONE, FINDINGS, as_json, print_json


@click.command()
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
        print_json({"questions": report.questions, "computed": report.computed, "faults": report.faults, "version": 1})
    else:
        click.echo("\n".join([*report.faults, str(report)]))
    if report.broken:
        return BAD_BANK
    return FINDINGS if report.faults else DONE
