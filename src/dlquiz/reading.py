"""The verbs that only read, as functions of words and --json; the parser of the command line is not needed for them."""

import sys
import time

from dlquiz import places, shelf

TYPE_CHECKING = False  # typing and collections cost a start 3 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FACTS = ("id", "concept", "kind", "level", "ref", "verified", "by")


def verb(words: list[str], *, as_json: bool) -> "Callable[[], int] | None":
    """What to run for these words; None where they are none of these verbs."""
    match words:
        case []:
            return lambda: home(as_json=as_json)
        case ["list", *concepts]:
            return lambda: list_(concepts, as_json=as_json)
        case ["stats"]:
            return lambda: stats(as_json=as_json)
        case ["show", id_]:
            return lambda: show(id_, as_json=as_json)
        case ["progress", "path"] if not as_json:
            return path
    return None


def home(*, as_json: bool = False) -> int:
    """What is due and what is new, of each concept."""
    from dlquiz import words

    dates, now = due(), clock()
    facts: dict[str, list[str]] = {}
    for row in shelf.rows():
        facts.setdefault(row["concept"], []).append(row["first_id"])
    rows = []
    for concept, ids in facts.items():
        known = [dates[id_] for id_ in ids if id_ in dates]
        rows.append((concept, sum(date <= now for date in known), len(ids) - len(known), len(known)))
    if as_json:
        names = ("concept", "due", "new", "known")
        return print_json({"concepts": [dict(zip(names, row, strict=True)) for row in rows], "version": 1})
    return put(words.home(rows))


def list_(concept: "Sequence[str]", *, as_json: bool = False) -> int:
    """Id, kind, level, and how the key is known, of each question."""
    sys.stdout.write(listed(concept, places.screen(), as_json=as_json))
    return 0


def listed(concept: "Sequence[str]", width: int, *, as_json: bool) -> str:
    """The list of the questions, for a terminal so wide or for whoever reads it line by line."""
    from dlquiz import words

    rows = shelf.rows()
    chosen = shelf.concepts((row["concept"] for row in rows), concept)
    groups = {name: [row for row in rows if row["concept"] == name] for name in chosen}
    if as_json:
        return json_line([{name: row[name] for name in FACTS} for row in rows if row["concept"] in groups])
    return words.listing(groups, width)


def show(id_: str, seed: int = 0, *, as_json: bool = False) -> int:
    """One question with its answer."""
    from dlquiz.question import draw

    question = shelf.find(id_)
    asked = draw(question, seed)
    if as_json:
        from dlquiz import data

        solution = {"key": asked.key(), "explain": asked.explain}
        return print_json({**data.shown(asked), **data.row(question), **solution, "version": 1})
    from dlquiz.render import Screen
    from dlquiz.verified import verified

    screen = Screen()
    screen.question(asked)
    screen.solution(asked, str(verified(question)))
    return 0


def stats(*, as_json: bool = False, words: bool = False) -> int:
    """How the learner is doing."""
    from dlquiz.stats import stats
    from dlquiz.store import Store, default_path

    with Store(default_path(), create=False) as store:
        found = stats(shelf.rows(), store.log(), store.due(), store.flagged(), clock())
    if as_json:
        return print_json(found.data())
    from dlquiz.paper import Paper
    from dlquiz.picture import Picture

    Picture(Paper(), words=words).draw(found)
    return 0


def path() -> int:
    """Where the progress file is."""
    from dlquiz.store import glance

    return put(glance.default_path())


def due() -> dict[str, int]:
    """When each question that was ever answered is due; nothing where there is no progress."""
    from dlquiz.store import glance

    if (dates := glance.due(glance.default_path())) is not None:
        return dates
    from dlquiz.store import Store, default_path

    with Store(default_path(), create=False) as store:
        return store.due()


def clock() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


def put(text: str) -> int:
    """Text on stdout, and the exit code of success."""
    sys.stdout.write(text + "\n")
    return 0


def print_json(value: object) -> int:
    """One line of JSON on stdout, and the exit code of success."""
    sys.stdout.write(json_line(value))
    return 0


def json_line(value: object) -> str:
    """A value as one line of JSON."""
    import json

    return json.dumps(value, ensure_ascii=False) + "\n"
