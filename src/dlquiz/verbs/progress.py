"""`dlquiz progress`: looking after the file that keeps the answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlquiz.text import plain
from dlquiz.verbs.carrying import export, import_
from dlquiz.verbs.common import DONE, FINDINGS, clock
from dlquiz.verbs.sure import day, say, sure, yes
from dlquiz.verbs.taking_back import forget, undo
from dlquiz.words import times

if TYPE_CHECKING:
    from dlquiz.store.restore import Restored

EPILOG = """\b
Examples
  dlquiz progress undo                  take back the last answer
  dlquiz progress export -o mine.json   to another machine, or to keep
  dlquiz progress import mine.json      add what is not here yet
  dlquiz progress restore --list        the backups there are
  dlquiz progress restore 2026-11-21    go back to that day

A backup is made at the first write of a day (the last 7 days and 4 weeks are kept), and before restore, import, rebuild
and forget. What deletes or takes back asks first; without a terminal it wants --yes.
"""


@click.group(epilog=EPILOG)
def progress() -> None:
    """Back up, restore, undo, carry and repair your progress."""


for verb in (export, forget, import_, undo):
    progress.add_command(verb)


@progress.command(short_help="Print where the progress file is.")
def path() -> int:
    """Print where the progress file is, or will be."""
    from dlquiz.store import default_path

    click.echo(default_path())
    return DONE


@progress.command(short_help="Make a verified backup now.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def backup(file: Path | None) -> int:
    """Make a verified backup now and print its name.

    It goes to FILE, or among the other backups, where it is never deleted.
    """
    from dlquiz.store import Store, backups, default_path
    from dlquiz.store import file as files

    place = default_path()
    with Store(place, create=False) as store:
        if store.db is None:
            return say(f"{place} does not exist yet: there is nothing to back up.")
    if file is None:
        made = backups.make(place, backups.unused(place, f"kept-{day(clock())[:10]}"))
    elif file.exists():
        raise click.UsageError(f"{plain(file)} exists; name a new file")
    else:
        with files.errors(file, "write"):
            backups.copy(place, file)
        made = file
    click.echo(made)
    return DONE


@progress.command(short_help="Go back to a backup.")
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the backups, newest first, and leave.")
@yes
def restore(name: str | None, listed: bool, yes: bool) -> int:  # noqa: FBT001  # click's calling convention
    """Go back to a backup: the newest, or the one called NAME.

    A sound progress file is backed up first, so a second restore brings it back. A damaged one is kept among the
    backups, and every answer in it that can still be read is taken over.
    """
    from dlquiz.store import backups, default_path
    from dlquiz.store import restore as way_back

    place = default_path()
    if listed:
        return _list(place)
    chosen, damaged = backups.choose(place, name), way_back.is_damaged(place)
    back = f"Go back to {chosen.stem} ({times(backups.verify(chosen), 'answer')})" if chosen else "Start from nothing"
    if (chosen or damaged) and not sure(f"{back}{', with what can still be read' * damaged}?", yes=yes):
        return FINDINGS
    return say(_restored(way_back.restore(place, name)))


def _list(place: Path) -> int:
    from dlquiz.store import backups

    for one in backups.kept(place):
        said = times(backups.verify(one), "answer") if backups.sound(one) else "damaged"
        click.echo(f"{one.stem}  {said}")
    return DONE


def _restored(done: "Restored") -> str:
    said = f"{times(done.answers, 'answer')} now, from {done.backup.name if done.backup else 'the damaged file alone'}."
    if done.damaged:
        rescued = (
            f" {times(done.rescued, 'answer')} of them could still be read in the damaged file." if done.rescued else ""
        )
        said += f"{rescued} The damaged file is kept as {done.damaged}."
    return said


@progress.command(short_help="Compute every card again.")
def rebuild() -> int:
    """Compute every card again from the answers, after a backup.

    When a question comes again is computed from its answers and kept; this throws away what is kept.
    """
    from dlquiz.store import Store, default_path

    place = default_path()
    with Store(place, create=place.exists()) as store:
        if store.db is None:
            return say(f"{place} does not exist yet: there is nothing to rebuild.")
        before = store.cards()
        store.rebuild()
        after = store.cards()
    changed = sum(before.get(id_) != after.get(id_) for id_ in before.keys() | after.keys())
    return say(f"{len(after)} cards computed from the answers, {changed} of them changed.")
