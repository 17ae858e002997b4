"""Questions as a QTI 2.1 content package: a manifest, a test with a section for each concept, and an item a question.

The elements and their order are those of the IMS QTI 2.1 binding. Text goes in through ElementTree, which escapes it.
"""

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from dlquiz import schema
from dlquiz.export import Left, drawn, left_out, written
from dlquiz.params import fill
from dlquiz.question import Asked

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
PACKAGING = "http://www.imsglobal.org/xsd/imscp_v1p1"
WHERE = f"{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
EPOCH = (2020, 1, 1, 0, 0, 0)  # the same questions give the same file, byte for byte

UNFIT = {
    "formula": "a platform cannot compare formulas",
    "stable": "a platform cannot run a formula in floating point",
    "code": "a platform cannot run Python",
}
Element = ET.Element


def export(questions: Iterable[schema.Question], path: Path, seed: int, draws: int) -> tuple[int, list[Left]]:
    """Write the package; how many items are in it, and what was left out."""
    items: dict[str, tuple[str, Element]] = {}
    left: list[Left] = []
    for asked, n in drawn(questions, seed, draws):
        if why := unfit(asked):
            left.append(Left(asked.id, why))
        else:
            name = asked.question.first_id + (f".{n}" if n else "")
            items[name] = (asked.concept, item(asked, name))
    files = {f"items/{name}.xml": one for name, (_, one) in items.items()}
    files |= {"test.xml": test({name: concept for name, (concept, _) in items.items()})}
    files = {"imsmanifest.xml": manifest([*files]), **files}
    written(path, lambda place: _zip(place, files))
    return len(items), left


def unfit(asked: Asked) -> str:
    """Why a question cannot become an item; empty if it can."""
    question = asked.question
    if asked.kind in UNFIT:
        return UNFIT[asked.kind]
    if isinstance(question, schema.Order) and question.after and not _one_order(question):
        return "more than one order is right, and an item holds one"
    return left_out(asked)


def _one_order(question: schema.Order) -> bool:
    """Whether each step but the first has the one before it, in a row without a choice."""
    from graphlib import TopologicalSorter

    sorter = TopologicalSorter({name: question.after.get(name, []) for name in question.steps})
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        if len(ready) > 1:
            return False
        sorter.done(*ready)
    return True


# -- items


def item(asked: Asked, name: str) -> Element:
    """One question: what counts as right, what is seen, how it is graded, what is said."""
    root = Element("assessmentItem", {"xmlns": QTI, "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    root.set("xsi:schemaLocation", WHERE)
    title = f"{asked.concept.replace('_', ' ')}: {name}"
    root.attrib |= {"identifier": name, "title": title, "adaptive": "false", "timeDependent": "false"}
    response, body, said = SHAPES[asked.kind](asked)
    root.append(response)
    for outcome, base in (("SCORE", "float"), ("SAID", "identifier"), ("EXPLAINED", "identifier")):
        many = outcome == "SAID" and response.get("cardinality") == "multiple"
        cardinality = "multiple" if many else "single"
        ET.SubElement(root, "outcomeDeclaration", identifier=outcome, cardinality=cardinality, baseType=base)
    root.append(body)
    root.append(_processing(asked, response))
    for identifier, text in said.items():
        _feedback(root, "SAID", identifier, text)
    _feedback(root, "EXPLAINED", "explain", asked.explain)
    return root


Shape = tuple[Element, Element, dict[str, str]]


def _response(cardinality: str, base: str, *values: str) -> Element:
    response = Element("responseDeclaration", identifier="RESPONSE", cardinality=cardinality, baseType=base)
    correct = ET.SubElement(response, "correctResponse")
    for value in values:
        ET.SubElement(correct, "value").text = value
    return response


def _body(asked: Asked) -> Element:
    body = Element("itemBody")
    _paragraph(body, asked.text)
    if asked.code:
        ET.SubElement(body, "pre").text = "\n".join(f"{n:>2}  {x}" for n, x in enumerate(asked.code.splitlines(), 1))
    return body


def _interaction(body: Element, name: str, rows: Iterable[tuple[str, str]], *, shuffle: bool, most: int = 1) -> None:
    one = ET.SubElement(body, name, responseIdentifier="RESPONSE", shuffle=str(shuffle).lower())
    if name == "choiceInteraction":
        one.set("maxChoices", str(most))
    for identifier, text in rows:
        _marked(ET.SubElement(one, "simpleChoice", identifier=identifier), text)


def _choices(asked: Asked) -> Shape:
    right = [option.letter for option in asked.choices if option.correct]
    many = asked.kind == "multiple"
    body = _body(asked)
    rows = [(option.letter, option.text) for option in asked.choices]
    _interaction(body, "choiceInteraction", rows, shuffle=True, most=0 if many else 1)
    said = {option.letter: option.why for option in asked.choices}
    return _response("multiple" if many else "single", "identifier", *right), body, said


def _truefalse(asked: Asked) -> Shape:
    right = str(asked.key())
    wrong = "false" if right == "true" else "true"
    body = _body(asked)
    _interaction(body, "choiceInteraction", [("true", "True"), ("false", "False")], shuffle=False)
    question = asked.question
    why = fill(question.why_not, asked.values) if isinstance(question, schema.TrueFalse) else ""
    return _response("single", "identifier", right), body, {wrong: why}


def _bug(asked: Asked) -> Shape:
    mutant = asked.mutant()
    body = _body(asked)
    rows = [(f"line{n}", f"Line {n}") for n, line in enumerate(mutant.lines, 1) if line.strip()]
    _interaction(body, "choiceInteraction", rows, shuffle=False)
    return _response("single", "identifier", f"line{mutant.wrong}"), body, {f"line{mutant.wrong}": mutant.why}


def _order(asked: Asked) -> Shape:
    body = _body(asked)
    _interaction(body, "orderInteraction", asked.steps, shuffle=True)
    return _response("ordered", "identifier", *str(asked.key())), body, {}


def _number(asked: Asked) -> Shape:
    body = _body(asked)
    line = ET.SubElement(body, "p")
    entry = ET.SubElement(line, "textEntryInteraction", responseIdentifier="RESPONSE", expectedLength="12")
    unit = getattr(asked.question, "unit", "")
    entry.tail = f" {unit}" if unit else None
    said = {name: text for name, (_, text) in _mistakes(asked).items()}
    return _response("single", "float", repr(asked.key())), body, said


def _mistakes(asked: Asked) -> dict[str, tuple[float, str]]:
    """The values that people reach by a mistake, and what to say to each."""
    question = asked.question
    found: dict[str, tuple[float, str]] = {}
    for i, mistake in enumerate(question.mistakes if isinstance(question, schema.Number) else [], 1):
        try:
            found[f"mistake{i}"] = (asked.number(mistake), fill(mistake.say, asked.values))
        except ArithmeticError:
            continue
    return found


SHAPES: dict[str, Callable[[Asked], Shape]] = {
    "single": _choices,
    "multiple": _choices,
    "truefalse": _truefalse,
    "bug": _bug,
    "order": _order,
    "number": _number,
}


# -- grading and feedback


def _processing(asked: Asked, response: Element) -> Element:
    """1 for a right answer, else 0; the feedback to what was chosen, then the explanation."""
    processing = Element("responseProcessing")
    condition = ET.SubElement(processing, "responseCondition")
    right = ET.SubElement(condition, "responseIf")
    if asked.kind == "number":
        _equal(right, asked, float(asked.key()))
    else:
        match = ET.SubElement(right, "match")
        ET.SubElement(match, "variable", identifier="RESPONSE")
        ET.SubElement(match, "correct", identifier="RESPONSE")
    _set(right, "SCORE", "float", "1")
    for name, (value, _) in _mistakes(asked).items():
        other = ET.SubElement(condition, "responseElseIf")
        _equal(other, asked, value)
        _set(other, "SCORE", "float", "0")
        _set(other, "SAID", "identifier", name)
    _set(ET.SubElement(condition, "responseElse"), "SCORE", "float", "0")
    if asked.kind != "number" and response.get("cardinality") != "ordered":
        said = ET.SubElement(processing, "setOutcomeValue", identifier="SAID")
        ET.SubElement(said, "variable", identifier="RESPONSE")
    _set(processing, "EXPLAINED", "identifier", "explain")
    return processing


def _equal(parent: Element, asked: Asked, value: float) -> None:
    """Whether the response is this number, as closely as the question asks."""
    tolerance = asked.question.tolerance if isinstance(asked.question, schema.Number) else schema.Tolerance()
    wide = repr(max(tolerance.abs, tolerance.rel * abs(value)))
    equal = ET.SubElement(parent, "equal", toleranceMode="absolute", tolerance=f"{wide} {wide}")
    ET.SubElement(equal, "variable", identifier="RESPONSE")
    ET.SubElement(equal, "baseValue", baseType="float").text = repr(float(value))


def _set(parent: Element, outcome: str, base: str, value: str) -> None:
    rule = ET.SubElement(parent, "setOutcomeValue", identifier=outcome)
    ET.SubElement(rule, "baseValue", baseType=base).text = value


def _feedback(root: Element, outcome: str, identifier: str, text: str) -> None:
    shown = {"outcomeIdentifier": outcome, "identifier": identifier, "showHide": "show"}
    _paragraph(ET.SubElement(root, "modalFeedback", shown), text)


def _paragraph(parent: Element, text: str) -> None:
    _marked(ET.SubElement(parent, "p"), text)


def _marked(parent: Element, text: str) -> None:
    """A bank's plain text, `code` in backticks, as the content of an element."""
    first, *rest = text.split("`")
    parent.text = first
    for i, part in enumerate(rest):
        if i % 2:
            parent[-1].tail = part
        else:
            ET.SubElement(parent, "code").text = part


# -- the package


def test(concepts: dict[str, str]) -> Element:
    """A test with a section for each concept; `concepts` says which one each item is of."""
    root = Element("assessmentTest", {"xmlns": QTI, "identifier": "dlquiz", "title": "dlquiz"})
    modes = {"navigationMode": "nonlinear", "submissionMode": "individual"}
    part = ET.SubElement(root, "testPart", {"identifier": "all", **modes})
    for concept in dict.fromkeys(concepts.values()):
        title = concept.replace("_", " ")
        section = ET.SubElement(part, "assessmentSection", identifier=concept, title=title, visible="true")
        for name, of in concepts.items():
            if of == concept:
                ET.SubElement(section, "assessmentItemRef", identifier=name, href=f"items/{name}.xml")
    return root


def manifest(files: list[str]) -> Element:
    """What is in the package, and that the test needs the items."""
    root = Element("manifest", {"xmlns": PACKAGING, "identifier": "dlquiz-package"})
    about = ET.SubElement(root, "metadata")
    ET.SubElement(about, "schema").text = "QTIv2.1 Package"
    ET.SubElement(about, "schemaversion").text = "1.0.0"
    ET.SubElement(root, "organizations")
    resources = ET.SubElement(root, "resources")
    for file in files:
        kind = "item" if file.startswith("items/") else "test"
        name = Path(file).stem if kind == "item" else "dlquiz-test"
        about = {"identifier": f"resource-{name}", "type": f"imsqti_{kind}_xmlv2p1", "href": file}
        resource = ET.SubElement(resources, "resource", about)
        ET.SubElement(resource, "file", href=file)
        for other in files if kind == "test" else []:
            if other != file:
                ET.SubElement(resource, "dependency", identifierref=f"resource-{Path(other).stem}")
    return root


def _zip(place: Path, files: dict[str, Element]) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as package:
        for name, root in files.items():
            text = ET.tostring(root, encoding="unicode")
            package.writestr(zipfile.ZipInfo(name, EPOCH), f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')
