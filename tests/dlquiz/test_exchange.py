"""The exchange file: the same from the terminal and from the site, and nothing in it is believed unread."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlquiz import exchange
from dlquiz.exchange import ExchangeError, dump, load
from dlquiz.store import Answer, Flag
from dlquiz.store.rows import LATEST_US, LONGEST, tidy

ROW = {
    "question": "huber-tail",
    "at_us": 1_763_700_000_000_000,
    "grade": 3,
    "correct": True,
    "answer": "2.5",
    "seed": 7,
    "hints": 0,
    "took_ms": 1500,
    "key_sha": "0123456789abcdef",
}
FLAG = {"question": "huber-tail", "at_us": 5}
FLAGGED = b'{"dlquiz": "progress", "version": 1, "answers": [], "flags": [{"question": "one-id", "at_us": 1, "note": '


def file_of(tmp_path, *answers, flags=(), **more):
    path = tmp_path / "mine.json"
    whole = {"dlquiz": "progress", "version": 1, "answers": list(answers), "flags": list(flags), **more}
    path.write_text(json.dumps(whole))
    return path


def test_the_form_is_the_one_that_the_site_writes(tmp_path):
    answers, flags = load(file_of(tmp_path, {**ROW, "undone": True}, ROW, flags=[FLAG]), {})

    assert answers == [Answer(**ROW, undone=True), Answer(**ROW)]
    assert flags == [Flag("huber-tail", 5, "", raised=True)]
    whole = json.loads(dump(answers, flags))
    assert whole.keys() == {"dlquiz", "version", "answers", "flags"}
    assert whole["answers"][0] == {**ROW, "undone": True}
    assert whole["flags"] == [{**FLAG, "note": "", "raised": True}]


@given(
    st.lists(
        st.builds(
            Answer,
            st.from_regex(r"[a-z][a-z0-9-]{2,59}", fullmatch=True),
            st.integers(0, LATEST_US),
            st.integers(1, 4),
            st.booleans(),
            st.text(max_size=20).map(tidy),
            st.integers(-LATEST_US, LATEST_US),
            st.integers(0, 1000),
            st.integers(0, LATEST_US),
            st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
            st.booleans(),
        )
    ),
    st.lists(
        st.builds(Flag, st.just("one-id"), st.integers(0, LATEST_US), st.text(max_size=9).map(tidy), st.booleans())
    ),
)
def test_what_is_written_is_what_is_read(tmp_path_factory, answers, flags):
    path = tmp_path_factory.mktemp("exchange") / "mine.json"
    text = dump(answers, flags)
    exchange.write(path, text)

    assert text.isascii()
    assert load(path, {}) == (answers, flags)


def test_a_question_is_kept_under_its_first_name(tmp_path):
    answers, flags = load(file_of(tmp_path, ROW, flags=[FLAG]), {"huber-tail": "huber-old"})

    assert (answers[0].question, flags[0].question) == ("huber-old", "huber-old")


BAD = [
    ({"question": "Huber"}, "an id is 3 to 60 lower-case letters"),
    ({"question": "x\u001b[31m"}, "an id is 3 to 60"),
    ({"at_us": -1}, ">= 0 - at $.answers[1].at_us"),
    ({"at_us": LATEST_US + 1}, "$.answers[1].at_us"),
    ({"at_us": 10**400}, "$.answers[1].at_us"),
    ({"at_us": 1.5}, "Expected int, got float - at $.answers[1].at_us"),
    ({"grade": 0}, ">= 1 - at $.answers[1].grade"),
    ({"grade": 5}, "<= 4 - at $.answers[1].grade"),
    ({"grade": True}, "Expected int, got bool"),
    ({"correct": 1}, "Expected bool, got int - at $.answers[1].correct"),
    ({"answer": None}, "Expected str, got null"),
    ({"answer": "x" * (LONGEST + 1)}, "$.answers[1].answer"),
    ({"answer": "x\u0000"}, r"answers[1].answer holds the control character \x00"),
    ({"answer": "\u202e"}, r"answers[1].answer holds the control character \u202e"),
    ({"key_sha": "../../x"}, "$.answers[1].key_sha"),
    ({"hints": 1001}, "$.answers[1].hints"),
    ({"took_ms": "5"}, "Expected int, got str - at $.answers[1].took_ms"),
    ({"undone": 0}, "Expected bool, got int - at $.answers[1].undone"),
    ({"more": 1}, "unknown field more - at $.answers[1]"),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=lambda value: str(value)[:40])
def test_an_answer_that_nobody_can_have_given_is_one_line(tmp_path, change, said):
    with pytest.raises(ExchangeError) as refused:
        load(file_of(tmp_path, ROW, {**ROW, **change}), {})

    message = str(refused.value)
    assert said in message
    assert message.startswith(str(tmp_path / "mine.json"))
    assert message.isprintable()
    assert len(message) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("missing", ROW)
def test_nothing_of_an_answer_may_be_missing(tmp_path, missing):
    row = {name: value for name, value in ROW.items() if name != missing}

    with pytest.raises(ExchangeError, match=f"missing required field {missing}"):
        load(file_of(tmp_path, row), {})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no progress file of dlquiz"),
        (b"not json", "no progress file of dlquiz"),
        (b"[]", "Expected object, got array"),
        (b'{"dlquiz": "progress", "version": 2, "answers": []}', "$.version"),
        (b'{"dlquiz": "bank", "version": 1, "answers": []}', "$.dlquiz"),
        (b'{"dlquiz": "progress", "version": 1}', "missing required field answers"),
        (b'{"dlquiz": "progress", "version": 1, "answers": []} {}', "malformed"),
        (b'{"dlquiz": "progress", "version": 1, "answers": [], "x": "\xff"}', "can't decode byte 0xff"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b'{"dlquiz": "progress", "version": 1, "answers": ' + b"[" * 10**6, "Expected object, got array"),
        (b'{"dlquiz": "progress", "version": 1, "answers": [], "more": ' + b"[" * 10**6, "no progress file"),
        (FLAGGED + rb'"\u009b"}]}', r"flags[0].note holds the control character \x9b"),
        (FLAGGED + rb'"\udc80"}]}', "no progress file of dlquiz"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_that_is_no_progress_is_one_line(tmp_path, data, said):
    (path := tmp_path / "mine.json").write_bytes(data)

    with pytest.raises(ExchangeError, match=re.escape(said)) as refused:
        load(path, {})
    assert str(refused.value).isprintable()


def test_a_file_too_large_or_not_there_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "LARGEST", 100)
    with pytest.raises(ExchangeError, match="larger than"):
        load(file_of(tmp_path, ROW), {})
    with pytest.raises(ExchangeError, match="cannot be read"):
        load(tmp_path, {})
    with pytest.raises(ExchangeError, match="cannot be written"):
        exchange.write(tmp_path / "none" / "x.json", "")
