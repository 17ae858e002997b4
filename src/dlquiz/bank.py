"""How a file becomes questions."""

import re
from pathlib import Path

import msgspec

from dlquiz import places
from dlquiz.failures import BankError, UnknownError
from dlquiz.parts import IN_WORDS
from dlquiz.schema import KINDS, Question
from dlquiz.text import nearest, plain
from dlquiz.tree import START, Trail, Tree, fault, parse


class Bank(msgspec.Struct):
    """One file: its questions, and the tree that says where each part of them stands."""

    path: Path
    concept: str
    questions: list[Question]
    tree: Tree
    spots: list[int]  # the position of each question in the file's list: a broken one is left out of `questions`
    errors: list[str]

    def fault(self, question: Question, spot: int, message: str, path: Trail = ()) -> str:
        """One line for a fault in the part `path` of a question."""
        place = self.tree.place(("questions", spot, *path))
        return fault(f"{question.id}: {message}", str(self.path), place)


def files() -> list[Path]:
    """Every bank file."""
    return [Path(path) for path in places.files()]


def inside(folder: Path) -> list[Path]:
    """The bank files of a folder; one without any is a mistake."""
    found = sorted((*folder.glob("*.yml"), *folder.glob("*.yaml")))
    if not found:
        raise BankError(f"{plain(folder)}: no bank in this folder (a bank is a .yml file)")
    return found


def load(path: Path) -> Bank:
    """Read one file; faults of its questions are collected in `errors`, a file that is no bank raises."""
    name = _shown(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BankError(fault(f"cannot be read: {error.strerror}", name, START)) from None
    tree = parse(data, name)
    bank = Bank(Path(name), _head(tree, name), [], tree, [], [])
    seen: dict[str, int] = {}
    for spot, raw in enumerate(tree.value["questions"]):
        try:
            question = _question(raw, bank.concept)
        except msgspec.ValidationError as error:
            bank.errors.append(_located(error, raw, tree, spot, name))
            continue
        line = tree.place(("questions", spot, "id")).line
        bank.questions.append(question)
        bank.spots.append(spot)
        if question.id in seen:
            again = f"this id is used twice (first on line {seen[question.id]})"
            bank.errors.append(bank.fault(question, spot, again, ("id",)))
        seen.setdefault(question.id, line)
    return bank


def read(concept_or_path: str | Path) -> list[Question]:
    """The questions of one concept or file, or a `BankError` that lists every fault."""
    path = Path(concept_or_path)
    if not path.suffix:
        known = {file.stem: file for file in files()}
        if str(concept_or_path) not in known:
            raise UnknownError(f"no quiz bank named {plain(concept_or_path)!r}{nearest(str(concept_or_path), known)}")
        path = known[str(concept_or_path)]
    return _sound(load(path)).questions


def read_all() -> list[Question]:
    """The questions of every bank."""
    return [question for path in files() for question in _sound(load(path)).questions]


def _sound(bank: Bank) -> Bank:
    if bank.errors:
        raise BankError("\n".join(bank.errors))
    return bank


def _shown(path: Path) -> str:
    """A path as short as it can be said: relative when it lies below where the person stands."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _head(tree: Tree, name: str) -> str:
    value = tree.value
    if not isinstance(value, dict) or not isinstance(value.get("questions"), list):
        raise BankError(fault("a bank has the keys format, concept and questions", name, tree.place(())))
    if unknown := value.keys() - {"format", "concept", "questions"}:
        raise BankError(fault(f"unknown key {min(unknown)!r}", name, tree.place((min(unknown),))))
    if value.get("format") != 1:
        raise BankError(fault(f"format must be 1, got {value.get('format')!r}", name, tree.place(("format",))))
    concept = value.get("concept")
    if not isinstance(concept, str) or not re.fullmatch(r"[a-z][a-z0-9_]+", concept):
        raise BankError(fault(f"concept must be a lower-case name, got {concept!r}", name, tree.place(("concept",))))
    return concept


def _question(raw: object, concept: str) -> Question:
    if not isinstance(raw, dict):
        raise msgspec.ValidationError("a question is a mapping with id, kind, ref, level, text and explain")
    if "kind" not in raw:
        raise msgspec.ValidationError("a question needs a kind: " + ", ".join(KINDS))
    if raw["kind"] not in KINDS:
        hint = nearest(str(raw["kind"]), KINDS)
        raise msgspec.ValidationError(f"unknown kind {raw['kind']!r}{hint} - at `$.kind`")
    if "concept" in raw:
        raise msgspec.ValidationError("the concept stands once, at the top of the file - at `$.concept`")
    return msgspec.convert({**raw, "concept": concept}, Question)


def _located(error: msgspec.ValidationError, raw: object, tree: Tree, spot: int, name: str) -> str:
    """Msgspec's message, put at the line and column of the part it speaks of."""
    message, _, where = str(error).partition(" - at `")
    path: Trail = ("questions", spot)
    for key, index in re.findall(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]", where):
        if index == "...":
            break
        path = (*path, key or int(index))
    if unknown := re.search(r"unknown field `(\w+)`", message):
        path = (*path, unknown[1])
        message = f"unknown field {unknown[1]!r}"
    if pattern := re.search(r"matching regex '(.*)'$", message):
        message = IN_WORDS[pattern[1].replace(r"\\", "\\")]
    if message.endswith("Expected `bool`, got `str`"):
        message += "; write true or false"
    label = raw.get("id", "?") if isinstance(raw, dict) else "?"
    return fault(f"{label}: {message}", name, tree.place(path))
