"""What happens in a session, for whoever shows it."""

from msgspec import Struct

from dlquiz.question import Asked
from dlquiz.verdict import Verdict


class Shown(Struct, frozen=True):
    """A question is put; `changed` if its key is another than when it was last answered."""

    asked: Asked
    number: int
    total: int
    changed: bool = False


class Hint(Struct, frozen=True):
    """A hint was wanted; `text` is empty when there are no more."""

    text: str
    left: int


class Refused(Struct, frozen=True):
    """An answer that nobody can read; it does not count."""

    message: str
    typed: str
    column: int | None


class TryAgain(Struct, frozen=True):
    """Wrong, and one try is left."""

    verdict: Verdict


class Judged(Struct, frozen=True):
    """The last word on a question; `due_us` is when it comes again, if that was saved."""

    asked: Asked
    verdict: Verdict
    now_us: int
    due_us: int | None


class Said(Struct, frozen=True):
    """A plain word about the session itself."""

    text: str


class Ended(Struct):
    """How it went. `interrupted` is set by Ctrl-C, `saved` where answers were kept."""

    right: int = 0
    wrong: int = 0
    skipped: int = 0
    left: int = 0
    interrupted: bool = False
    soon: list[str] = []
    flagged: list[str] = []
    saved: bool = False


class Put(Struct, frozen=True):
    """A question of an exam is put; `left` is the seconds that are left."""

    asked: Asked
    number: int
    total: int
    left: int


class Result(Struct):
    """One question of an exam; `verdict` is None where nothing was answered."""

    asked: Asked
    typed: str = ""
    verdict: Verdict | None = None


class Report(Struct):
    """An exam when it is over; `end` says how: done, time, left or interrupted."""

    seed: int
    seconds: int
    results: list[Result]
    used: int = 0
    end: str = "done"


Event = Shown | Hint | Refused | TryAgain | Judged | Said | Ended | Put | Report
