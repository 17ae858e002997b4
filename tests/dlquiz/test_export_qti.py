"""The QTI package: what the binding allows, and the same verdicts as in the terminal."""

import importlib.util
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from dlquiz import bank
from dlquiz.export import ExportError, qti
from dlquiz.grade import grade
from dlquiz.question import draw
from dlquiz.schema import Drawn

from .conftest import EXAMPLE
from .test_cli import dlquiz

CODE = EXAMPLE.with_name("code.yml")
QUESTIONS = bank.read(EXAMPLE) + bank.read(CODE)
SHIPPED = [question for question in bank.read_all() if not question.retired]
UNSAFE = r"<b>&amp; </script> {{Answer}} {{c1::x}} [sound:x.mp3] [latex]x[/latex] [$]x[/$] \(x\) \[x\] `<i>` ]]> é ≤"
IDS = {"ids": lambda question: question.id}


# -- QTI: what may stand in what, and in which order, by the QTI 2.1 binding; * any number, + one or more, ? at most one

FLOW = ("p*", "pre*", "code*")
MODEL = {
    "assessmentItem": (
        "responseDeclaration*",
        "outcomeDeclaration*",
        "itemBody",
        "responseProcessing",
        "modalFeedback*",
    ),
    "responseDeclaration": ("correctResponse?",),
    "correctResponse": ("value+",),
    "outcomeDeclaration": (),
    "itemBody": ("p+", "pre?", "p?", "choiceInteraction?", "orderInteraction?"),
    "choiceInteraction": ("simpleChoice+",),
    "orderInteraction": ("simpleChoice+",),
    "simpleChoice": FLOW,
    "modalFeedback": FLOW,
    "p": ("code*", "textEntryInteraction?"),
    "pre": (),
    "code": (),
    "value": (),
    "textEntryInteraction": (),
    "responseProcessing": ("responseCondition+", "setOutcomeValue*"),
    "responseCondition": ("responseIf", "responseElseIf*", "responseElse?"),
    "responseElse": ("setOutcomeValue+",),
    "match": ("variable", "correct"),
    "equal": ("variable", "baseValue"),
    "variable": (),
    "correct": (),
    "baseValue": (),
    "assessmentTest": ("testPart+",),
    "testPart": ("assessmentSection+",),
    "assessmentSection": ("assessmentItemRef*",),
    "assessmentItemRef": (),
}
MODEL["responseIf"] = MODEL["responseElseIf"] = ("match?", "equal?", "setOutcomeValue*")
MODEL["setOutcomeValue"] = ("variable?", "baseValue?")
WANTED = {
    "assessmentItem": "identifier title adaptive timeDependent",
    "responseDeclaration": "identifier cardinality baseType",
    "outcomeDeclaration": "identifier cardinality baseType",
    "choiceInteraction": "responseIdentifier shuffle maxChoices",
    "orderInteraction": "responseIdentifier shuffle",
    "textEntryInteraction": "responseIdentifier",
    "simpleChoice": "identifier",
    "modalFeedback": "outcomeIdentifier identifier showHide",
    "equal": "toleranceMode tolerance",
    "baseValue": "baseType",
    "testPart": "identifier navigationMode submissionMode",
    "assessmentSection": "identifier title visible",
    "assessmentItemRef": "identifier href",
}
NCNAME = re.compile(r"[A-Za-z_][\w.-]*")


def bare(element):
    return element.tag.partition("}")[2] or element.tag


def breaches(element):
    """What of an element and its content the binding does not allow."""
    name = bare(element)
    inside = "".join(f"<{bare(child)}>" for child in element)
    pattern = "".join(f"(<{part.rstrip('*+?')}>){part[len(part.rstrip('*+?')) :] or '{1}'}" for part in MODEL[name])
    if name in ("simpleChoice", "modalFeedback"):
        pattern = "(<p>|<pre>|<code>)*"
    if not re.fullmatch(pattern, inside):
        yield f"{name} holds {inside}"
    if missing := {*WANTED.get(name, "").split()} - element.attrib.keys():
        yield f"{name} lacks {missing}"
    for key in ("identifier", "responseIdentifier", "outcomeIdentifier"):
        if key in element.attrib and not NCNAME.fullmatch(element.attrib[key]):
            yield f"{name}: {key} {element.attrib[key]!r} is no name"
    for child in element:
        yield from breaches(child)


def package(path):
    """The documents of a package, parsed."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: ET.fromstring(archive.read(name)) for name in archive.namelist()}  # noqa: S314  # our own file


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("qti") / "all.zip"
    count, left = qti.export([*QUESTIONS, *SHIPPED], path, 0, 1)
    assert count + len(left) == len(QUESTIONS) + len(SHIPPED)
    return package(path)


def test_every_document_is_as_the_binding_allows(files):
    for name, root in files.items():
        if name != "imsmanifest.xml":
            assert [*breaches(root)] == [], name


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (".", lambda item: item.append(ET.Element("itemBody"))),
        (".", lambda item: item.attrib.pop("adaptive")),
        (".//{*}modalFeedback", lambda one: one.set("identifier", "no name")),
        (".//{*}itemBody", lambda body: body.insert(0, ET.Element("simpleChoice"))),
    ],
)
def test_the_check_of_the_binding_can_fail(files, path, change):
    item = ET.fromstring(ET.tostring(files["items/example-single.xml"]))  # noqa: S314  # our own file
    change(item.find(path))

    assert [*breaches(item)] != []


def test_the_manifest_names_every_file_and_the_test_every_item(files):
    space = {"cp": qti.PACKAGING, "qti": qti.QTI}
    resources = files["imsmanifest.xml"].findall(".//cp:resource", space)
    items = {
        f"items/{item.get('identifier')}.xml" for item in files["test.xml"].iterfind(".//qti:assessmentItemRef", space)
    }

    assert {resource.get("href") for resource in resources} == {*files} - {"imsmanifest.xml"}
    assert items == {name for name in files if name.startswith("items/")}
    known = {resource.get("identifier") for resource in resources}
    needed = {one.get("identifierref") for one in files["imsmanifest.xml"].iterfind(".//cp:dependency", space)}
    assert len(known) == len(resources)
    assert needed == known - {"resource-dlquiz-test"}
    for name in items:
        assert files[name].get("identifier") == Path(name).stem


def outcomes(item, response):
    """What a platform computes for a response, by the item's own rules."""
    correct = [value.text for value in item.iterfind(".//{*}correctResponse/{*}value")]
    cardinality = item.find("{*}responseDeclaration").get("cardinality")
    found = {}

    def holds(test):
        if bare(test) == "match":
            return sorted(response) == sorted(correct) if cardinality == "multiple" else response == correct
        low, high = map(float, test.get("tolerance").split())
        value = float(test.find("{*}baseValue").text)
        return value - low <= float(response[0]) <= value + high

    def run(rule):
        if bare(rule) == "setOutcomeValue":
            value = rule.find("{*}baseValue")
            found[rule.get("identifier")] = response if value is None else [value.text]
            return
        for branch in rule:
            test, *rest = branch if bare(branch) != "responseElse" else [None, *branch]
            if test is None or holds(test):
                for one in rest:
                    run(one)
                return

    for rule in item.find("{*}responseProcessing"):
        run(rule)
    told = [
        "".join(feedback.itertext())
        for feedback in item.iterfind("{*}modalFeedback")
        if feedback.get("identifier") in found.get(feedback.get("outcomeIdentifier"), [])
    ]
    return found["SCORE"] == ["1"], told


def answers(asked):
    """Answers as a platform sends them, each with what one would type in the terminal."""
    if asked.kind == "multiple":
        letters = [option.letter for option in asked.choices]
        return [([*word], word) for word in (str(asked.key()), "".join(letters), letters[0])]
    if asked.choices:
        return [([option.letter], option.letter) for option in asked.choices]
    if asked.kind == "truefalse":
        return [(["true"], "t"), (["false"], "f")]
    if asked.kind == "order":
        letters = str(asked.key())
        return [([*letters], letters), ([*reversed(letters)], letters[::-1])]
    if asked.kind == "bug":
        lines = [n for n, line in enumerate(asked.code.splitlines(), 1) if line.strip()]
        return [([f"line{n}"], str(n)) for n in lines]
    numbers = [asked.key() * factor for factor in (1, 1.0001, 1.5, -1)] + [asked.key() + 0.9]
    return [([repr(number)], repr(number)) for number in numbers]


@pytest.mark.parametrize("question", [*QUESTIONS, *SHIPPED], **IDS)
def test_an_item_gives_the_verdict_that_the_terminal_gives(files, question):
    asked = draw(question, 0)
    if qti.unfit(asked):
        assert f"items/{question.first_id}.xml" not in files
        return
    item = files[f"items/{question.first_id}.xml"]
    verdicts = set()
    for response, typed in answers(asked):
        right, told = outcomes(item, response)
        verdict = grade(asked, typed)
        verdicts.add(right)

        assert right is verdict.correct, typed
        assert told[-1] == asked.explain.replace("`", "")
        if asked.kind in ("single", "truefalse"):
            assert told[:-1] == ([verdict.message.replace("`", "")] if verdict.message else [])
    assert verdicts == {True, False}


def test_a_mistake_in_a_number_meets_its_own_words(files):
    question = next(question for question in QUESTIONS if question.id == "example-number")
    asked = draw(question, 0)
    item = files["items/example-number.xml"]
    for mistake in question.mistakes:
        value = asked.number(mistake)
        if not grade(asked, repr(value)).correct:
            assert outcomes(item, [repr(value)])[1][0].replace("`", "") in grade(asked, repr(value)).message


def test_text_in_an_item_is_text(tmp_path):
    single = next(question for question in QUESTIONS if question.id == "example-single")
    qti.export([replace(single, text=UNSAFE, explain="`x`")], tmp_path / "x.zip", 0, 1)

    item = package(tmp_path / "x.zip")["items/example-single.xml"]

    (paragraph,) = item.find("{*}itemBody").findall("{*}p")
    assert "".join(paragraph.itertext()) == UNSAFE.replace("`", "")
    assert [bare(child) for child in paragraph] == ["code"]


def test_the_same_questions_give_the_same_file(tmp_path):
    for name in ("a.zip", "b.zip"):
        qti.export(QUESTIONS, tmp_path / name, 0, 2)

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_draws_are_items_of_their_own(tmp_path):
    qti.export(QUESTIONS, tmp_path / "x.zip", 0, 3)
    names = {Path(name).stem for name in package(tmp_path / "x.zip")}

    for question in QUESTIONS:
        varied = isinstance(question, Drawn) and bool(question.params)
        assert (f"{question.id}.2" in names) == (varied and question.kind not in qti.UNFIT)


@pytest.mark.skipif(
    importlib.util.find_spec("qti_convert") is None, reason="no reader of QTI is installed: dlref[readers]"
)
def test_a_reader_of_qti_2_takes_the_package_to_qti_3(tmp_path):
    from qti_convert import upgrade_package

    count, _ = qti.export([*QUESTIONS, *SHIPPED], tmp_path / "x.zip", 0, 1)

    read = upgrade_package(str(tmp_path / "x.zip")).files

    items = [str(text) for name, text in read.items() if name.startswith("items/")]
    assert len(items) == count
    assert all("<qti-assessment-item" in item and "<qti-response-processing>" in item for item in items)


# -- the verb


def test_what_cannot_be_exported_is_listed_on_stderr_with_the_reason(tmp_path):
    done = dlquiz("export", "qti", "-o", str(tmp_path / "x.zip"))

    assert done.returncode == 0
    assert "left out: example-formula: a platform cannot compare formulas\n" in done.stderr
    assert "left out: example-order: more than one order is right, and an item holds one\n" in done.stderr
    left = done.stderr.count("left out: ")
    assert done.stdout == f"{tmp_path / 'x.zip'}: {len(bank.read(EXAMPLE)) - left} items, {left} left out\n"


def test_a_place_that_cannot_be_written_is_one_line_and_the_old_file_stays(tmp_path, monkeypatch):
    done = dlquiz("export", "qti", "-o", str(tmp_path / "none" / "x.zip"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: No such file or directory" in done.stderr

    old = tmp_path / "own" / "x.zip"
    old.parent.mkdir()
    old.write_text("old")
    monkeypatch.setattr(zipfile.ZipFile, "writestr", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(ExportError, match="No space left"):
        qti.export(QUESTIONS, old, 0, 1)
    assert old.read_text() == "old"
    assert [*old.parent.iterdir()] == [old]


def test_a_concept_that_nobody_knows_is_refused(tmp_path):
    done = dlquiz("export", "anki", "nonsense", "-o", str(tmp_path / "x.apkg"))

    assert done.returncode == 2
    assert "no concept bears the word 'nonsense'" in done.stderr
