import io
import time

import pytest

from dlquiz.events import Put, Refused, Report, Said
from dlquiz.exam import Exam, TimeOverError, paper
from dlquiz.paper import Paper
from dlquiz.render import Screen
from dlquiz.schedule import AGAIN, GOOD, State
from dlquiz.store import Store, default_path
from dlquiz.verbs.exam import timed

from .terminal import Terminal

START, SECOND = 1_760_000_000 * 10**6, 10**6


class Sitting:
    """An exam without a terminal: ten seconds for every look at the clock."""

    def __init__(self, questions, *lines, seconds=600, end=EOFError):
        self.lines, self.end, self.now = list(lines), end, START
        self.events, self.saved = [], []
        self.report = Exam(1, seconds, self.clock, self.read, self.events.append, self.save).run(questions)

    def clock(self):
        self.now += 10 * SECOND
        return self.now

    def read(self, _):
        if not self.lines:
            raise self.end
        return self.lines.pop(0)

    def save(self, answer):
        self.saved.append(answer)
        return State(answer.at_us, "{}")

    def kinds(self):
        return [type(event).__name__ for event in self.events]

    def marks(self):
        return [one.verdict and one.verdict.correct for one in self.report.results]


def test_nothing_is_said_before_the_report(questions):
    sitting = Sitting([questions["number"], questions["formula"]], "8", "r")

    assert sitting.kinds() == ["Put", "Put", "Report"]
    assert sitting.marks() == [True, False]
    assert [answer.grade for answer in sitting.saved] == [GOOD, AGAIN]
    assert sitting.report.end == "done"


def test_what_nobody_can_read_may_be_typed_again_and_there_are_no_hints(questions):
    sitting = Sitting([questions["number"]], "x", "", "?", "8")

    assert sitting.kinds() == ["Put", "Refused", "Refused", "Said", "Report"]
    assert [event.message for event in sitting.events if isinstance(event, Refused)][1] == "nothing was typed"
    assert sitting.marks() == [True]


def test_a_question_can_be_put_off_once(questions):
    sitting = Sitting([questions["number"], questions["truefalse"]], "!", "f", "!")

    assert [event.number for event in sitting.events if isinstance(event, Put)] == [1, 2, 1]
    assert sitting.marks() == [None, True]
    assert len(sitting.saved) == 1


def test_handing_in_early_is_asked_twice(questions):
    sitting = Sitting([questions["number"], questions["bug"]], "q", "8", "q", "q", "8")

    assert sitting.report.end == "left"
    assert sitting.marks() == [True, None]
    assert [event.text for event in sitting.events if isinstance(event, Said)] == [
        "2 not answered yet. Type it once more to hand in.",
        "1 not answered yet. Type it once more to hand in.",
    ]


def test_the_time_ends_it(questions):
    sitting = Sitting([questions["number"]] * 9, *["8"] * 9, seconds=60)

    assert sitting.report.end == "time"
    assert 0 < len(sitting.saved) < 9
    assert sitting.report.used == 60
    assert Sitting([questions["number"]], end=TimeOverError).report.end == "time"
    assert Sitting([questions["number"]], end=KeyboardInterrupt).report.end == "interrupted"


def test_a_seed_draws_the_same_exam_and_concepts_in_turn():
    rows = [{"id": f"{concept}-{n}", "concept": concept} for concept in ("aa", "bb", "cc") for n in range(10)]
    drawn = paper(rows, 9, 4)

    assert drawn == paper(rows, 9, 4) != paper(rows, 9, 5)
    assert len({row["concept"] for row in drawn[:3]}) == 3
    assert len({row["id"] for row in drawn}) == 9
    assert len(paper(rows, 99, 4)) == 30


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_report_has_every_question_with_its_answer(questions, width):
    sitting = Sitting([questions["number"], questions["formula"], questions["bug"]], "8", "r", "q", "q")
    out = io.StringIO()
    for event in sitting.events:
        Screen(Paper(out, width, coloured=False)).show(event)
    text = " ".join(out.getvalue().split())

    assert max(map(len, out.getvalue().splitlines())) <= width
    assert "Handed in. 1 of 3 right (33%), 1 not answered, in 1 of 10 minutes." in text
    assert "1 of 3 example losses" in text
    for part in ("Right. You typed: 8", "Wrong. You typed: r", "Not answered. Answer: line", "Read: docs/concepts/"):
        assert part in text
    assert isinstance(sitting.events[-1], Report)


def test_the_alarm_ends_a_wait():
    def wait(_):
        time.sleep(20)

    now = time.time_ns() // 1000
    start = time.monotonic()
    with pytest.raises(TimeOverError):
        timed("> ", now + 200_000, wait)
    assert time.monotonic() - start < 10
    with pytest.raises(TimeOverError):
        timed("> ", now - 1, wait)
    assert timed("> ", now + 9 * 10**9, lambda prompt: prompt) == "> "


def test_an_exam_on_a_terminal():
    terminal = Terminal("exam", "-n", "2", "--minutes", "5", "--seed", "3")
    terminal.until("1 of 2 · 5 minutes left")
    terminal.until(" > ")
    terminal.type("q\n")
    terminal.until("2 not answered yet.")
    terminal.until(" > ")
    terminal.interrupt()
    terminal.until("Left by Ctrl-C.")
    terminal.until("The same exam again: dlquiz exam -n 2 --minutes 5 --seed 3")
    assert terminal.leave() == 130
    with Store(default_path(), create=False) as store:
        assert store.log() == []
