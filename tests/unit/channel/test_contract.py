"""The contract itself: sound, complete, and read the same by an independent validator."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from liveperson_connector.channel import contract
from liveperson_connector.channel.queued_events import TYPES
from liveperson_connector.domain.accounts import CALLBACKS

_RULES_WITH_GENERAL_WORDS = {"type", "enum", "required", "minimum", "maximum", "maxItems"} | {
    "minItems",
    "minLength",
    "minProperties",
    "maxLength",
}
_SILENT = {"properties", "items", "const", "$ref", "description", "discriminator"} | {
    "additionalProperties",
    *("if", "then", "else"),
}


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Give a schema and every schema inside it."""
    if isinstance(schema, list):
        for each in schema:
            yield from subschemas(each)
    elif isinstance(schema, dict):
        yield schema
        for name in ("items", "oneOf", "anyOf", "then", "else"):
            yield from subschemas(schema.get(name, []))
        for each in schema.get("properties", {}).values():
            yield from subschemas(each)


def independent(name: str) -> Draft202012Validator:
    """Give another validator of the same schema."""
    components = {"schemas": dict(contract.schemas())}
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": components},
    )


@pytest.mark.parametrize("name", sorted(contract.schemas()))
def test_each_schema_is_one(name: str) -> None:
    """Each schema is right in the words of JSON Schema 2020-12."""
    Draft202012Validator.check_schema(contract.schemas()[name])


def test_every_reference_leads_somewhere() -> None:
    """No schema names another one that is not there, and none is left unused."""
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(contract.schemas())))

    entries = {
        "ConsumerEvent",
        "AnyConsumerEvent",
        "Callback",
        "Accepted",
        "InvalidEvent",
        "Health",
    }
    assert named | entries | {"Refusal", "GatewayRefusal"} == set(contract.schemas())


def test_every_type_has_its_schema() -> None:
    """There is a schema for each consumer event and for each callback, and no other."""
    names = set(contract.schemas())

    assert {f"ConsumerEvent{kind.capitalize()}" for kind in TYPES} == {
        name for name in names if name.startswith("ConsumerEvent")
    } - {"ConsumerEvent"}
    assert {f"{kind.capitalize()}Callback" for kind in CALLBACKS | {"ping"}} == {
        name for name in names if name.endswith("Callback")
    } - {"Callback"}


# What \s stands for in ECMAScript, of which JSON Schema's patterns are
# (https://tc39.es/ecma262/#prod-CharacterClassEscape); in Python it is something else.
_ECMASCRIPT_SPACE = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def patterns() -> set[str]:
    """Give every pattern of the contract."""
    everything = [each for schema in contract.schemas().values() for each in subschemas(schema)]
    return {each["pattern"] for each in everything if "pattern" in each}


@pytest.mark.parametrize("pattern", sorted(patterns()))
def test_pattern_means_the_same_in_every_language(pattern: str) -> None:
    """Python, which checks, and JavaScript, which a channel may be written in, agree."""
    elsewhere = re.compile(pattern.replace(r"\s", _ECMASCRIPT_SPACE))
    here = re.compile(pattern)

    assert set() == set(re.findall(r"\\[a-zA-Z]", pattern)) - {r"\s", r"\u"}
    assert "." not in re.sub(r"\[.*?\]|\\\.", "", pattern)  # nor does it end at the same line ends
    for each in map(chr, [*range(0x3100), *range(0xFE00, 0x10000)]):  # all white space is there
        assert bool(here.search(each)) == bool(elsewhere.search(each)), ascii(each)


def open_objects() -> set[str]:
    """Name the schemas that say of an object in them that others' fields are passed on."""
    return {
        name
        for name, schema in contract.schemas().items()
        if any(each.get("additionalProperties") is True for each in subschemas(schema))
    }


def test_what_is_passed_on_says_that_it_may_have_other_fields() -> None:
    """A generated client would leave them out otherwise, or not compile."""
    assert {"ConsumerEventReply", "Customer", "Personal", "Date", "RichContent", "TextContent"} == (
        open_objects()
    )


def test_no_schema_hides_its_fields_behind_a_choice() -> None:
    """Generators make nothing, or anything, of a bare ``required`` in ``oneOf`` or ``anyOf``."""
    for name, schema in contract.schemas().items():
        choices = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
        assert all("$ref" in each for each in choices), name


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_no_rule_is_without_words(kind: str) -> None:
    """Whatever a consumer event breaks, the channel's engineer is told it in words for people."""
    reached = {f"ConsumerEvent{kind.capitalize()}"}
    while True:
        text = json.dumps([contract.schemas()[name] for name in sorted(reached)])
        more = set(re.findall(r"#/components/schemas/(\w+)", text))
        if more <= reached:
            break
        reached |= more
    for name in reached:
        for schema in subschemas(contract.schemas()[name]):
            own = schema.get("x-problems", {})
            rules = set(schema) - _SILENT - _RULES_WITH_GENERAL_WORDS - {"x-problems"}
            inside_a_choice = set(schema) <= {"required", "properties", "anyOf", "const"}
            assert rules <= set(own) or inside_a_choice, (name, schema)


_NAMES = sorted(
    {name for schema in contract.schemas().values() for name in schema.get("properties", {})}
)
_SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.floats(0, 9) | st.text(max_size=3)
_WORDS = st.sampled_from(
    ["text", "rating", "profile", "file", "PNG", "read", "composing", "NORMAL", "MALE", "a"]
)
_VALUES = st.recursive(
    _SCALARS | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(value=_VALUES)
@pytest.mark.parametrize("name", [f"ConsumerEvent{kind.capitalize()}" for kind in sorted(TYPES)])
def test_both_validators_agree(name: str, value: object) -> None:
    """What we refuse is what the published schema refuses, by an independent validator."""
    event = {"id": "m-1", "type": name.removeprefix("ConsumerEvent").lower()}
    tried = {**event, **value} if isinstance(value, dict) else value

    assert independent(name).is_valid(tried) == (contract.problems(name, tried) == [])


def test_schema_is_compiled_once_and_quickly() -> None:
    """A cold start pays for the type it sees, tens of milliseconds at most, and only once."""
    contract.problems("ConsumerEventReply", {})
    started = time.perf_counter()
    for _ in range(100):
        contract.problems("ConsumerEventReply", {})

    assert time.perf_counter() - started < 0.5
