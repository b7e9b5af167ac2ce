"""
The contract with the channel, as data: ``contract.json`` beside this file.

Its schemas are those of ``docs/openapi.yaml``, and consumer events are validated against them at
run time, so that documentation and behaviour cannot drift apart. ``x-problems`` in a schema
replaces the message of a keyword where the general one would not help; no message repeats the
value, which is private.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import fastjsonschema

from ..domain.errors import Problem

# Limit for the nesting of lists and objects in fields that are passed on unchanged.
MAX_DEPTH = 32

# Limit for the reported problems; so many have a common cause in the channel's program.
MAX_PROBLEMS = 100

# One more entry than any list of the contract may have.
_CROWD = 101

# Limit for a reported path; names in fields that are passed on may have any length.
_LONGEST_PATH = 200

_TYPE_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}
_LIMIT_WORDS = {
    "minLength": "is empty",  # the contract has no other least length
    "maxLength": "is longer than {} characters",
    "minItems": "is empty",
    "maxItems": "has more than {} entries",
    "minProperties": "is empty",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
}


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return the schemas of the contract by name, such as ``ConsumerEventText``."""
    found: Mapping[str, Mapping[str, Any]] = _document()["components"]["schemas"]
    return found


def problems(name: str, value: object) -> list[Problem]:
    """Return all problems of ``value`` with the schema ``name``."""
    try:
        _validator(name)(_without_crowds(value))
    except fastjsonschema.JsonSchemaValuesException as found:
        return _first_of_each_path(each for error in found.errors for each in _words(error))
    return []


def unpaired_or_deep(value: object) -> list[Problem]:
    """
    Return the problems that no schema can express: lone surrogates, and too deep nesting.

    A lone surrogate can be written in JSON as an escape, but not in a request to LivePerson.
    """
    found: list[Problem] = []
    todo: list[tuple[_Place | None, object, int]] = [(None, value, 0)]
    while todo and len(found) < MAX_PROBLEMS:  # no recursion: the depth is yet unknown
        place, each, depth = todo.pop()
        if depth > MAX_DEPTH:
            found.append(_unnamed(place, f"is nested more than {MAX_DEPTH} deep"))
        elif isinstance(each, str) and _is_unpaired(each):
            found.append(_unnamed(place, "contains half a character (an unpaired surrogate)"))
        elif isinstance(each, dict):
            if any(_is_unpaired(name) for name in each):
                found.append(_unnamed(place, "has a name with half a character in it"))
            todo += [(_Place(place, f".{name}"), of, depth + 1) for name, of in each.items()]
        elif isinstance(each, list):
            todo += [
                (_Place(place, index), of, depth + 1)
                for index, of in enumerate(each)
                if isinstance(of, str | dict | list)
            ]
    return found


class _Place(NamedTuple):
    """The place of a value; it is written as a path only if the value has a problem."""

    inside: _Place | None
    name: str | int


def _unnamed(place: _Place | None, words: str) -> Problem:
    return Problem(_path(place), words, is_named=False)


def _path(place: _Place | None) -> str:
    steps = []
    while place is not None:
        steps.append(place.name if isinstance(place.name, str) else f"[{place.name}]")
        place = place.inside
    return "".join(reversed(steps)).removeprefix(".")[:_LONGEST_PATH]


def _without_crowds(value: object, depth: int = 0) -> object:
    """
    Truncate lists longer than any schema allows; the length violation is still reported.

    Otherwise each entry of a list of thousands would be validated, and reported by itself.
    """
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {name: _without_crowds(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_crowds(each, depth + 1) for each in value[:_CROWD]]
    return value


def _is_unpaired(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # UTF-8 can express everything but lone surrogates
        return True
    return False


@cache
def _document() -> Mapping[str, Any]:
    text = Path(__file__).with_name("contract.json").read_text(encoding="utf-8")
    document: Mapping[str, Any] = json.loads(text)
    return document


@cache
def _validator(name: str) -> Callable[[object], object]:
    """Compile a schema when it is first needed."""
    compiled: Callable[[object], object] = fastjsonschema.compile(
        {"$ref": f"#/components/schemas/{name}", "components": _document()["components"]},
        use_default=False,
        use_formats=False,
        fast_fail=False,
    )
    return compiled


def _words(error: fastjsonschema.JsonSchemaValueException) -> Iterator[Problem]:
    path = (error.name or "").removeprefix("data").removeprefix(".")
    rule = error.rule or ""
    own = error.definition.get("x-problems", {}).get(rule)
    if rule == "required" and not own:
        for name in error.rule_definition:
            if name not in error.value:
                yield Problem(f"{path}.{name}".removeprefix("."), "is missing")
    else:
        yield Problem(path, own or _general_words(rule, error.definition))


def _general_words(rule: str, schema: Mapping[str, Any]) -> str:
    limit = schema.get(rule, "")
    allowed = f"one of: {', '.join(map(str, schema.get('enum', [])))}"
    if rule == "type":
        return f"must be {_types(limit)}" + (f", {allowed}" if "enum" in schema else "")
    if rule == "enum":
        return f"must be {allowed}"
    return _LIMIT_WORDS.get(rule, "is not as the contract says").format(limit)


def _types(named: str | Sequence[str]) -> str:
    names = [named] if isinstance(named, str) else named
    return " or ".join(_TYPE_WORDS.get(name, name) for name in names)


def _first_of_each_path(found: Iterator[Problem]) -> list[Problem]:
    """Keep the first problem of each path: a value that is no text is not too short as well."""
    first: dict[str, Problem] = {}
    for each in found:
        first.setdefault(each.path, each)
    return list(first.values())
