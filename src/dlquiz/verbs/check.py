"""`dlquiz check`."""

from pathlib import Path

import click

from dlquiz.verbs.common import BAD_BANK, DONE, FINDINGS, as_json, print_json


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--damage", "damage", is_flag=True, help="Then damage each key in turn: how many are noticed?")
@as_json
def check(files: tuple[Path, ...], damage: bool, as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Recompute every key, and prove every wrong option wrong where the bank states it as a claim.

    FILES are banks or folders of banks; without any, all banks. Each fault is one line, file:line:column: id: message.
    Give-aways are faults too: the longest option, a place, a word that stands in right options only.

    With --damage, each computed key is then made wrong in every way that stays well formed. A damage that passes is a
    key that one route alone leads to: state a second one (formula, also, verify, holds). It is no fault by itself.
    """
    from dlquiz import bank
    from dlquiz.check import check_all

    paths = [path for file in files for path in (bank.inside(file) if file.is_dir() else [file])]
    banks = [bank.load(path) for path in paths or bank.files()]
    report = check_all(banks)
    share = None
    if damage and not report.faults:
        from dlquiz.check.damage import damage_all

        share = damage_all(banks)
    if as_json:
        print_json({**report.facts(), **(share.facts() if share else {}), "version": 1})
    else:
        click.echo("\n".join([*report.faults, str(report), *([*map(str, share.passed), str(share)] if share else [])]))
    if report.broken:
        return BAD_BANK
    return FINDINGS if report.faults else DONE
