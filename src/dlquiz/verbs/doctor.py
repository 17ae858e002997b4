"""`dlquiz doctor`."""

import textwrap
from typing import TYPE_CHECKING

import click

from dlquiz.places import screen
from dlquiz.verbs.common import DONE, as_json, clock, print_json

if TYPE_CHECKING:
    from dlquiz.doctor import Finding

DAMAGED = 3


@click.command()
@as_json
def doctor(as_json: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Examine the progress file, and say what to type about what is wrong.

    Permissions, pages, the checksum of every row, whether the cards are what the answers replay to, dates in the
    future, answers to questions that no bank has, versions, backups. Nothing is changed. Exit 3 if something is bad.
    """
    from dlquiz.doctor import BAD, examine
    from dlquiz.store import default_path

    place = default_path()
    findings = examine(place, clock(), _known())
    bad = any(finding.status == BAD for finding in findings)
    if as_json:
        print_json(
            {"path": str(place), "sound": not bad, "findings": [one._asdict() for one in findings], "version": 1}
        )
    else:
        click.echo("\n".join(map(_line, findings)))
    return DAMAGED if bad else DONE


def _known() -> set[str] | None:
    """Every name that progress is kept under; None where a bank cannot be read, which is not the doctor's business."""
    from dlquiz import shelf
    from dlquiz.failures import BankError

    try:
        return {question.first_id for question in shelf.questions()}
    except BankError:
        return None


def _line(finding: "Finding") -> str:
    from dlquiz.doctor import BAD
    from dlquiz.text import plain

    mark = finding.status.upper() if finding.status == BAD else finding.status
    text = f"{mark:4}  {finding.name}: {plain(finding.message)}"
    width = max(screen() or len(text), 20)
    return textwrap.fill(text, width, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)
