"""
The contract with the channel, as data: ``contract.json`` beside this file.

Its schemas are the ones of ``docs/openapi.yaml``, and the ones that consumer events are checked
against at run time, so that what is promised and what is done cannot drift apart. ``x-problems``
in a schema gives the words for a keyword whose own words would not help; they never repeat the
value, which is private.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from ..errors import Problem

# Of these bytes as they come, over all fields; more is answered 413.
MAX_BODY_BYTES = 800 * 1024

# How deep lists and objects may stand in each other, in fields that are passed on as they are.
MAX_DEPTH = 32

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
    """Return everything for which ``value`` is not what the schema ``name`` describes."""
    try:
        _validator(name)(value)
    except fastjsonschema.JsonSchemaValuesException as found:
        return _first_of_each_path(each for error in found.errors for each in _words(error))
    return []


def unpaired_or_deep(value: object) -> list[Problem]:
    """
    Return what no schema can say: texts with half a character, and what is nested too deep.

    An unpaired surrogate can be written in JSON as an escape, and in no request to LivePerson.
    """
    found = []
    todo: list[tuple[str, object, int]] = [("", value, 0)]
    while todo:  # no recursion: the depth is what is to be found out
        path, each, depth = todo.pop()
        if depth > MAX_DEPTH:
            found.append(Problem(path, f"is nested more than {MAX_DEPTH} deep"))
        elif isinstance(each, str) and _is_unpaired(each):
            found.append(Problem(path, "contains half a character (an unpaired surrogate)"))
        elif isinstance(each, Mapping):
            if any(_is_unpaired(name) for name in each):
                found.append(Problem(path, "has a name with half a character in it"))
            todo += [(f"{path}.{name}".strip("."), of, depth + 1) for name, of in each.items()]
        elif isinstance(each, list):
            todo += [(f"{path}[{index}]", of, depth + 1) for index, of in enumerate(each)]
    return found


def _is_unpaired(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # the only thing that UTF-8 does not take
        return True
    return False


@cache
def _document() -> Mapping[str, Any]:
    text = Path(__file__).with_name("contract.json").read_text(encoding="utf-8")
    document: Mapping[str, Any] = json.loads(text)
    return document


@cache
def _validator(name: str) -> Callable[[object], object]:
    """Compile one schema, when it is first needed; the others cost nothing."""
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
    if rule == "required":
        for name in error.rule_definition:
            if name not in error.value:
                yield Problem(f"{path}.{name}".removeprefix("."), "is missing")
    else:
        own = error.definition.get("x-problems", {}).get(rule)
        yield Problem(path, own or _general_words(rule, error.rule_definition))


def _general_words(rule: str, limit: Any) -> str:
    if rule == "type":
        return f"must be {_types(limit)}"
    if rule == "enum":
        return f"must be one of: {', '.join(map(str, limit))}"
    return _LIMIT_WORDS.get(rule, "is not as the contract says").format(limit)


def _types(named: str | Sequence[str]) -> str:
    names = [named] if isinstance(named, str) else named
    return " or ".join(_TYPE_WORDS.get(name, name) for name in names)


def _first_of_each_path(found: Iterator[Problem]) -> list[Problem]:
    """Keep one problem of each place: what is no text is not too short as well."""
    first: dict[str, Problem] = {}
    for each in found:
        first.setdefault(each.path, each)
    return list(first.values())
