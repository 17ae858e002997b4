"""The page and the terminal give the same verdict on the same answer: one table over every kind of question."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from built import ROOT
from dldocs.answers import KINDS
from dldocs.quiz import SEED, known
from dlquiz import bank, grade, schema
from dlquiz.params import show
from dlquiz.question import Asked, draw
from dlquiz.verdict import UnreadableError

BANKS = [*bank.files(), ROOT / "tests/dlquiz/example.yml"]  # the example has a question of every kind
SEEDS = range(3)
GRADED = KINDS.keys() - {"code"}  # a function is graded in the terminal alone
GARBAGE = ["?", "2x", "2|x|", "1/0", "-", "zz", "np.exp(1)", "1e999", "0.123456789", "99", "0,5", " -1,50 ", "50%", "٣"]
GARBAGE += [
    "9.090909090909092e-05",
    "9^9^9^9",
    "exp(800)",
    "exp(-800)",
    "\u00a01 ",
    "1 2",
    "",
    "   ",
    "clip(1, 0)",
    "|2|",
    "1_000",
    "1,000,000",
]
GRADE = """(table) => table.map(([data, answers]) => answers.map((answer) => {
  try { return dlref.grade(data, answer); }
  catch (error) { if (error instanceof dlref.Unreadable) return {unreadable: error.message}; throw error; }
}))"""


def answers(asked: Asked) -> Iterator[str]:
    """The key, each wrong option, each named mistake, and each kind's own ways to be typed or mistyped."""
    question = asked.question
    key = asked.key()
    typed = show(key, 17) if isinstance(key, float) else str(key)
    yield from (typed, f"  {typed}\t", typed.upper(), "", "  ", "0,5", "|x|", "$")
    match question:
        case schema.Multiple():
            letters = [option.letter for option in asked.choices]
            yield "".join(letters)
            yield from letters
            yield from ("".join(letter for letter in str(key) if letter != one) or letters[-1] for one in str(key))
            yield from (" and ".join(letters), ", ".join(letters).upper(), "az", "and")
        case schema.Choices():
            letters = [option.letter for option in asked.choices]
            yield from (*letters, *(f"({letter.upper()}). " for letter in letters), "z", "ab", "1")
        case schema.TrueFalse():
            yield from ("true", "false", "T", "F", "Yes", "n", "maybe", "tr", "1")
        case schema.Number():
            yield from GARBAGE
            yield from (show(value, 17) for m in question.mistakes if (value := number(asked, m)) is not None)
            if isinstance(key, float):
                yield from (show(key * (1 + e), 17) for e in (1e-9, 1e-4, 2e-3, 0.02))
                yield from (f"{typed} {question.unit}", f"{typed}{question.unit}", f"+{typed}", typed.replace(".", ","))
        case schema.Formula():
            yield from GARBAGE
            yield from (mistake.formula for mistake in question.mistakes)
            yield from (f"0 + ({mistake.formula})" for mistake in question.mistakes)
            yield from respelled(str(key))
        case schema.Order():
            yield from orders(asked)
            yield from (" > ".join(asked.names), ", ".join(asked.names).upper(), "a", "aa", "abcdefghijkl")
        case schema.Bug():
            lines = len(asked.mutant().lines)
            yield from (str(line) for line in range(1, lines + 1))
            yield from (f"line {key}", f"Line{key}", "line", "0", str(lines + 1), "99999", "1.0", "-1")


def number(asked: Asked, mistake: schema.NumberMistake) -> float | None:
    try:
        return asked.number(mistake)
    except ArithmeticError:
        return None


def respelled(key: str) -> Iterator[str]:
    """The same formula otherwise, and others near it."""
    yield f"({key})*2/2"
    yield f"0 + {key}"
    yield f"-({key})"
    yield f"({key}) + 0.001"
    yield f"({key})*1.0001"
    yield f"sqrt(({key})^2)"
    yield f"log(exp({key}))"


def orders(asked: Asked) -> Iterator[str]:
    shuffle = random.Random(asked.id)
    letters = list(asked.names)
    for _ in range(12):
        shuffle.shuffle(letters)
        yield "".join(letters)


def by_terminal(asked: Asked, answer: str) -> dict[str, Any]:
    try:
        verdict = grade.grade(asked, answer)
    except UnreadableError as error:
        return {"unreadable": str(error)}
    return {"correct": verdict.correct, "score": verdict.score, "message": verdict.message}


def differ(asked: Asked, answer: str, shown: dict[str, Any], told: dict[str, Any]) -> str:
    """In what the page's verdict is not the terminal's; empty where they agree."""
    typed = isinstance(asked.question, schema.Number | schema.Formula)
    if "unreadable" in shown or "unreadable" in told:
        if ("unreadable" in shown) != ("unreadable" in told):
            return "" if "page cannot compare" in shown.get("unreadable", "") else "readable"
        alike = shown == told or not answer.strip() or "points could be compared" in told["unreadable"]
        return "refusal" if typed and not alike else ""
    if shown["correct"] is not told["correct"] or abs(shown["score"] - told["score"]) > 1e-9:
        return "verdict"
    return "" if shown["correct"] or feedback(asked, answer, shown, told) else "feedback"


def feedback(asked: Asked, answer: str, shown: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether a wrong answer meets the same words: those of the bank, and for a number and a truth all of them."""
    question = asked.question
    if isinstance(question, schema.Single):
        return list(shown["notes"].values()) == [told["message"]]
    if isinstance(question, schema.Number | schema.TrueFalse):
        return shown["message"] == told["message"]
    if isinstance(question, schema.Formula):
        said = [[m.say for m in question.mistakes if m.say in one["message"]] for one in (shown, told)]
        paper = [one["message"].partition(" it gives ")[0] for one in (shown, told) if "on paper" in one["message"]]
        return said[0] == said[1] and len(paper) != 1 and len(set(paper)) < 2
    if isinstance(question, schema.Multiple):
        wrong = {o.letter: o.why for o in asked.choices if o.letter in answer.lower() and not o.correct}
        return all(
            shown["notes"][one] == why and f"{one} does not belong: {why}" in told["message"]
            for one, why in wrong.items()
        )
    return True


@pytest.mark.parametrize("path", BANKS, ids=lambda path: path.stem)
def test_the_page_grades_as_the_terminal_does(reader, path) -> None:
    page = reader.open("contributing.html")
    asked = [draw(q, seed) for q in bank.read(path) for seed in SEEDS if q.kind in GRADED and not q.retired]
    typed = [list(dict.fromkeys(answers(one))) for one in asked]
    table = page.evaluate(GRADE, [[known(one), some] for one, some in zip(asked, typed, strict=True)])
    found, verdicts, beyond = [], Counter(), 0
    for one, some, row in zip(asked, typed, table, strict=True):
        for answer, shown in zip(some, row, strict=True):
            told = by_terminal(one, answer)
            verdicts[told.get("correct")] += 1
            beyond += "page cannot compare" in shown.get("unreadable", "") and "correct" in told
            if what := differ(one, answer, shown, told):
                found.append(f"{what} of {one.id} (seed {one.seed}): {answer!r}\n  page     {shown}\n  terminal {told}")
    print(f"{path.stem}: {len(asked)} questions asked, {verdicts.total()} answers, {beyond} beyond doubles")

    assert not found, "\n".join([f"{len(found)} of {verdicts.total()} differ", *found[:20]])
    assert all(verdicts[one] for one in (True, False, None)), "every verdict was met"
    assert beyond <= verdicts.total() / 100


@pytest.mark.parametrize("concept", sorted(path.stem for path in bank.files()))
def test_a_page_holds_every_question_as_it_was_graded_here(reader, concept: str) -> None:
    page = reader.open(f"concepts/{concept}.html")
    held = [json.loads(text) for text in page.locator(".dl-question script").all_text_contents()]
    asked = [draw(question, SEED) for question in bank.read(concept) if question.kind in KINDS and not question.retired]

    assert {one["id"]: one for one in held} == {one.id: json.loads(json.dumps(known(one))) for one in asked}
