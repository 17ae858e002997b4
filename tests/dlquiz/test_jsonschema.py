import json
from pathlib import Path

from dlquiz.jsonschema import generate
from dlquiz.schema import KINDS

FILE = Path(__file__).parents[2] / "schema" / "quiz.schema.json"


def test_the_schema_for_editors_is_the_one_that_reads_the_banks():
    """Else: python -m dlquiz.jsonschema > schema/quiz.schema.json."""
    assert json.loads(FILE.read_text()) == generate()


def test_it_speaks_draft_7():
    text = FILE.read_text()

    assert "$defs" not in text
    assert "prefixItems" not in text
    assert "discriminator" not in text


def test_every_kind_is_in_it_and_says_what_it_needs():
    definitions = generate()["definitions"]

    kinds = {definitions[kind.__name__]["properties"]["kind"]["enum"][0] for kind in KINDS.values()}
    assert kinds == KINDS.keys()
    for kind in KINDS.values():
        assert {"id", "kind", "ref", "level", "text", "explain"} <= set(definitions[kind.__name__]["required"])
        assert "concept" not in definitions[kind.__name__]["properties"]
        assert definitions[kind.__name__]["additionalProperties"] is False
