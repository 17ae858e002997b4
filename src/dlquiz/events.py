"""What happens in a session, for whoever shows it."""

from dataclasses import dataclass, field

from dlquiz.question import Asked
from dlquiz.verdict import Verdict


@dataclass(frozen=True)
class Shown:
    """A question is put; `changed` if its key is another than when it was last answered."""

    asked: Asked
    number: int
    total: int
    changed: bool = False


@dataclass(frozen=True)
class Hint:
    """A hint was wanted; `text` is empty when there are no more."""

    text: str
    left: int


@dataclass(frozen=True)
class Refused:
    """An answer that nobody can read; it does not count."""

    message: str
    typed: str
    column: int | None


@dataclass(frozen=True)
class TryAgain:
    """Wrong, and one try is left."""

    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """The last word on a question; `due_us` is when it comes again, if that was saved."""

    asked: Asked
    verdict: Verdict
    now_us: int
    due_us: int | None


@dataclass(frozen=True)
class Said:
    """A plain word about the session itself."""

    text: str


@dataclass
class Ended:
    """How it went. `interrupted` is set by Ctrl-C, `saved` where answers were kept."""

    right: int = 0
    wrong: int = 0
    skipped: int = 0
    left: int = 0
    interrupted: bool = False
    soon: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    saved: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Put:
    """A question of an exam is put; `left` is the seconds that are left."""

    asked: Asked
    number: int
    total: int
    left: int


@dataclass
class Result:
    """One question of an exam; `verdict` is None where nothing was answered."""

    asked: Asked
    typed: str = ""
    verdict: Verdict | None = None


@dataclass
class Report:
    """An exam when it is over; `end` says how: done, time, left or interrupted."""

    seed: int
    seconds: int
    results: list[Result]
    used: int = 0
    end: str = "done"


Event = Shown | Hint | Refused | TryAgain | Judged | Said | Ended | Put | Report
