import io

import msgspec
import pytest

from dlquiz.commands import word
from dlquiz.events import Ended, Hint, Judged, Refused, Said, Shown, TryAgain
from dlquiz.paper import Paper
from dlquiz.question import draw, fingerprint
from dlquiz.render import Screen
from dlquiz.schedule import AGAIN, GOOD, HARD, State
from dlquiz.session import Session
from dlquiz.words import summary, until

START, SECOND = 1_760_000_000 * 10**6, 10**6
DAY = 86_400


class Run:
    """A session without a terminal: lines in, events and saved answers out, a second for every look at the clock."""

    def __init__(self, questions, *lines, seed=1, end=EOFError):
        self.lines, self.end, self.now = list(lines), end, START
        self.events, self.saved, self.prompts = [], [], []
        self.session = Session(seed, self.clock, self.read, self.events.append, self.save)
        self.ended = self.session.run(questions)

    def clock(self):
        self.now += SECOND
        return self.now

    def read(self, prompt):
        self.prompts.append(prompt)
        if not self.lines:
            raise self.end
        return self.lines.pop(0)

    def save(self, answer):
        self.saved.append(answer)
        return State(answer.at_us + 600 * SECOND, "{}")

    def kinds(self):
        return [type(event).__name__ for event in self.events]


def test_a_renamed_question_keeps_its_progress(questions):
    renamed = msgspec.structs.replace(questions["number"], id="new-name", was=["example-number", "second-name"])

    assert Run([renamed], "8").saved[0].question == "example-number"


def test_a_right_answer_is_saved_and_judged(questions):
    run = Run([questions["number"]], "8")

    assert run.kinds() == ["Shown", "Judged", "Ended"]
    saved = run.saved[0]
    assert (saved.question, saved.grade, saved.correct, saved.answer) == ("example-number", GOOD, True, "8")
    assert (saved.seed, saved.hints, saved.took_ms) == (1, 0, 1000)
    assert saved.key_sha == fingerprint(questions["number"])
    judged = run.events[1]
    assert judged.due_us == saved.at_us + 600 * SECOND
    assert run.ended == Ended(saved=True, right=1, soon=["example-number"])


def test_it_is_saved_before_it_is_judged_aloud(questions):
    """Who sees "Right." and pulls the plug finds the answer in the file."""
    order = []

    def save(answer):
        order.append("saved")
        return State(0, "{}")

    lines = iter(["8"])
    Session(1, lambda: START, lambda _: next(lines), lambda event: order.append(type(event).__name__), save).run(
        [questions["number"]]
    )

    assert order == ["Shown", "saved", "Judged", "Ended"]


def test_a_hint_or_a_second_try_makes_it_hard(questions):
    assert Run([questions["number"]], "?", "8").saved[0].grade == HARD
    assert Run([questions["number"]], "5", "8").saved[0].grade == HARD
    assert Run([questions["number"]], "?", "8").saved[0].hints == 1


def test_a_formula_has_two_tries_and_a_letter_one(questions):
    run = Run([questions["formula"], questions["single"]], "r", "d", "b")

    assert run.kinds() == ["Shown", "TryAgain", "Judged", "Shown", "Judged", "Ended"]
    assert [answer.grade for answer in run.saved] == [AGAIN, AGAIN]
    assert [answer.answer for answer in run.saved] == ["d", "b"]


@pytest.mark.parametrize("line", ["", "!"])
def test_enter_after_a_wrong_try_gives_the_answer(questions, line):
    run = Run([questions["number"]], "5", line)

    assert run.kinds() == ["Shown", "TryAgain", "Judged", "Ended"]
    assert (run.saved[0].answer, run.saved[0].grade) == ("5", AGAIN)
    assert run.events[2].verdict.message == ""


def test_hints_come_one_at_a_time_until_there_are_none(questions):
    run = Run([questions["number"]], "?", "?", "?", "8")

    hints = [event for event in run.events if isinstance(event, Hint)]
    assert [hint.text for hint in hints] == [*questions["number"].hints, ""]
    assert [hint.left for hint in hints] == [1, 0, 0]
    assert run.saved[0].hints == 2


def test_what_nobody_can_read_does_not_count(questions):
    run = Run([questions["formula"]], "", "2r", "max(-d, min(r, d))")

    refused = [event for event in run.events if isinstance(event, Refused)]
    assert "nothing was typed" in refused[0].message
    assert (refused[1].message, refused[1].typed, refused[1].column) == ("write 2*r: a product needs '*'", "2r", 1)
    assert run.saved[0].grade == GOOD


def test_a_skipped_question_is_not_saved(questions):
    run = Run([questions["number"], questions["bug"]], "!", "!")

    assert run.saved == []
    assert run.ended == Ended(saved=True, skipped=2)


@pytest.mark.parametrize("word", ["q", "Q", "quit", "QUIT"])
def test_q_leaves_with_a_summary(questions, word):
    run = Run([questions["number"], questions["bug"], questions["single"]], "8", word)

    assert run.ended == Ended(saved=True, right=1, left=2, soon=["example-number"])
    assert isinstance(run.events[-1], Ended)


def test_q_is_an_answer_where_q_is_a_symbol(questions):
    asked = draw(msgspec.structs.replace(questions["formula"], symbols={"q": "real", "d": "positive"}), 0)

    assert word(asked, "quit") == "quit"
    assert word(draw(questions["formula"], 0), "quit") == "q"
    choice = msgspec.structs.replace(questions["single"], symbols={"q": "real"})
    assert word(draw(choice, 0), "quit") == "q"  # its answers are letters, whatever its claims are about


@pytest.mark.parametrize(("end", "interrupted"), [(EOFError, False), (KeyboardInterrupt, True)])
def test_ctrl_c_and_the_end_of_input_end_with_a_summary(questions, end, interrupted):
    run = Run([questions["number"], questions["bug"]], "8", end=end)

    assert run.ended == Ended(saved=True, right=1, left=1, interrupted=interrupted, soon=["example-number"])
    assert isinstance(run.events[-1], Ended)
    assert len(run.saved) == 1


def test_leaving_after_a_wrong_try_counts_as_wrong(questions):
    for line in (["5", "q"], ["5"]):
        run = Run([questions["number"]], *line)

        assert run.saved[0].grade == AGAIN
        assert run.ended.wrong == 1


def test_without_saving_nothing_is_dated(questions):
    events = []
    lines = iter(["8"])
    Session(1, lambda: START, lambda _: next(lines), events.append).run([questions["number"]])

    assert events[1].due_us is None


def test_a_rewording_keeps_the_fingerprint_and_another_key_does_not(questions):
    for question in questions.values():
        reworded = msgspec.structs.replace(question, text="Otherwise put?", explain="So.", hints=[], level=3)
        assert fingerprint(reworded) == fingerprint(question)
    multiple = questions["multiple"]
    flipped = [msgspec.structs.replace(choice, correct=not choice.correct) for choice in multiple.choices]
    other = [
        msgspec.structs.replace(multiple, choices=flipped),
        msgspec.structs.replace(questions["formula"], answer="r"),
        msgspec.structs.replace(questions["number"], params={}),
        msgspec.structs.replace(questions["truefalse"], answer=True),
        msgspec.structs.replace(questions["order"], after={"b": ["a"]}),
    ]
    prints = {fingerprint(question) for question in questions.values()}
    assert not prints & {fingerprint(question) for question in other}


# -- what is printed


def printed(*events, width=80, coloured=False):
    out = io.StringIO()
    screen = Screen(Paper(out, width, coloured=coloured))
    for event in events:
        screen.show(event)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_screen_fits_its_width(questions, width, seed):
    for question in questions.values():
        run = Run([question], "?", "zzz", "b", "", seed=seed)
        text = printed(*run.events, width=width)

        assert max(map(len, text.splitlines())) <= width
        assert question.id not in text
        assert "Traceback" not in text


def test_a_word_that_is_too_long_is_cut():
    out = io.StringIO()
    Paper(out, 20, coloured=False).line("two words and " + "x" * 45 + " more")

    assert out.getvalue().split() == ["two", "words", "and", "x" * 20, "x" * 20, "x" * 5, "more"]


def test_colour_says_nothing_that_the_words_do_not(questions):
    run = Run([questions["single"], questions["number"]], "a", "5", "")

    plain = printed(*run.events)
    coloured = printed(*run.events, coloured=True)

    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert "Wrong." in plain
    assert "Not yet." in plain


def test_an_answer_that_acts_on_terminals_is_shown_and_not_obeyed(questions):
    event = Refused("no", "[bold]x[/bold] [/] \x1b]52;c;aGk=\x07 \u202e", 3)

    text = printed(event, coloured=True, width=120)

    assert "[bold]x[/bold] [/] \\x1b]52;c;aGk=\\x07 \\u202e" in text
    assert "\x1b]" not in text


def test_code_is_set_off_by_backticks_where_there_is_no_colour(questions):
    assert "`x`" in printed(Hint("write `x`", 0))
    assert "`" not in printed(Hint("write `x`", 0), coloured=True)


def test_a_refusal_points_at_the_place():
    assert printed(Refused("write 2*r", "d + 2r", 5)) == "d + 2r\n     ^\nwrite 2*r. This did not count.\n"


def test_a_shown_question_names_what_can_be_typed(questions):
    asked = draw(questions["formula"], 0)

    text = printed(Shown(asked, 3, 20))

    assert "3 of 20 · example losses · formula · level 2" in text
    assert "r (any real number), d (above 0)" in text
    assert "? hint   ! skip   u undo   f flag   q quit" in text


def test_a_wrong_order_is_followed_by_the_right_one(questions):
    run = Run([questions["order-computed"]], "abc", "acb", "")
    judged = [event for event in run.events if isinstance(event, Judged) and not event.verdict.correct]
    again = [event for event in run.events if isinstance(event, TryAgain)]

    assert len(judged) == len(again) == 1
    lines = printed(judged[0]).splitlines()
    start = [line.startswith("Answer: ") for line in lines].index(True) + 1
    steps = [line.split(maxsplit=1)[1] for line in lines[start : start + 3]]
    assert steps == ["Huber with delta = 1", "absolute error", "squared error"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (50, "in 1 minute"),
        (600, "in 10 minutes"),
        (3 * 3600, "in 3 hours"),
        (DAY, "tomorrow"),
        (2 * DAY, "in 2 days"),
        (20 * DAY, "in 3 weeks"),
        (365 * DAY, "in 12 months"),
    ],
)
def test_a_date_in_words(seconds, words):
    assert until(seconds) == words


def test_a_summary_in_words():
    assert summary(Ended()) == "Nothing answered."
    assert summary(Ended(right=3, wrong=1, skipped=2, left=5)) == "3 of 4 right, 2 skipped, 5 not reached."
    assert summary(Ended(right=1, soon=["a"])).endswith("1 comes again within the hour: type dlquiz review.")


# -- second thoughts


class Kept(Run):
    """A session that pauses, undoes and flags."""

    def __init__(self, questions, *lines, changed=()):
        self.lines, self.end, self.now = list(lines), EOFError, START
        self.events, self.saved, self.prompts, self.flags = [], [], [], []
        self.session = Session(
            1, self.clock, self.read, self.events.append, self.save, self.undo, self.flag, changed, pause=True
        )
        self.ended = self.session.run(questions)

    def undo(self, question):
        assert self.saved.pop().question == question

    def flag(self, question, note):
        self.flags.append((question, note))

    def shown(self):
        return [event.number for event in self.events if isinstance(event, Shown)]


def test_a_pause_waits_for_enter(questions):
    run = Kept([questions["number"], questions["single"]], "8", "b", "")

    assert run.kinds() == ["Shown", "Judged", "Refused", "Shown", "Ended"]
    assert run.ended.left == 1


@pytest.mark.parametrize("lines", [("8", "u", "5", "", "", "!"), ("8", "", "u", "5", "", "", "!")])
def test_an_answer_is_taken_back_and_its_question_asked_again(questions, lines):
    run = Kept([questions["number"], questions["single"]], *lines)

    assert run.shown() in ([1, 1, 2], [1, 2, 1, 2])
    assert [answer.correct for answer in run.saved] == [False]
    assert run.ended == Ended(saved=True, wrong=1, skipped=1, soon=["example-number"])


def test_two_answers_are_taken_back_one_after_the_other(questions):
    run = Kept([questions["number"], questions["number"], questions["bug"]], "8", "", "8", "", "u", "u", "q")

    assert run.shown() == [1, 2, 3, 2, 1]
    assert run.saved == []
    assert run.ended == Ended(saved=True, left=3)


def test_there_may_be_nothing_to_take_back(questions):
    run = Kept([questions["number"]], "u", "5", "u", "8")

    said = [event.text for event in run.events if isinstance(event, Said)]
    assert "dlquiz progress undo takes back older ones" in said[0]
    assert said[1] == "That try is taken back."
    assert [answer.grade for answer in run.saved] == [GOOD]


def test_a_question_is_flagged_before_and_after_the_answer(questions):
    run = Kept([questions["number"], questions["truefalse"]], "f", "8", "f the text is odd", "", "f", "flag why")

    assert run.flags == [
        ("example-number", ""),
        ("example-number", "the text is odd"),
        ("example-truefalse", "why"),
    ]
    assert [answer.answer for answer in run.saved] == ["8", "f"]
    assert run.ended.flagged == ["example-number", "example-truefalse"]
    assert summary(run.ended).endswith("Flagged: example-number, example-truefalse.")


def test_without_saving_no_flag_is_kept(questions):
    run = Run([questions["number"]], "f", "8")

    assert "flags neither" in run.events[1].text


def test_a_changed_key_is_said(questions):
    run = Kept([questions["number"]], changed={"example-number"})

    assert "The key of this question has changed since you last answered it." in printed(run.events[0])
    assert "changed" not in printed(Kept([questions["number"]]).events[0])


def test_ctrl_c_says_that_nothing_is_lost(questions):
    assert "Every answer is saved" in summary(Run([questions["number"]], end=KeyboardInterrupt).ended)
    assert "saved" not in summary(Ended(interrupted=True))
