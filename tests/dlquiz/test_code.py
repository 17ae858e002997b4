"""A function that a learner writes: what is right, and what is said to what is wrong."""

import io
import json
import sys
from pathlib import Path

import pytest

from dlquiz import bank
from dlquiz.code.compose import compose
from dlquiz.code.stub import draft, stub
from dlquiz.events import Judged, Refused, Report, Result, TryAgain
from dlquiz.grade import grade
from dlquiz.paper import Paper
from dlquiz.question import draw
from dlquiz.schema import Code
from dlquiz.session import Session
from dlquiz.verdict import UnreadableError

from .code_answers import WRONG
from .test_session import Run, printed

BANK = Path(__file__).parent / "code.yml"
QUESTIONS = {question.id.removeprefix("example-"): question for question in bank.read(BANK)}
SHIPPED = {question.id: question for question in bank.read_all() if isinstance(question, Code)}

HUBER = "def huber(prediction, target, *, delta=1.0):\n    "
HUBER_RIGHT = HUBER + "e = abs(prediction - target)\n    c = np.minimum(e, delta)\n    return c * (e - c / 2)\n"


@pytest.fixture
def asked():
    return lambda name, seed=0: draw(QUESTIONS[name], seed)


@pytest.fixture
def said(asked):
    """What is said to an answer; a right one has nothing to be said."""

    def said(name, code):
        verdict = grade(asked(name), code)
        assert verdict.score == verdict.correct
        return "Right." if verdict.correct and not verdict.message else verdict.message

    return said


# -- right and wrong


def test_a_right_function_is_right_however_it_is_written(said):
    assert said("huber", HUBER_RIGHT) == "Right."
    short = "huber = lambda p, t, delta: np.where(abs(p-t) <= delta, (p-t)**2/2, abs(p-t)*delta-delta**2/2)"
    assert said("huber", short) == "Right."
    assert said("hinge", "import torch\ndef hinge(score, sign):\n    return torch.relu(1 - score * sign)") == "Right."


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("return delta * (prediction - target)", "At prediction = -3, target = 0, delta = 2 yours gives -6; it is 4."),
        (
            "return (prediction - target) * np.nan",
            "At prediction = -3, target = 0, delta = 2 yours gives nan; it is 4.",
        ),
        ("pass", "It returns NoneType, not a numpy array; is there a return?"),
        ("return (prediction - target).tolist()", "It returns list, not a numpy array."),
        ("return 0.5", "It returns float, not a numpy array."),
        ("return (prediction - target).sum()", "It returns the shape (); it should be (2,)."),
        ("return (prediction - target)[None]", "It returns the shape (1, 2); it should be (2,)."),
        ("return (prediction - target) > 0", "It returns bool for arguments of float64; it should be float64."),
        ("return (prediction - target).astype(object)", "It returns object for"),
        ("return (prediction - target) * 1j", "It returns complex128 for"),
        ("return np.zeros((1000, 1000))", "It returns the shape (1000, 1000); it should be (2,)."),
        ("return prediction / tagret", "It did not get to the end: NameError: name 'tagret' is not defined (line 2 of"),
        ("return prediction[9]", "It did not get to the end: IndexError: index 9 is out of bounds"),
    ],
)
def test_what_is_wrong_is_said_with_the_case(said, body, start):
    assert said("huber", HUBER + body).startswith(start)


def test_the_case_at_which_it_stops_is_named(said):
    assert said("huber", HUBER + "return prediction[9]").endswith(
        "That is at prediction = [-3, 0.5], target = [0, 0], delta = 2."
    )


def test_of_rows_the_row_is_shown(asked):
    wrong = "def sparse_cross_entropy(logits, index):\n    return logits[..., 0] * 0"

    message = grade(asked("cross-entropy"), wrong).message

    row = message.partition("logits = [")[2].partition("]")[0].split(", ")
    assert len(row) == 5
    assert ", index = " in message
    assert "yours gives 0; it is " in message.replace("-0;", "0;")


def test_a_mistake_is_called_by_its_name(said):
    assert said("huber", WRONG["huber-code"]["regression_losses.huber_negative_tail"]).endswith(
        "yours gives -7; it is 4. Your function behaves as `huber_negative_tail`. A loss is never negative."
    )
    assert "behaves as" not in said("huber", HUBER + "return prediction - target")


def test_an_argument_that_is_changed_in_place_is_told(said):
    changed = (
        HUBER
        + "prediction -= target\n    e = abs(prediction)\n    c = np.minimum(e, delta)\n    return c * (e - c / 2)"
    )

    assert said("huber", changed).startswith("The values are right, but it changes `prediction` in place")


def test_prints_and_warnings_are_shown(said):
    printed = said("huber", HUBER_RIGHT.replace("    return", "    print('\x1b[31mhere')\n    return"))

    assert printed.startswith("It printed:\n\x1b[31mhere"), "what is printed on the screen goes through `plain`"
    assert "RuntimeWarning: overflow" in said("huber", HUBER + "return np.exp(prediction * 1e9)")


def test_the_dtype_is_that_of_the_question(said):
    name = "def sparse_cross_entropy(logits, index):\n    z = logits - logits.max(-1, keepdims=True)\n"
    right = "np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, index[..., None], -1)[..., 0]"

    assert said("cross-entropy", f"{name}    return {right}") == "Right."
    assert said("cross-entropy", f"{name}    return ({right}).astype('float64')").startswith("It returns float64 for")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def huber(p, t) return p", "line 1: expected ':'"),
        ("def hubre(p, t): return p", "define a function named huber"),
        ("print('huber')", "define a function named huber"),
        ("def huber(p, t):\n  return '\0'", "null bytes"),
        ("(" * 500, "line 1: too many nested parentheses"),
        ("huber = 1" + "0" * 30_000, "more than 20000 characters"),
        ("  ", "nothing was typed"),
    ],
)
def test_what_is_no_function_does_not_count(asked, code, message):
    with pytest.raises(UnreadableError, match=message):
        grade(asked("huber"), code)


@pytest.mark.parametrize(
    "code",
    [
        "def hinge(s, y): return torch.nn.functional.hinge_embedding_loss(s, y)",
        "from torch.nn.functional import hinge_embedding_loss\ndef hinge(s, y): return s",
    ],
)
def test_a_forbidden_name_does_not_count(asked, code):
    with pytest.raises(UnreadableError, match="must do without hinge_embedding_loss"):
        grade(asked("hinge"), code)


def test_the_answer_may_not_be_imported(said):
    theirs = "from dlref.regression_losses import huber as ours\nhuber = ours"

    assert "No module named 'dlref.regression_losses'" in said("huber", theirs)


# -- in a session


def session(*lines, edit=None, name="huber"):
    run = Run([], *lines)
    run.events.clear()
    run.session = Session(1, run.clock, run.read, run.events.append, run.save, edit=edit)
    run.ended = run.session.run([QUESTIONS[name]])
    return run


def test_a_function_is_typed_line_by_line_up_to_a_dot():
    run = session(*HUBER_RIGHT.splitlines(), ".")

    assert run.ended.right == 1
    assert run.saved[0].answer == HUBER_RIGHT.strip()
    assert run.prompts[:3] == ["e to edit, or the function > ", "... ", "... "]


def test_the_editor_opens_with_the_start_and_then_with_what_was_written():
    drafts, texts = [], [HUBER + "return", "def huber(", HUBER_RIGHT]

    def edit(draft):
        drafts.append(draft)
        return texts.pop(0)

    run = session("e", "e", "e", edit=edit)

    assert drafts == [draft(QUESTIONS["huber"]), HUBER + "return", "def huber("]
    assert run.kinds() == ["Shown", "TryAgain", "Refused", "Judged", "Ended"]
    assert run.ended.right == 1


def test_one_tries_until_one_gives_up_and_then_sees_the_reference():
    wrong = "def huber(p, t, delta): return p - t"
    run = session("?", wrong, ".", wrong, ".", wrong, ".", "")

    assert run.kinds() == ["Shown", "Hint", "TryAgain", "TryAgain", "TryAgain", "Judged", "Ended"]
    assert not run.saved[0].correct
    shown = printed(*run.events)
    assert "The reference:\n    def huber(prediction: Values" in shown
    assert "This is not a sandbox: the code has your rights." in " ".join(shown.split())


def test_a_report_shows_what_was_written_and_not_the_stub(asked):
    huber = asked("huber")
    shown = printed(Report(1, 600, [Result(huber, HUBER_RIGHT, grade(huber, HUBER_RIGHT)), Result(asked("hinge"))]))

    assert "You typed:\n    def huber(prediction, target" in shown
    assert shown.count("The reference:") == 2
    assert "write me" not in shown


@pytest.mark.parametrize("width", [30, 40])
def test_a_long_line_of_code_goes_on_deeper_than_it_began(width):
    out = io.StringIO()
    Paper(out, width, coloured=False).code("def f(x):\n\treturn one + two + three + four + five + six\x1b[2J")
    first, *rest = out.getvalue().splitlines()

    assert (first, rest[0][:14]) == ("    def f(x):", "        return")
    assert len(rest) > 1
    assert all(line.startswith(" " * 12) for line in rest[1:])
    assert max(map(len, rest)) <= width
    assert " ".join(" ".join(rest).split()) == "return one + two + three + four + five + six\\x1b[2J"


def test_the_reference_is_shown_to_who_is_right_too():
    (judged,) = [event for event in session(HUBER_RIGHT, ".").events if isinstance(event, Judged)]

    assert "    def huber(prediction: Values" in printed(judged)


@pytest.mark.parametrize(
    ("line", "edit", "said"),
    [
        ("huber", None, "type e for your editor, or the function itself"),
        ("e", None, "there is no editor here"),
        ("e", lambda _: None, "nothing was changed"),
        ("e", lambda draft: draft + "\n", "nothing was changed"),
        ("e", lambda _: 1 / 0, r"no editor could be opened \(division by zero\); set EDITOR"),
    ],
)
def test_what_gives_no_function_does_not_count(line, edit, said):
    with pytest.raises(UnreadableError, match=said):
        compose(line, "draft", lambda _: ".", edit)
    assert [type(event) for event in session(line, edit=edit).events[1:2]] == [Refused]


def test_the_end_of_input_ends_the_function_too():
    def read(_):
        raise EOFError

    assert compose("def f(): pass", "", read, None) == "def f(): pass"


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", QUESTIONS)
def test_every_screen_fits_its_width(name, width):
    ref = QUESTIONS[name].ref.rpartition(".")[2]
    run = session("?", f"def {ref}(a, b, **c): return a.x", ".", "", name=name)
    text = printed(*run.events, width=width)

    assert TryAgain in map(type, run.events)
    assert max(map(len, text.splitlines())) <= width


# -- from a file


def ask(*arguments, stdin=""):
    from dlquiz.quick import run as dlquiz

    out, old = io.StringIO(), (sys.stdout, sys.stdin)
    sys.stdout, sys.stdin = out, io.StringIO(stdin)
    try:
        return dlquiz(["ask", "example-huber", *arguments]), out.getvalue()
    finally:
        sys.stdout, sys.stdin = old


def test_an_answer_may_stand_in_a_file_or_come_on_stdin(tmp_path, monkeypatch):
    monkeypatch.setenv("DLQUIZ_BANK", str(BANK))
    path = tmp_path / "huber.py"
    path.write_text(HUBER_RIGHT)

    assert ask("--answer-file", str(path))[0] == 0
    assert ask("--answer", "-", stdin=HUBER_RIGHT)[0] == 0
    code, out = ask("--json", "--answer", "-", stdin=HUBER + "return prediction")
    assert code == 1
    assert json.loads(out)["message"].startswith("At prediction = -3, target = 0, delta = 2 yours gives -3; it is 4.")
    assert json.loads(ask("--json")[1])["stub"] == stub(QUESTIONS["huber"])
    assert ask("--answer-file", str(tmp_path / "none.py"))[0] == 2
    path.write_bytes(b"\xff\xfe")
    assert ask("--answer-file", str(path))[0] == 2
