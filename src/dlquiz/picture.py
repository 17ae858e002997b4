"""The statistics on paper: a calendar of activity, what is coming, and what to look at."""

import os
from collections.abc import Mapping
from datetime import date, timedelta
from math import ceil, sqrt

from dlquiz.paper import Paper
from dlquiz.stats import Share, Stats
from dlquiz.words import times

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
GREENS = ("dim", "38;5;22", "38;5;28", "38;5;34", "38;5;46")
WEEK = timedelta(days=7)
NARROWEST = 30
LABEL = 4  # columns before the calendar, for the names of the days


class Picture:
    """Draws on paper with blocks, with letters where there are none, and in words alone where that is wanted."""

    def __init__(self, paper: Paper, *, words: bool = False) -> None:
        self.paper = paper
        self.words = words or os.environ.get("TERM") == "dumb" or paper.width < NARROWEST
        self.blocks = paper.can("█▓▒░·")
        shades = (" ·", "░░", "▒▒", "▓▓", "██") if self.blocks else (" .", " -", " +", " *", " #")
        self.cells = (" ·", " ■", " ■", " ■", " ■") if self.blocks and paper.coloured else shades

    def draw(self, stats: Stats) -> None:
        """Everything, the picture first."""
        self.activity(stats)
        self.coming(stats)
        self.memory(stats)
        self.trouble(stats)

    # -- the calendar

    def activity(self, stats: Stats) -> None:
        last_monday = stats.today - timedelta(days=stats.today.weekday())
        if self.words:
            self.paper.table((f"week of {day_name(monday)}", said) for monday, said in weeks_in_words(stats, 8))
        else:
            number = min(53, (self.paper.width - LABEL) // 2)
            mondays = [last_monday - WEEK * back for back in range(number - 1, -1, -1)]
            self.calendar(stats, mondays)
        self.paper.blank()
        for line in activity_in_words(stats):
            self.paper.line(line)

    def calendar(self, stats: Stats, mondays: list[date]) -> None:
        """A column for each week, a row for each day of the week."""
        self.paper.line(" " * LABEL + months(mondays), "dim")
        busiest = max(stats.days.values(), default=1)
        for weekday in range(7):
            row = self.paper.styled(f"{WEEKDAYS[weekday] if weekday % 2 == 0 else '':{LABEL}}", "dim")
            for monday in mondays:
                day = monday + timedelta(days=weekday)
                row += "" if day > stats.today else self.cell(level(stats.days.get(day, 0), busiest))
            self.paper.raw(row)
        legend = "".join(self.cell(step) for step in range(5))
        self.paper.raw(f"{' ' * LABEL}{self.paper.styled('less', 'dim')}{legend} {self.paper.styled('more', 'dim')}")

    def cell(self, step: int) -> str:
        return self.paper.styled(self.cells[step], GREENS[step])

    # -- the rest

    def coming(self, stats: Stats) -> None:
        """How many are due on each of the next days."""
        self.head("Due")
        most = max((number for _, number in stats.forecast), default=0)
        room = max(self.paper.width - 24, 6)
        for day, number in stats.forecast:
            bar = ("█" if self.blocks else "#") * (0 if self.words else ceil(room * number / max(most, room)))
            bar = self.paper.styled(bar, GREENS[3])
            self.paper.raw(f"  {near(day, stats.today):11}{number:5}  {bar}".rstrip())
        self.paper.raw(f"  {'later':11}{stats.later:5}")

    def memory(self, stats: Stats) -> None:
        self.head("Remembered")
        rows = (("last 30 days", stats.retention_month), ("ever", stats.retention))
        self.paper.table((percent(share), f"{when} ({share.right} of {share.total})") for when, share in rows)
        if not stats.retention.total:
            self.paper.line("Counted are answers a day or more after the one before.", "dim")
        if stats.changed:
            self.paper.line(f"Left out: answers to a key that has changed since ({stats.changed}).", "dim")

    def trouble(self, stats: Stats) -> None:
        if weak := stats.weak():
            self.head("Weak: questions right last time")
            rows = ((share, name.replace("_", " ")) for name, share in weak[:5])
            self.paper.table((f"{share.right} of {share.total}", name) for share, name in rows)
            self.paper.line(f"Type: dlquiz review {weak[0][0]}")
        if stats.leeches:
            self.head("Wrong again and again: answers wrong")
            self.paper.table((f"{wrong} of {total}", id_) for id_, wrong, total in stats.leeches[:10])
            self.paper.line("dlquiz show ID has the answer, and where to read.")
        if stats.flagged:
            self.head("Flagged")
            self.paper.line(", ".join(stats.flagged))

    def head(self, text: str) -> None:
        self.paper.blank()
        self.paper.line(text, "bold")


def level(number: int, busiest: int) -> int:
    """0 for none, 4 for the busiest day; the root keeps one long day from paling all the others."""
    return ceil(4 * sqrt(number / busiest))


def months(mondays: list[date]) -> str:
    """The names of the months, each above the week with its first day."""
    line = ""
    for column, monday in enumerate(mondays):
        sunday = monday + timedelta(days=6)
        if sunday.day <= 7 and len(line) <= 2 * column and 2 * column + 4 <= 2 * len(mondays):
            line += " " * (2 * column + 1 - len(line)) + MONTHS[sunday.month - 1]
    return line


def activity_in_words(stats: Stats) -> list[str]:
    """What the calendar shows, for who does not see it."""
    if not stats.answers:
        return ["No answers yet. Type: dlquiz review"]
    busiest = max(stats.days, key=lambda day: stats.days[day])
    days, row = times(len(stats.days), "day"), times(stats.streak, "day")
    most = f"{day_name(busiest)} {busiest.year}, {times(stats.days[busiest], 'answer')}"
    return [
        f"{times(stats.answers, 'answer')} on {days}. {row} in a row now, {stats.longest} at most.",
        f"Busiest: {most}. Questions known: {stats.known} of {stats.questions}.",
    ]


def weeks_in_words(stats: Stats, number: int) -> list[tuple[date, str]]:
    """The last weeks, newest first."""
    monday = stats.today - timedelta(days=stats.today.weekday())
    return [(monday - WEEK * back, _week(stats.days, monday - WEEK * back)) for back in range(number)]


def _week(days: Mapping[date, int], monday: date) -> str:
    numbers = [days.get(monday + timedelta(days=day), 0) for day in range(7)]
    return f"{times(sum(numbers), 'answer')} on {times(sum(map(bool, numbers)), 'day')}"


def percent(share: Share) -> str:
    """A share, or a dash where there is nothing to share."""
    return f"{share.right / share.total:.0%}" if share.total else "-"


def day_name(day: date) -> str:
    """A date as people say it."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def near(day: date, today: date) -> str:
    """A date in the next days."""
    return {0: "today", 1: "tomorrow"}.get((day - today).days, day_name(day))
