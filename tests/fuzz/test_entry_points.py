"""
The intakes and the parsers under inputs that nobody planned, and what was found that way, by name.

``make fuzz INPUTS=100000 SEED=1`` runs the first three tests with as many inputs each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveperson_connector.channel import contract
from tests.support.accounts import ACCOUNT
from tests.support.messages import text_event
from tests.support.webhooks import (
    LATER,
    conversation_change,
    conversation_notification,
    signed_webhook,
)

from .functions import Functions, deployed
from .inputs import Input, channel, webhook
from .parsers import check_parser
from .promises import MOST_ANSWER_BYTES, check_channel, check_webhook, in_time
from .providers import check_provider_webhook, check_rendering


@pytest.fixture(name="functions", scope="module")
def _functions() -> Iterator[Functions]:
    with deployed() as functions:
        yield functions


def posted(body: bytes | str, proxy: Any = "%2B49/events", **more: Any) -> Input:
    """Post a consumer event as API Gateway hands it over."""
    text = body if isinstance(body, str) else body.decode()
    place = {"account_id": ACCOUNT, "proxy": proxy}
    event = {"httpMethod": "POST", "headers": None, "pathParameters": place, "body": text}
    return Input({**event, "isBase64Encoded": False, **more})


INPUTS = st.randoms(use_true_random=True)
"""Each seed is one input; Hypothesis chooses the seeds and prints the one that fails."""

MANY = settings(max_examples=max(settings().max_examples, 500))


@MANY
@given(chance=INPUTS)
def test_fuzzed_webhook_keeps_every_promise(functions: Functions, chance: Random) -> None:
    """No 5xx, no bug, no hang; who is not LivePerson gets nothing queued; nothing private shows."""
    given_webhook = webhook(chance)

    in_time(functions, lambda: check_webhook(functions, given_webhook))


@MANY
@given(chance=INPUTS)
def test_fuzzed_channel_request_keeps_every_promise(functions: Functions, chance: Random) -> None:
    """What the contract allows is queued as it came; everything else gets a clear refusal."""
    request = channel(chance)

    in_time(functions, lambda: check_channel(functions, request))


@MANY
@given(chance=INPUTS)
def test_fuzzed_webhook_of_a_provider_keeps_every_promise(
    functions: Functions, chance: Random
) -> None:
    """Of every kind: no 5xx and no bug, what is forged is refused, nothing private shows."""
    in_time(functions, lambda: check_provider_webhook(functions, chance))


@given(chance=INPUTS)
def test_fuzzed_content_is_taken_by_every_provider(chance: Random) -> None:
    """Whatever an agent's structured content is, no request breaks a provider's limit."""
    check_rendering(chance)


@MANY
@given(chance=INPUTS)
def test_fuzzed_parser_reads_or_refuses(functions: Functions, chance: Random) -> None:
    """Parsers behind the queues raise the connector's own errors and no others."""
    in_time(functions, lambda: check_parser(chance))


def test_fuzzed_inputs_reach_every_outcome(functions: Functions) -> None:
    """Both intakes take inputs and refuse inputs for every reason there is."""
    seeds = [Random(number) for number in range(500)]  # noqa: S311 - repeatable, not secret
    webhooks = {check_webhook(functions, webhook(chance)) for chance in seeds}
    requests = {check_channel(functions, channel(chance)) for chance in seeds}
    told = {check_provider_webhook(functions, chance) for chance in seeds}

    assert {"queued", "kept as unreadable", "refused 401", "refused 400"} <= webhooks
    assert {"queued", "refused 400", "refused 404"} <= requests
    assert {"queued", "nothing to tell", "refused 401", "refused 400"} <= told


# ── Every way to spoil one good webhook ──


GOOD = signed_webhook()


@given(place=st.integers(0, len(GOOD.body) - 1), flip=st.integers(1, 255))
@settings(max_examples=200)
def test_a_webhook_of_which_one_byte_was_changed_is_a_strangers(
    functions: Functions, place: int, flip: int
) -> None:
    """401 and nothing queued, whichever byte and whatever it became."""
    body = bytearray(GOOD.body)
    body[place] ^= flip
    event = GOOD.with_body(bytes(body)).event_base64()

    assert "refused 401" == check_webhook(functions, Input(event))


@given(body=st.binary(max_size=300))
def test_any_bytes_that_liveperson_signed_are_kept(functions: Functions, body: bytes) -> None:
    """As notifications if they are some, else as one dead letter with the bytes in it."""
    signed = signed_webhook(body)

    outcome = check_webhook(functions, Input(signed.event_base64()))

    assert outcome in {"queued", "kept as unreadable"}


@given(body=st.binary(max_size=300))
def test_any_bytes_can_be_posted_to_the_channel_api(functions: Functions, body: bytes) -> None:
    """They are an event or they are refused."""
    check_channel(functions, posted(body.decode("latin-1")))


# ── What was found ──


@pytest.mark.parametrize(
    "spoilt",
    [
        {"pathParameters": {"account_id": None, "proxy": "%2B49/events"}},
        {"pathParameters": {"account_id": ACCOUNT, "proxy": None}},
        {"pathParameters": None},
        {"headers": {"X-Api-Key": None}},
    ],
    ids=str,
)
def test_null_where_a_text_should_be_is_refused(
    functions: Functions, spoilt: dict[str, Any]
) -> None:
    """It was answered 500."""
    event = posted(json.dumps(text_event())).event

    check_channel(functions, Input({**event, **spoilt}))


def test_a_webhook_whose_headers_are_null_is_refused(functions: Functions) -> None:
    """It was answered 500."""
    headers = dict.fromkeys(GOOD.headers)

    assert "refused 401" == check_webhook(functions, Input({**GOOD.event(), "headers": headers}))


def test_half_a_character_in_a_consumers_id_is_a_problem_of_the_event(
    functions: Functions,
) -> None:
    """No UTF-8 has it, so no pseudonym could be made; it was answered 500."""
    given_event = posted(json.dumps(text_event()), proxy="\ud800/events")

    assert "refused 400" == check_channel(functions, given_event)


@pytest.mark.parametrize("file_id", ["", "x" * 2000, "\ud800", "../x", "a/b", "%00"])
def test_a_file_that_cannot_exist_is_not_looked_for(functions: Functions, file_id: str) -> None:
    """S3 answers 400 to a name that is too long, and boto3 does not send half a character."""
    place = {"account_id": ACCOUNT, "file_id": file_id}
    event = {"httpMethod": "GET", "headers": None, "pathParameters": place, "body": None}

    assert "refused 404" == check_channel(functions, Input(event))


CROWDS = {
    "half characters": b'{"id":"a","type":"text","text":"a","x":['
    + b'"\\ud800",' * 80_000
    + b"0]}",
    "sequences": b'{"id":"a","type":"receipt","status":"read","sequences":['
    + b'"",' * 250_000
    + b"0]}",
    "metadata": b'{"id":"a","type":"reply","text":"a","to_sequence":1,"metadata":['
    + b"{}," * 250_000
    + b"0]}",
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_crowd_of_problems_is_told_of_in_a_small_answer(functions: Functions, crowd: str) -> None:
    """Each entry was a problem of its own: an answer of 17 MB, of which Lambda makes a 5xx."""
    answer = functions.channel(posted(CROWDS[crowd]).event)
    functions.since()

    assert 400 == answer["statusCode"]
    assert len(answer["body"]) < MOST_ANSWER_BYTES
    assert 1 <= len(json.loads(answer["body"])["problems"]) <= contract.MAX_PROBLEMS


def test_a_long_name_with_many_values_needs_no_memory(functions: Functions) -> None:
    """Each value got a path with the name in it: 90 KB became a gigabyte."""
    body = b'{"id":"a","type":"text","text":"a","' + b"k" * 300_000 + b'":[' + b"0," * 200_000
    assert "queued" == check_channel(functions, posted(body + b"0]}"))


def test_a_conversation_with_a_long_record_is_queued_with_its_claim(functions: Functions) -> None:
    """Both together are more than one call to SQS takes; it was answered 503, again and again."""
    change = conversation_change(updated_at=LATER, notes="ü" * 120_000)
    body = conversation_notification(change)
    event = Input(signed_webhook(body).event_base64(), changes=[change])

    assert "queued" == check_webhook(functions, event)


def test_no_list_of_the_contract_may_be_as_long_as_a_crowd() -> None:
    """A list is shortened before it is checked, to more than any list may have."""
    text = json.dumps(contract.schemas())
    longest = max(int(part.split("}")[0].split(",")[0]) for part in text.split('"maxItems": ')[1:])

    value = {"id": "a", "type": "receipt", "status": "read", "sequences": [0] * 5000}
    (problem,) = contract.problems("ConsumerEventReceipt", value)
    assert ("sequences", f"has more than {longest} entries") == (problem.path, problem.problem)
