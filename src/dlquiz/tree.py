"""YAML bytes into plain values, and the place of each.

PyYAML's events are read with a stack: nothing is built from tags, nothing recurses, and what a quiz bank does not need
(anchors, merge keys, a second document, ``no`` for false, ``010`` for eight) is refused or stays text.
"""

import re
from typing import Any, NamedTuple

import yaml

from dlquiz.failures import BankError
from dlquiz.text import CONTROL, plain

MAX_BYTES, MAX_DEPTH, MAX_VALUES = 1 << 20, 12, 50_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})")
REAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,2})?")
NEARLY_A_NUMBER = re.compile(r"[-+]?[0-9][0-9_.]*")

Trail = tuple[str | int, ...]  # the keys and positions that lead to a part


class Place(NamedTuple):
    """Line and column, counted from 1 as editors do."""

    line: int
    column: int


START = Place(1, 1)


def fault(message: str, name: str, place: Place) -> str:
    """One line that an editor can jump to."""
    return f"{plain(name)}:{place.line}:{place.column}: {plain(message)}"


class Tree(NamedTuple):
    """What a file says, and where: `places` holds a place for each path into `value`."""

    value: Any
    places: dict[Trail, Place]

    def place(self, path: Trail) -> Place:
        """Where `path` stands, or else the nearest thing around it."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]


class _Open:
    """A mapping or list whose end has not been read yet."""

    def __init__(self, container: dict | list, path: Trail) -> None:
        self.container = container
        self.path = path
        self.key: str | None = None

    def add(self, value: Any) -> str | int:
        """Put a value in, and say at which key or position."""
        if isinstance(self.container, list):
            self.container.append(value)
            return len(self.container) - 1
        key, self.key = self.key or "", None
        self.container[key] = value
        return key

    @property
    def wants_key(self) -> bool:
        return isinstance(self.container, dict) and self.key is None


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.open: list[_Open] = []
        self.places: dict[Trail, Place] = {}
        self.count = 0

    def fail(self, message: str, mark: Any) -> BankError:
        return BankError(fault(message, self.name, Place(mark.line + 1, mark.column + 1)))

    def read(self, event: Any) -> None:
        self.count += 1
        self.refuse(event)
        if isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.CollectionStartEvent):
            container = {} if isinstance(event, yaml.MappingStartEvent) else []
            path = self.put(container, event.start_mark)
            self.open.append(_Open(container, path))
        elif isinstance(event, yaml.ScalarEvent):
            is_key = bool(self.open) and self.open[-1].wants_key
            self.put(event.value if is_key else self.scalar(event), event.start_mark)

    def refuse(self, event: Any) -> None:
        mark = event.start_mark
        if self.count > MAX_VALUES:
            raise self.fail(f"more than {MAX_VALUES} values", mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self.fail("anchors and aliases (&name, *name) are not used in a quiz bank", mark)
        if getattr(event, "tag", None):
            raise self.fail(f"tags ({event.tag}) are not used in a quiz bank", mark)
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self.fail("one document per file", mark)
        if isinstance(event, yaml.CollectionStartEvent) and len(self.open) >= MAX_DEPTH:
            raise self.fail(f"nested more than {MAX_DEPTH} deep", mark)
        if isinstance(event, yaml.ScalarEvent) and (match := CONTROL.search(event.value)):
            raise self.fail(f"control character {match[0]!a} in text", mark)

    def put(self, value: Any, mark: Any) -> Trail:
        place = Place(mark.line + 1, mark.column + 1)
        if not self.open:
            self.root = value
            self.places[()] = place
            return ()
        top = self.open[-1]
        if top.wants_key:
            self.start_entry(top, value, place, mark)
            return top.path
        path = (*top.path, top.add(value))
        self.places[path] = place
        return path

    def start_entry(self, top: _Open, key: Any, place: Place, mark: Any) -> None:
        if not isinstance(key, str) or not key:
            raise self.fail("a key must be a word", mark)
        if key == "<<":
            raise self.fail("merge keys (<<) are not used in a quiz bank", mark)
        if key in top.container:
            first = self.places[(*top.path, key)].line
            raise self.fail(f"{key!r} appears twice (first on line {first})", mark)
        top.key = key
        self.places[(*top.path, key)] = place

    def scalar(self, event: Any) -> Any:
        """Only true, false and decimal numbers are typed: no, 1:30 and 2024-01-01 stay text."""
        text = event.value
        if event.style or not event.implicit[0]:
            return text
        if text in ("true", "false"):
            return text == "true"
        if text in ("", "~", "null"):
            raise self.fail("empty value", event.start_mark)
        if INTEGER.fullmatch(text):
            return int(text)
        if len(text) <= 24 and REAL.fullmatch(text):
            return float(text)
        if NEARLY_A_NUMBER.fullmatch(text):
            raise self.fail(
                f"{text[:24]!r} looks like a number but is not one; quote it if it is text", event.start_mark
            )
        return text


def parse(data: bytes, name: str = "bank") -> Tree:
    """Read one YAML document; a `BankError` with its place is all that can be raised."""
    if len(data) > MAX_BYTES:
        raise BankError(fault(f"larger than {MAX_BYTES >> 20} MiB", name, START))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        place = Place(data[: error.start].count(b"\n") + 1, error.start - start + 1)
        raise BankError(fault("not UTF-8; save the file as UTF-8", name, place)) from None
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.read(event)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, name) from None
    except yaml.YAMLError as error:
        line = text[: getattr(error, "position", None) or 0].count("\n") + 1
        raise BankError(fault("a character that YAML does not allow", name, Place(line, 1))) from None
    if builder.root is None:
        raise BankError(fault("empty file", name, START))
    return Tree(builder.root, builder.places)


def _unreadable(error: yaml.MarkedYAMLError, name: str) -> BankError:
    mark = error.problem_mark or error.context_mark
    message = error.problem or "not YAML"
    if "cannot start any token" in message:
        message += " (a tab? indent with spaces)"
    if "mapping values are not allowed" in message:
        message += " (a text with ': ' in it needs quotes)"
    place = Place(mark.line + 1, mark.column + 1) if mark else START
    return BankError(fault(message, name, place))
