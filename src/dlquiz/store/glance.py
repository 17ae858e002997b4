"""When each question is due, read at once: every start comes by here, and the whole store takes longer to load."""

import os
import sys

from dlquiz.store import APPLICATION, VERSION

TYPE_CHECKING = False  # typing and collections cost a start 3 ms
if TYPE_CHECKING:
    from sqlite3 import Connection


def default_path() -> str:
    """DLQUIZ_DB, else in the data folder of this system's user, as platformdirs has it."""
    if chosen := os.environ.get("DLQUIZ_DB"):
        return os.path.expanduser(chosen)
    if sys.platform != "linux":
        import platformdirs

        return os.path.join(platformdirs.user_data_dir("dlquiz", appauthor=False), "progress.db")
    folder = os.environ.get("XDG_DATA_HOME", "")  # to load platformdirs takes longer than all the rest
    return os.path.join(folder if folder.strip() else os.path.expanduser("~/.local/share"), "dlquiz", "progress.db")


def due(path: str) -> dict[str, int] | None:
    """The dates of a file in which all is well, in microseconds; None leaves it to the store to say what is not."""
    if not os.path.exists(path):
        return {}
    import sqlite3

    try:
        return _read(sqlite3.connect(path, timeout=10))
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _read(db: "Connection") -> dict[str, int] | None:
    try:
        head = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if head != [APPLICATION, VERSION] or db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            return None
        return dict(db.execute("SELECT question, due_us FROM card"))
    finally:
        db.close()
