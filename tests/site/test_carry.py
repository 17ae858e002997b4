"""What was answered on the site, taken to the terminal as a file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlquiz import bank
from dlquiz.exchange import load
from dlquiz.question import fingerprint

CONCEPT = "regression_losses"
PAGE = f"concepts/{CONCEPT}.html"
QUESTIONS = {question.id: question for question in bank.read(CONCEPT)}


def ids(kind: str) -> list[str]:
    return [id_ for id_, question in QUESTIONS.items() if question.kind == kind and not question.retired]


def opened(page, id_: str):
    page.evaluate("(id) => { location.hash = ''; location.hash = `quiz-${id}`; }", id_)
    form = page.locator(f"#quiz-{id_}")
    form.wait_for()
    return form


def known(form) -> dict:
    return json.loads(form.locator("script").text_content())


def choose(page, id_: str, *, right: bool) -> None:
    form = opened(page, id_)
    letter = next(one["letter"] for one in known(form)["choices"] if one["correct"] is right)
    form.locator(f'input[value="{letter}"]').check()
    form.get_by_role("button", name="Check").click()


def type_in(page, id_: str, *texts: str, hints: int = 0) -> None:
    form = opened(page, id_)
    for _ in range(hints):
        form.get_by_role("button", name="Hint").click()
    for text in texts:
        form.locator(".dl-field").fill(text)
        form.locator(".dl-field").press("Enter")


def carried(page, folder: Path) -> Path:
    """Save the file as one does without a mouse."""
    page.locator(".dl-carry summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def terminal(*arguments: str, folder: Path) -> str:
    env = {**os.environ, "DLQUIZ_DB": str(folder / "progress.db"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "dlquiz", *arguments], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_answers_given_here_are_imported_there_once(reader, tmp_path: Path) -> None:
    page = reader.open(PAGE)
    first, second = ids("single")[:2]
    number, other, third = ids("number")[:3]
    keys = {id_: repr(known(opened(page, id_))["answer"]) for id_ in (number, other, third)}
    choose(page, first, right=True)
    choose(page, second, right=False)
    choose(page, second, right=True)  # read off the feedback: it tells nothing more
    type_in(page, number, "0,5", "12345", "12346", keys[number])  # refused, wrong, wrong, and too late
    type_in(page, other, "12345", keys[other])  # right at the second try
    type_in(page, third, keys[third], hints=1)
    path = carried(page, tmp_path)

    assert page.locator(".dl-kept").inner_text() == "5 answers saved as dlquiz-progress.json."
    answers, flags = load(path, {})
    told = {one.question: (one.grade, one.correct, one.answer, one.hints) for one in answers}
    assert flags == []
    assert len(answers) == len(told) == 5
    assert told[QUESTIONS[first].first_id][:2] == (3, True)
    assert told[QUESTIONS[second].first_id][:2] == (1, False)
    assert told[QUESTIONS[number].first_id] == (1, False, "12345", 0)
    assert told[QUESTIONS[other].first_id] == (2, True, keys[other], 0)
    assert told[QUESTIONS[third].first_id] == (2, True, keys[third], 1)
    prints = {question.first_id: fingerprint(question) for question in QUESTIONS.values()}
    assert all(one.key_sha == prints[one.question] for one in answers)
    assert all(0 <= one.took_ms < 600_000 for one in answers)

    terminal("progress", "import", str(path), folder=tmp_path)
    terminal("progress", "import", str(path), folder=tmp_path)
    back = tmp_path / "back.json"
    terminal("progress", "export", "-o", str(back), folder=tmp_path)
    assert sorted(load(back, {})[0]) == sorted(answers)


def test_answers_outlive_a_new_start_and_can_be_deleted(reader) -> None:
    page = reader.open(PAGE)
    box = page.locator(".dl-carry")
    box.locator("summary").click()
    kept = page.locator(".dl-kept")
    assert kept.inner_text() == "This browser keeps no answer yet."
    assert box.get_by_role("button", name="Save as a file").is_disabled()

    choose(page, ids("single")[0], right=True)
    page.get_by_role("button", name="Start over").click()
    choose(page, ids("single")[0], right=True)
    assert kept.inner_text() == "This browser keeps 2 answers, from all pages."

    page.once("dialog", lambda dialog: dialog.dismiss())
    box.get_by_role("button", name="Delete them here").click()
    assert "keeps 2 answers" in kept.inner_text()
    page.once("dialog", lambda dialog: dialog.accept())
    box.get_by_role("button", name="Delete them here").click()
    assert kept.inner_text() == "2 answers deleted."
    assert page.evaluate("localStorage.getItem('dlref.answers.v1')") is None


def test_an_answer_that_would_act_on_a_terminal_is_cleaned(reader, tmp_path: Path) -> None:
    page = reader.open(PAGE)
    type_in(page, ids("formula")[0], "1\u202e\u200b+ 1")
    type_in(page, ids("formula")[1], "1 + 1\u200b")
    type_in(page, ids("number")[0], "77777")

    answers, _ = load(carried(page, tmp_path), {})

    assert all(one.answer.isprintable() for one in answers)


@pytest.mark.parametrize("reader", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=str, indirect=True)
def test_the_way_out_can_be_used_by_everyone(reader) -> None:
    page = reader.open(PAGE)
    page.locator(".dl-carry summary").click()
    choose(page, ids("single")[0], right=True)

    assert reader.breaches(".dl-carry") == []
    assert page.locator(".dl-kept[role=status]").count() == 1
