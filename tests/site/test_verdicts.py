"""The page and the terminal give the same verdict on the same answer, for every question of every bank."""

import random
from collections.abc import Iterator

import pytest

from dldocs.quiz import SEED
from dlquiz import bank, grade, schema
from dlquiz.params import show
from dlquiz.question import Asked, draw

GARBAGE = ["?", "2x", "1/0", "-", "zz", "np.exp(1)", "1e999", "0.123456789", "99"]
GRADE = """([id, answers]) => {
  const data = JSON.parse(document.querySelector(`#quiz-${id} script`).textContent);
  return answers.map((answer) => {
    try { return dlref.grade(data, answer).correct; }
    catch (error) { if (error instanceof dlref.Unreadable) return null; throw error; }
  });
}"""


def answers(asked: Asked) -> Iterator[str]:
    """The key, each wrong option, each named mistake, and, where one types, some garbage."""
    question = asked.question
    key = asked.key()
    yield show(key) if isinstance(key, float) else str(key)
    match question:
        case schema.Multiple():
            letters = [option.letter for option in asked.choices]
            yield "".join(letters)
            yield from letters
            yield from ("".join(letter for letter in str(key) if letter != one) or letters[-1] for one in str(key))
        case schema.Choices():
            yield from (option.letter for option in asked.choices)
        case schema.TrueFalse():
            yield from ("true", "false")
        case schema.Number():
            yield from GARBAGE
            yield from (show(value) for m in question.mistakes if (value := number(asked, m)) is not None)
            yield from (repr(key * (1 + e)) for e in (1e-9, 1e-4, 2e-3, 0.02) if isinstance(key, float))
        case schema.Formula():
            yield from GARBAGE
            yield from (mistake.formula for mistake in question.mistakes)
            yield from respelled(str(key))
        case schema.Order():
            yield from orders(asked)
        case schema.Bug():
            yield from (str(line) for line in range(1, len(asked.mutant().lines) + 1))


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


def verdict(asked: Asked, answer: str) -> bool | None:
    try:
        return grade.grade(asked, answer).correct
    except grade.UnreadableError:
        return None


def asked_on(page) -> list[Asked]:
    concept = page.locator(".dl-quiz").get_attribute("data-concept")
    return [draw(question, SEED) for question in bank.read(concept) if not question.retired]


@pytest.mark.parametrize("concept", sorted(path.stem for path in bank.files()))
def test_the_page_grades_as_the_terminal_does(reader, concept: str) -> None:
    page = reader.open(f"concepts/{concept}.html")
    differ, verdicts = [], set()
    for asked in asked_on(page):
        typed = list(dict.fromkeys(answers(asked)))
        for answer, shown in zip(typed, page.evaluate(GRADE, [asked.id, typed]), strict=True):
            told = verdict(asked, answer)
            verdicts.add(told)
            if shown is not told:
                differ.append(f"{asked.id}: {answer!r} is {shown} on the page and {told} in the terminal")

    assert differ == []
    assert verdicts == {True, False, None}, "every verdict was met"
