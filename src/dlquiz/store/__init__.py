"""Progress: one SQLite file, one transaction per answer.

The log of answers and flags is the truth, a card's state a cache of it that replays to the same value. A file that is
damaged, foreign, newer or unwritable is an error of one line that names it and the next step; it is never overwritten.
"""

from dlquiz.store.file import DamagedError as DamagedError
from dlquiz.store.file import default_path as default_path
from dlquiz.store.progress import Store as Store
from dlquiz.store.rows import Answer as Answer
from dlquiz.store.rows import Flag as Flag
