import time

import pytest

from dlquiz.failures import BankError
from dlquiz.text import plain
from dlquiz.tree import parse

LAUGHS = "a: &a [x,x,x,x]\n" + "".join(
    f"{name}: &{name} [*{before},*{before},*{before},*{before}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
MERGES = "base: &b {k: v}\nmore: {<<: *b}\n"
HOSTILE = {
    "billion laughs": (LAUGHS.encode(), "anchors and aliases"),
    "merge keys by alias": (MERGES.encode(), "anchors and aliases"),
    "merge keys": (b"a: {<<: {b: 1}}", "merge keys"),
    "100 MB": (b"a: " + b"x" * 100_000_000, "larger than 1 MiB"),
    "tab": (b"a:\n\tb: 1\n", "indent with spaces"),
    "duplicate key": (b"a: 1\nb: 2\na: 3\n", "'a' appears twice (first on line 1)"),
    "latin-1": ("a: caf\xe9".encode("latin-1"), "not UTF-8"),
    "python object": (b"!!python/object/apply:os.system ['echo']", "tags"),
    "local tag": (b"a: !x 1", "tags"),
    "deep flow": (b"[" * 3000 + b"]" * 3000, "nested more than"),
    "deep block": ("\n".join(" " * i + "a:" for i in range(900)).encode(), "nested more than"),
    "many values": (b"[" + b"1," * 60_000 + b"1]", "more than"),
    "escape in quotes": (b'q: "hi \\x1b]52;c;aGk=\\x07"', "control character"),
    "raw escape": (b"q: hi \x1b[2J", "does not allow"),
    "bidi": ("q: a\u202eb".encode(), "control character"),
    "bidi in a key": ("a\u202eb: 1".encode(), "control character"),
    "zero width": ("q: a\u200bb".encode(), "control character"),
    "C1": (b'q: "\\x9b31m"', "control character"),
    "NUL": (b"a: \x00", "does not allow"),
    "octal": (b"a: 010", "looks like a number"),
    "int of 400 digits": (b"a: " + b"9" * 400, "looks like a number"),
    "int of 900 kB": (b"a: " + b"9" * 900_000, "looks like a number"),
    "empty": (b"", "empty file"),
    "only a comment": (b"# x", "empty file"),
    "two documents": (b"a: 1\n---\nb: 2\n", "one document"),
    "list as key": (b"? [a]\n: 1", "a key must be a word"),
    "null": (b"a:\nb: 1", "empty value"),
    "tilde": (b"a: ~", "empty value"),
    "open bracket": (b"a: [1, 2\nb: 3", ""),
    "colon in text": (b"text: Huber: a loss", "needs quotes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line_with_its_place_at_once(name):
    data, said = HOSTILE[name]
    start = time.process_time()

    with pytest.raises(BankError) as refused:
        parse(data, "my.yml")

    message = str(refused.value)
    assert said in message
    assert message.startswith("my.yml:")
    assert message.split(":")[1].isdigit()
    assert "\n" not in message
    assert time.process_time() - start < 2


def test_only_true_false_and_decimal_numbers_are_typed():
    text = b"[no, yes, on, 1:30, 2024-01-01, 1e-8, -2, 0.5, .5, 3., 'true', \"1\", true, false, inf, .inf, 0x10]"

    typed = parse(text).value

    texts = ["no", "yes", "on", "1:30", "2024-01-01"]
    assert typed == [*texts, 1e-8, -2, 0.5, 0.5, 3.0, "true", "1", True, False, "inf", ".inf", "0x10"]
    assert [type(one) for one in typed[5:10]] == [float, int, float, float, float]


def test_every_part_has_its_place():
    tree = parse(b"a: 1\nb:\n  - x\n  - {c: 2}\n")

    assert tree.value == {"a": 1, "b": ["x", {"c": 2}]}
    assert tree.place(("a",)) == (1, 4)
    assert tree.place(("b", 1, "c")) == (4, 9)
    assert tree.place(("b", 1, "missing", "deeper")) == tree.place(("b", 1))


def test_windows_line_ends_and_a_byte_order_mark_are_harmless():
    assert parse(b"a: 1\r\nb: x\r\n").value == {"a": 1, "b": "x"}
    assert parse("\ufeffa: 1".encode()).value == {"a": 1}


def test_plain_text_shows_what_would_act_on_a_terminal():
    assert plain("x\x1b[31m\x07\u202e\x9b é\tz\n") == "x\\x1b[31m\\x07\\u202e\\x9b é\tz\n"
