import io
import json
import re
import time
from datetime import date, timedelta

import pytest

from dlquiz import shelf
from dlquiz.paper import Paper
from dlquiz.picture import Picture, level, months
from dlquiz.quick import run
from dlquiz.schedule import EPOCH, moment
from dlquiz.stats import Share, stats
from dlquiz.store import Answer, Store, default_path

DAY = 86_400 * 10**6
NOW = 1_760_000_000 * 10**6
TODAY = moment(NOW).date()
ROWS = [
    {"id": f"new-{name}", "first_id": name, "concept": concept, "key_sha": "now"}
    for name, concept in (("a", "one"), ("b", "one"), ("c", "two"))
]


def answers(question, *marks, every=DAY, last=NOW, key="now", undone=False):
    """Answers right (1) or wrong (0), the last of them at `last`."""
    times = [last - every * back for back in range(len(marks) - 1, -1, -1)]
    pairs = zip(times, marks, strict=True)
    return [Answer(question, at, 3 if mark else 1, bool(mark), "x", 0, 0, 0, key, undone) for at, mark in pairs]


def numbers(log, due=(), flagged=(), now=NOW):
    return stats(ROWS, log, dict(due), flagged, now)


def drawn(found, width=80, *, coloured=False, encoding=None, words=False):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding or "utf-8", write_through=True)
    Picture(Paper(out, width, coloured=coloured), words=words).draw(found)
    return raw.getvalue().decode()


def test_nothing_is_no_failure():
    found = numbers([])

    assert (found.answers, found.retention, found.streak, found.longest) == (0, Share(0, 0), 0, 0)
    assert "No answers yet. Type: dlquiz review" in drawn(found)


def test_remembered_is_what_was_right_a_day_or_more_later():
    log = [*answers("a", 0, 1, 1, 0), *answers("b", 1, 0, 1, every=DAY // 2), *answers("c", 1, 1, every=40 * DAY)]

    assert numbers(log).retention == Share(3, 4)
    assert numbers(log, now=NOW + 29 * DAY).retention_month == Share(2, 3)


def test_an_old_answer_to_a_changed_key_is_no_failure():
    log = [*answers("a", 0, 0, 0, 0, 0, key="old", last=NOW - 9 * DAY), *answers("b", 1, 0)]
    found = numbers(log)

    assert (found.answers, found.changed) == (7, 5)
    assert found.retention == Share(0, 1)
    assert found.leeches == []
    assert found.concepts == {"one": Share(0, 1)}
    assert numbers(answers("a", 0, 0, key="")).retention == Share(0, 1)


def test_an_undone_answer_and_one_to_a_question_that_is_gone():
    found = numbers([*answers("a", 0, 0, 0, 0, 0, undone=True), *answers("gone", 0, 0, last=NOW - DAY)])

    assert (found.answers, found.concepts, found.changed) == (2, {}, 0)
    assert sum(found.days.values()) == 2


def test_days_in_a_row():
    log = [*answers("a", 1, 1, 1, last=NOW - 9 * DAY), *answers("b", 1, 1, last=NOW - DAY)]

    assert (numbers(log).streak, numbers(log).longest) == (2, 3)
    assert numbers(log, now=NOW + DAY).streak == 0


def test_what_is_due_and_when():
    due = {"a": NOW - 5 * DAY, "b": NOW + 2 * DAY, "c": NOW + 40 * DAY, "gone": NOW}
    found = numbers([], due)

    assert [number for _, number in found.forecast] == [1, 0, 1, 0, 0, 0, 0]
    assert (found.later, found.known, found.forecast[0][0]) == (1, 3, TODAY)


def test_weak_concepts_and_questions_that_stick():
    log = [*answers("a", 0, 0, 1, 0, 0), *answers("b", 0, 0, 0, 0, 1, 1), *answers("c", 0, 1)]
    found = numbers(log)

    assert found.weak() == [("one", Share(1, 2))]
    assert found.leeches == [("new-a", 4, 5)]
    assert "Type: dlquiz review one" in drawn(found)


@pytest.mark.parametrize("width", [30, 40, 80, 120, 200])
@pytest.mark.parametrize("coloured", [False, True])
def test_the_picture_fits(width, coloured):
    log = [one for n in range(300) for one in answers("a", *[1] * (n % 7), every=60, last=NOW - n * DAY)]
    text = drawn(numbers(log, {"a": NOW, "b": NOW}, ["a"]), width, coloured=coloured)
    assert ("\x1b[" in text) == coloured
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    grid = [line for line in text.splitlines() if line.startswith(("Mon", "Wed", "Fri", "Sun"))]

    assert len(grid) == 4
    assert max(map(len, text.splitlines())) <= width
    assert len(grid[0]) > min(width, 110) - 8


def test_a_cell_is_its_day():
    log = answers("a", *[1] * 16, every=10**6, last=NOW)
    text = drawn(numbers([*log, *answers("b", 1, last=NOW - 7 * DAY)]))
    rows = text.splitlines()[1:8]
    row = rows[TODAY.weekday()]

    assert row[-4:] == "░░██"
    assert sum(line.count("██") for line in rows) == 1
    assert sum(line.count("░░") for line in rows) == 1


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 3, 1), date(2024, 2, 29)])
def test_a_month_stands_above_its_first_week(day):
    monday = day - timedelta(days=day.weekday())
    mondays = [monday - timedelta(days=7 * back) for back in range(37, -1, -1)]
    line = months(mondays)

    assert len(line) <= 2 * len(mondays)
    for at in range(len(line)):
        if line[at].isupper():
            week = [mondays[at // 2] + timedelta(days=n) for n in range(7)]
            assert [one.strftime("%b") for one in week if one.day == 1] == [line[at : at + 3]]
    assert sum(letter.isupper() for letter in line) >= 7


def test_levels():
    assert [level(number, 100) for number in (0, 1, 6, 7, 26, 57, 100)] == [0, 1, 1, 2, 3, 4, 4]
    assert level(1, 1) == 4


def test_the_same_in_ascii_in_words_and_on_a_dumb_terminal(monkeypatch):
    found = numbers(answers("a", 1, 0, 1), {"a": NOW})
    ascii_, words = drawn(found, encoding="ascii"), drawn(found, words=True)
    monkeypatch.setenv("TERM", "dumb")

    assert ascii_.isascii()
    assert "Mon" in ascii_
    assert drawn(found) == words
    assert not set("█▓▒░·■") & set(words)
    assert "answers on 3 days" in words
    assert (EPOCH + timedelta(microseconds=NOW)).astimezone().date() == TODAY


def test_the_verb_reads_the_progress(capsys):
    row = shelf.rows()[0]
    now = time.time_ns() // 1000
    with Store(default_path()) as store:
        for answer in answers(row["first_id"], 1, 0, key=row["key_sha"], last=now):
            store.record(answer)
        store.flag(row["first_id"], "odd")

    assert run(["stats", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["answers"], data["retention"], data["flagged"]) == (2, {"right": 0, "total": 1}, [row["id"]])
    assert data["weak"] == [row["concept"]]
    assert run(["stats", "--words"]) == 0
    assert "week of" in capsys.readouterr().out
