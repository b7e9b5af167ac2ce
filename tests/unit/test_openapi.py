"""The published contract: right in itself, and the same everywhere it is written."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from docs.openapi import with_schemas
from liveperson_connector.channel import contract
from liveperson_connector.channel.callbacks import sign
from liveperson_connector.channel.consumer_events import MAX_PASSED_ON, read_event
from liveperson_connector.channel.fallback_text import fallback_text
from liveperson_connector.channel.queued_events import TYPES
from liveperson_connector.domain import errors
from liveperson_connector.domain.accounts import CALLBACKS
from liveperson_connector.entrypoints.api_gateway import refusal

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "openapi.yaml").read_text()
DESCRIPTION: dict[str, Any] = yaml.safe_load(TEXT)

EVENTS = DESCRIPTION["paths"]["/accounts/{account_id}/consumers/{consumer_id}/events"]["post"]
CALLBACK = DESCRIPTION["webhooks"]["callback"]["post"]

GUIDE = (DOCS / "channel-api.md").read_text()
EXAMPLES = [json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", GUIDE, re.M | re.S)]


def schema_of(example: dict[str, Any]) -> str:
    """Name the schema that an example of the guide is an example of."""
    if "problems" in example:
        return "InvalidEvent"
    if "status" in example and "type" not in example:
        return "Health" if "version" in example else "Accepted"
    kind = str(example["type"]).capitalize()
    return f"{kind}Callback" if "account_id" in example else f"ConsumerEvent{kind}"


def mistakes(name: str, example: object) -> list[str]:
    """Say what is wrong with an example."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(example)]


def test_it_is_openapi() -> None:
    """The description is right in the words of OpenAPI 3.1."""
    assert [] == [error.message for error in OpenAPIV31SpecValidator(DESCRIPTION).iter_errors()]


def test_its_schemas_are_those_that_events_are_checked_against() -> None:
    """What is published is what is done, schema by schema."""
    assert contract.schemas() == DESCRIPTION["components"]["schemas"]


def test_make_openapi_changes_nothing() -> None:
    """The schemas are written from the contract; if this fails, run ``make openapi``."""
    assert TEXT == with_schemas(TEXT)


def test_a_description_that_lost_its_mark() -> None:
    """Nothing is written into a description that does not say where."""
    with pytest.raises(ValueError, match="lost its mark"):
        with_schemas("openapi: 3.1.0\n")


@pytest.mark.parametrize("operation", [EVENTS, CALLBACK], ids=["events", "callbacks"])
def test_its_examples_are_examples(operation: dict[str, Any]) -> None:
    """Each example of a body is right, by the schema it stands beside."""
    content = operation["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]

    for title, example in content["examples"].items():
        assert (title, []) == (title, mistakes(name, example["value"]))


def test_every_type_has_an_example() -> None:
    """An engineer finds each type of event shown."""
    examples = EVENTS["requestBody"]["content"]["application/json"]["examples"].values()

    assert {each["value"]["type"] for each in examples} == TYPES


@pytest.mark.parametrize("name", ["Profile", "ConsumerEventProfile", "ConsumerEventReply"])
def test_what_livepersons_requests_have_room_for_is_said(name: str) -> None:
    """No schema has a word for it, so its description says it."""
    assert f"at most {MAX_PASSED_ON:,} characters of JSON" in json.dumps(contract.schemas()[name])


def test_every_answer_of_the_code_is_described() -> None:
    """Each way in which the connector refuses a consumer event is a described answer."""
    refusals: list[type[errors.Refused]] = [errors.InvalidEvent, errors.UnknownAccount]
    refusals += [errors.NoSuchRoute, errors.TooLarge, errors.NotQueued]

    assert {str(each.status) for each in refusals} <= set(EVENTS["responses"])
    assert {"202", "403", "500"} <= set(EVENTS["responses"])


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{n}-{schema_of(each)}" for n, each in enumerate(EXAMPLES)]
)
def test_each_example_of_the_guide(example: dict[str, Any]) -> None:
    """Each JSON text in ``channel-api.md`` is right, by the schema of what it shows."""
    assert [] == mistakes(schema_of(example), example)


def shown(kind: str) -> list[dict[str, Any]]:
    """Give what the guide shows, by the beginning of the name of its schema."""
    return [each for each in EXAMPLES if schema_of(each).startswith(kind)]


@pytest.mark.parametrize("event", shown("ConsumerEvent"), ids=lambda event: str(event["type"]))
def test_each_event_of_the_guide_is_accepted(event: dict[str, Any]) -> None:
    """By the code, and not by the schema alone."""
    assert event == read_event("12345678", "+4915112345678", json.dumps(event).encode()).raw


def test_each_rendering_of_the_guide_is_the_real_one() -> None:
    """Whoever builds on the guide is not surprised."""
    contents = [each["content"] for each in shown("MessageCallback")]
    rich = [each for each in contents if each["type"] == "rich"]

    assert rich
    for each in rich:
        assert each["fallback_text"] == fallback_text(each["content"], each.get("quick_replies"))


def test_the_guides_refusal_is_the_real_one() -> None:
    """In these words, for an event with those two mistakes."""
    (example,) = shown("InvalidEvent")
    wrong = {"id": "", "type": "text", "text": " "}

    with pytest.raises(errors.InvalidEvent) as caught:
        read_event("12345678", "+4915112345678", json.dumps(wrong).encode())

    assert example == json.loads(str(refusal(caught.value)["body"]))


def test_the_guide_shows_every_type() -> None:
    """The guide has an example of each type of event and of callback."""
    named = {schema_of(each) for each in EXAMPLES}

    assert {f"ConsumerEvent{kind.capitalize()}" for kind in TYPES} <= named
    assert {f"{kind.capitalize()}Callback" for kind in CALLBACKS | {"ping"}} <= named


def test_the_guide_names_every_field() -> None:
    """No field of an event or of a callback is left for the reader to guess."""
    for name, schema in contract.schemas().items():
        for field in schema.get("properties", {}):
            assert f"`{field}`" in GUIDE or f'"{field}"' in GUIDE or f".{field}`" in GUIDE, name


def test_the_guides_signature_is_the_real_one() -> None:
    """The vector of the specification, as the guide prints it."""
    (said,) = re.findall(r"The specification's own example.*?=`\.$", GUIDE, re.M | re.S)
    secret, message, moment, body, signature = re.findall(r"`(.+?)`", said)

    assert signature == sign(
        base64.b64decode(secret.removeprefix("whsec_")), message, int(moment), body.encode()
    )


def test_the_guides_verification_works() -> None:
    """The guide's ten lines of Python tell a genuine callback from another."""
    (code,) = re.findall(r"^```python\n(.*?)^```", GUIDE, re.M | re.S)
    told: dict[str, Any] = {}
    exec(code, told)  # noqa: S102 - it is our own
    now = int(told["time"].time())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now)}
    headers["webhook-signature"] = sign(b"a key", "msg_1", now, b"{}")

    assert told["is_genuine"]("whsec_YSBrZXk=", headers, b"{}")
    assert not told["is_genuine"]("whsec_YSBrZXk=", headers, b"{} ")
