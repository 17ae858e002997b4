"""Progress: one SQLite file, one transaction per answer.

The log of answers and flags is the truth, a card's state a cache of it that replays to the same value. A file that is
damaged, foreign, newer or unwritable is an error of one line that names it and the next step; it is never overwritten.
"""

APPLICATION, VERSION = 0x646C717A, 2  # in the header of the file: whose it is, and its format

TYPE_CHECKING = False  # typing costs a start 2 ms
if TYPE_CHECKING:
    from dlquiz.store.file import DamagedError as DamagedError
    from dlquiz.store.file import default_path as default_path
    from dlquiz.store.progress import Store as Store
    from dlquiz.store.rows import Answer as Answer
    from dlquiz.store.rows import Flag as Flag

LAZY = {"Answer": "rows", "DamagedError": "file", "Flag": "rows", "Store": "progress", "default_path": "file"}


def __getattr__(name: str) -> object:
    """Each is loaded when it is wanted: `dlquiz.store.glance` does without them all."""
    if name not in LAZY:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"dlquiz.store.{LAZY[name]}"), name)
