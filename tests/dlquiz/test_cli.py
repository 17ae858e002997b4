import contextlib
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlquiz.cli import LAZY
from dlquiz.quick import run
from dlquiz.store import Store

from .conftest import EXAMPLE
from .terminal import Terminal

MODULE = (sys.executable, "-m", "dlquiz")
HEAVY = ("torch", "numpy", "sympy", "mpmath", "rich", "fsrs", "dlref")
NOTHING = ("re", "typing", "json", "collections", "pathlib", "click", "msgspec", "sqlite3", *HEAVY)


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def dlquiz(*arguments):
    """One command in this process, which has torch already."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return Done(code, out.getvalue(), err.getvalue())


def process(*command, **environment):
    """One command in a process of its own."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "", **environment}  # some machines write every letter at once
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, env=environment, stdin=subprocess.DEVNULL
    )
    return Done(done.returncode, done.stdout, done.stderr)


# -- reading verbs


def test_help_reads_like_a_page_of_a_manual():
    said = dlquiz("--help")

    assert said.returncode == 0
    for part in ("Commands:", "Examples", "In a session", "Environment", "DLQUIZ_BANK", "DLQUIZ_DB", "Exit codes"):
        assert part in said.stdout
    for verb in LAZY:
        assert f"  {verb} " in said.stdout
        assert dlquiz(verb, "--help").returncode == 0
    assert max(map(len, said.stdout.splitlines())) <= 80


def test_home_says_what_is_due_and_what_to_type():
    said = dlquiz()

    assert said.returncode == 0
    assert said.stdout.splitlines()[1].split() == ["example", "losses", "0", "10", "0"]
    assert "Type: dlquiz review" in said.stdout
    assert not Path(os.environ["DLQUIZ_DB"]).exists()


def test_list_names_every_question():
    rows = json.loads(dlquiz("list", "--json").stdout)

    assert len(rows) == 10
    assert rows[0] == {
        "id": "example-number",
        "concept": "example_losses",
        "kind": "number",
        "level": 1,
        "ref": "regression_losses.huber",
        "verified": "computed",
        "by": ["regression_losses.huber"],
    }
    assert {row["verified"] for row in rows} == {"computed", "source"}
    assert all(row["id"] in dlquiz("list", "losses").stdout for row in rows)


def test_show_has_the_answer_and_how_it_is_known():
    said = dlquiz("show", "example-formula").stdout

    assert "Answer: max(-d, min(r, d))" in said
    assert "Key computed: derivative of" in said
    assert "absolute error's slope" in said
    shown = json.loads(dlquiz("show", "example-single", "--json", "--seed", "4").stdout)
    assert {choice["letter"] for choice in shown["choices"]} == {"a", "b", "c"}
    assert shown["key"] in {"a", "b", "c"}


@pytest.mark.parametrize(
    ("answer", "code", "correct", "said"),
    [
        ("8", 0, True, ""),
        ("12.5", 1, False, "only while |error| <= delta"),
        ("0,5", 2, False, "write 0.5, with a point"),
    ],
)
def test_ask_grades_one_answer(answer, code, correct, said):
    done = dlquiz("ask", "example-number", "--seed", "1", "--answer", answer, "--json")
    graded = json.loads(done.stdout)

    assert done.returncode == code
    assert {"id", "correct", "message", "key"} <= graded.keys()
    assert (graded["id"], graded["correct"], graded["key"]) == ("example-number", correct, 8.0)
    assert said in graded["message"]
    assert not Path(os.environ["DLQUIZ_DB"]).exists()


def test_ask_in_words():
    wrong = dlquiz("ask", "example-number", "--seed", "1", "--answer", "12.5")
    unreadable = dlquiz("ask", "example-number", "--answer", "2x")

    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert wrong.stdout.startswith("Wrong.")
    assert (unreadable.returncode, unreadable.stdout) == (2, "")
    assert "write 2*x" in unreadable.stderr


def test_ask_without_an_answer_gives_the_question_as_data():
    asked = json.loads(dlquiz("ask", "example-order", "--json").stdout)

    assert [step["letter"] for step in asked["steps"]] == list("abcd")
    assert "key" not in asked


@pytest.mark.parametrize("word", ["review", "ask"])
def test_without_a_terminal_a_session_is_refused_at_once(word):
    start = time.monotonic()
    done = process(*MODULE, word, *(["example-number"] if word == "ask" else []))

    assert done.returncode == 2
    assert f"{word} needs a terminal" in done.stderr
    assert "--answer TEXT" in done.stderr
    assert done.stdout == ""
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ask", "exmple-number", "--answer", "1"), "no question 'exmple-number'; did you mean 'example-number'?"),
        (("show", "\x1b[31mx"), "no question '\\\\x1b[31mx'"),
        (("list", "loses"), "no concept bears the word 'loses'; did you mean 'losses'?"),
        (("check", "nowhere.yml"), "nowhere.yml:1:1: cannot be read"),
    ],
)
def test_what_is_not_there_is_one_line(arguments, said):
    done = dlquiz(*arguments)

    assert done.returncode in (2, 4)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_an_unknown_verb_or_option_is_a_usage_error():
    assert dlquiz("reviw").returncode == 2
    assert dlquiz("list", "--jsn").returncode == 2


# -- check


def test_check_counts_and_is_content_with_the_example():
    done = dlquiz("check", str(EXAMPLE))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "10 questions, 9 keys computed (90%), 1 by a source, 0 errors\n"
    assert json.loads(dlquiz("check", "--json").stdout)["faults"] == []


def test_check_tells_a_wrong_key_from_a_broken_file(tmp_path):
    text = EXAMPLE.read_text()
    wrong, broken = tmp_path / "wrong.yml", tmp_path / "broken.yml"
    wrong.write_text(text.replace('holds: "a == b"', 'holds: "a == 2*b"'))
    broken.write_text(text.replace("kind: bug", "kind: bgu"))

    one, two = dlquiz("check", str(wrong)), dlquiz("check", str(broken))

    assert one.returncode == 1
    assert "wrong.yml:" in one.stdout
    assert two.returncode == 4
    assert "unknown kind 'bgu'; did you mean 'bug'?" in two.stdout
    assert "Traceback" not in one.stderr + two.stderr


def test_check_sees_an_id_that_two_files_share(tmp_path):
    for name in ("a.yml", "b.yml"):
        (tmp_path / name).write_bytes(EXAMPLE.read_bytes())

    done = dlquiz("check", str(tmp_path))

    assert done.returncode == 1
    assert done.stdout.count("this id is used in") == 10


@pytest.mark.parametrize("arguments", [(), ("list",), ("show", "x"), ("ask", "x", "--answer", "1"), ("check",)])
def test_a_broken_bank_is_a_line_and_exit_4_in_every_verb(tmp_path, monkeypatch, arguments):
    (tmp_path / "broken.yml").write_text("format: 1\nconcept: ab\nquestions:\n\t- id: x\n")

    monkeypatch.setenv("DLQUIZ_BANK", str(tmp_path))
    done = dlquiz(*arguments)

    assert done.returncode == 4
    assert "broken.yml:4:1: " in done.stderr
    assert "indent with spaces" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_key_that_cannot_be_computed_is_the_banks_fault(tmp_path, monkeypatch):
    path = tmp_path / "bank.yml"
    path.write_text(EXAMPLE.read_text().replace('delta: "{delta}"}', 'delta: "0 - {delta}"}'))

    monkeypatch.setenv("DLQUIZ_BANK", str(path))
    done = dlquiz("ask", "example-number", "--answer", "1")

    assert done.returncode == 4
    assert "needs delta > 0" in done.stderr
    assert done.stderr.count("\n") == 1


# -- weight and surroundings


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (("--help",), NOTHING),
        (("list",), NOTHING),
        (("list", "--json"), NOTHING),
        (("progress", "path"), NOTHING),
        ((), ("typing", "click", "msgspec", "pathlib", *HEAVY)),
        (("stats",), ("click", "msgspec", "dataclasses", "inspect", *HEAVY)),
        (("show", "example-single"), ("click", "dataclasses", "pathlib", "sqlite3", *HEAVY)),
        (("review", "--help"), ("sqlite3", "msgspec", *HEAVY)),
    ],
)
def test_a_verb_that_reads_imports_no_more_than_it_needs(monkeypatch, arguments, unwanted):
    monkeypatch.setenv("COLUMNS", "80")
    dlquiz(*arguments)  # from now on what can be kept is kept
    code = f"""
import sys
from dlquiz.quick import run
code = run({list(arguments)!r})
print([name for name in {unwanted!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""
    done = process(sys.executable, "-c", code)

    assert (done.returncode, done.stderr.strip()) == (0, "[]")


def test_a_choice_is_graded_without_torch():
    code = """
import sys
from dlquiz import bank
from dlquiz.grade import grade
from dlquiz.question import draw
for question in bank.read_all():
    typed = {"single": "a", "multiple": "a", "truefalse": "t", "formula": "1", "stable": "1"}.get(question.kind)
    if typed:
        grade(draw(question, 0), typed)
print([name for name in ("torch", "sympy", "dlref") if name in sys.modules])
"""
    done = process(sys.executable, "-c", code)

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_damaged_progress_is_exit_3_with_the_path():
    path = Path(os.environ["DLQUIZ_DB"])
    path.write_text("these are not answers, " * 100)

    done = dlquiz()

    assert done.returncode == 3
    assert str(path) in done.stderr
    assert "is damaged" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_terminal_without_utf_8_or_colour_is_served():
    done = process(*MODULE, "show", "example-single", PYTHONIOENCODING="ascii", TERM="dumb", COLUMNS="40")

    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


def test_all_is_said_before_it_leaves():
    done = process(*MODULE, "list", "example")

    assert (done.returncode, done.stdout) == (0, dlquiz("list", "example").stdout)


def test_a_closed_pipe_is_no_traceback():
    done = process("bash", "-c", f"{sys.executable} -m dlquiz list | true; exit ${{PIPESTATUS[0]}}")

    assert done.returncode in (0, 1)
    assert done.stderr == ""


# -- sessions on a terminal


def test_a_session_is_saved_and_comes_back():
    terminal = Terminal("review", "-n", "2", "--seed", "1")
    terminal.until("1 of 2")
    terminal.until("number > ")
    terminal.type("8\n")
    assert "Right." in terminal.until("q quit > ")
    terminal.type("\n")
    terminal.until("2 of 2")
    terminal.until("number > ")
    terminal.type("q\n")
    assert "1 of 1 right, 1 not reached." in terminal.until("dlquiz review.")
    assert terminal.leave() == 0

    with Store(Path(os.environ["DLQUIZ_DB"]), create=False) as store:
        assert [one.question for one in store.log()] == ["example-number"]
        assert store.cards() == store.replayed()
    assert dlquiz().stdout.splitlines()[1].split() == ["example", "losses", "0", "9", "1"]


def test_ctrl_c_ends_with_a_summary_and_130_and_nothing_is_lost():
    terminal = Terminal("review", "--seed", "1")
    terminal.until("number > ")
    terminal.type("8\n")
    terminal.until("q quit > ")
    terminal.type("\n")
    terminal.until("number > ")
    terminal.interrupt()
    assert "1 of 1 right, 4 not reached." in terminal.until("goes on from here.")
    assert terminal.leave() == 130

    with Store(Path(os.environ["DLQUIZ_DB"]), create=False) as store:
        assert len(store.log()) == 1


def test_the_end_of_input_ends_a_session():
    terminal = Terminal("review", "--no-save")
    terminal.until("number > ")
    terminal.type("\x04")
    assert "Nothing answered, 5 not reached." in terminal.until("reached.")
    assert terminal.leave() == 0
    assert not Path(os.environ["DLQUIZ_DB"]).exists()


def test_asking_one_question_on_a_terminal_saves_nothing():
    terminal = Terminal("ask", "example-single", "--seed", "0", columns=40)
    terminal.until("letter > ")
    terminal.type("z\n")
    terminal.until("type one letter, out of a, b, c")
    terminal.type("a\n")
    terminal.until("of 1 right")
    assert terminal.leave() in (0, 1)
    assert not Path(os.environ["DLQUIZ_DB"]).exists()
