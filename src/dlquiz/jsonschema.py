"""The bank's shape for editors: ``python -m dlquiz.jsonschema > schema/quiz.schema.json``.

Generated from the same structs that read a bank. yaml-language-server reads draft 7, which says `definitions`.
"""

import json
from typing import Any

import msgspec

from dlquiz.schema import KINDS, Bank


def generate() -> dict[str, Any]:
    """The JSON Schema of one bank file."""
    whole = _draft_7(json.loads(msgspec.json.encode(msgspec.json.schema(Bank))))
    for kind in KINDS.values():
        question = whole["definitions"][kind.__name__]
        del question["properties"]["concept"]  # said once, at the top of the file
        question["required"].remove("concept")
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A quiz bank of dlref", **whole}


def _draft_7(value: Any) -> Any:
    """What msgspec says in the words of 2020, in the words that editors know."""
    if isinstance(value, list):
        return [_draft_7(item) for item in value]
    if isinstance(value, str):
        return value.replace("#/$defs/", "#/definitions/")
    if not isinstance(value, dict):
        return value
    renamed = {"$defs": "definitions", "prefixItems": "items"}
    kept = {key: item for key, item in value.items() if key != "discriminator"}
    if "prefixItems" in kept:
        kept["additionalItems"] = kept.pop("items")
    return {renamed.get(key, key): _draft_7(item) for key, item in kept.items()}


if __name__ == "__main__":
    print(json.dumps(generate(), indent=1, sort_keys=True))  # the file's content
