"""
The deployed channel API keeps to its published description, whatever is sent to it.

Schemathesis makes the requests up, from ``docs/openapi.yaml``, and judges the answers. It is used
as a library: its pytest plugin and the newest pytest do not go together.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from liveperson_connector.channel import contract
from liveperson_connector.channel.consumer_events import MAX_PASSED_ON
from liveperson_connector.liveperson import signatures
from sandbox.account import Account, write_parameters
from sandbox.aws import Aws
from sandbox.channel import ConnectorClient
from tests.e2e.conftest import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET, World, wait_for

DESCRIPTION = schemathesis.openapi.from_path(Path(__file__).parents[2] / "docs/openapi.yaml")
EVENTS = DESCRIPTION["/accounts/{account_id}/consumers/{consumer_id}/events"]["POST"]
FILE = DESCRIPTION["/accounts/{account_id}/files/{id}"]["GET"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# The connector fetches the files it is told of; what a test makes up must not leave this machine.
NOBODY = "https://127.0.0.1:9/file"

made_up = settings(
    max_examples=50,
    derandomize=True,  # the same requests in every run
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(name="account_id", scope="module")
def _account_id(world: World) -> str:
    """Give an account of these tests' own, in which nobody else counts conversations."""
    account = Account(
        "contract", CLIENT_ID, CLIENT_SECRET, world.channel.callback_url, SIGNING_SECRET
    )
    world.liveperson.add_account(account.account_id, account.client_id, account.client_secret)
    world.liveperson.set_webhook_url(account.account_id, world.endpoints.webhook_url)
    write_parameters(Aws(world.endpoints.aws_endpoint_url), world.endpoints.stack_name, account)
    where = world.endpoints
    client = ConnectorClient(where.channel_api_url, where.channel_api_key, account.account_id)

    def is_known() -> bool:
        return client.send_event("nobody", "typing", state="gone").status == 202

    wait_for(is_known, seconds=60, what="the new account is known")
    return account.account_id


def draw(data: st.DataObject, operation: Any, mode: GenerationMode, account_id: str) -> Any:
    """Make up a request of one account: as described, or not."""
    given_account = {"account_id": account_id}
    return data.draw(operation.as_strategy(mode, path_parameters=given_account))


def judge(world: World, case: Any, *checks: Any, key: str | None = None) -> int:
    """Send a request, have the answer judged, and return its status."""
    answer = case.call(
        base_url=world.endpoints.channel_api_url,
        headers={"x-api-key": world.endpoints.channel_api_key if key is None else key},
        allow_redirects=False,
    )
    case.validate_response(answer, checks=[*CHECKS, *checks])
    return int(answer.status_code)


def fits_livepersons_requests(body: dict[str, Any]) -> bool:
    """Whether what is passed on is small enough, which a schema has no word for."""
    passed_on = {**body, "text": ""} if body.get("type") == "text" else body
    return len(json.dumps(passed_on, ensure_ascii=False).encode("utf-16-le")) // 2 <= MAX_PASSED_ON


@made_up
@given(data=st.data())
def test_events_as_described_are_taken(data: st.DataObject, world: World, account_id: str) -> None:
    """Every event that the description allows is accepted."""
    case = draw(data, EVENTS, GenerationMode.POSITIVE, account_id)
    assume(fits_livepersons_requests(case.body))
    if "url" in case.body:
        case.body["url"] = NOBODY

    assert 202 == judge(world, case, positive_data_acceptance)


@made_up
@given(data=st.data())
def test_events_not_as_described_are_refused(
    data: st.DataObject, world: World, account_id: str
) -> None:
    """Every event that the description does not allow is refused, with its problems."""
    case = draw(data, EVENTS, GenerationMode.NEGATIVE, account_id)

    judge(world, case, negative_data_rejection)


@made_up
@given(data=st.data(), mode=st.sampled_from(GenerationMode))
def test_files_that_are_not_there(
    data: st.DataObject, mode: GenerationMode, world: World, account_id: str
) -> None:
    """A file that nobody sent is not found, whatever it is called."""
    case = draw(data, FILE, mode, account_id)

    assert judge(world, case) in {403, 404}


@settings(made_up, max_examples=20)
@given(data=st.data())
def test_accounts_that_are_not_configured(data: st.DataObject, world: World) -> None:
    """An account that is not configured is answered as described, as 404."""
    case = draw(data, EVENTS, GenerationMode.POSITIVE, "stranger")
    assume(fits_livepersons_requests(case.body))

    assert 404 == judge(world, case)


@pytest.mark.parametrize("operation", [EVENTS, FILE], ids=["events", "files"])
def test_without_a_valid_key(operation: Any, world: World, account_id: str) -> None:
    """Nobody without the key gets in, and the refusal is the one described."""

    @settings(made_up, max_examples=10)
    @given(data=st.data())
    def post_signed_webhook(data: st.DataObject) -> None:
        case = draw(data, operation, GenerationMode.POSITIVE, account_id)
        assert 403 == judge(world, case, key="wrong")

    post_signed_webhook()


GROWING = '{"id": "m-1", "type": "text", "text": "a", "unknown": "' + "ä" * 200_000 + '"}'


@pytest.mark.parametrize("body", [b"x" * 900_000, GROWING.encode()], ids=["sent", "queued"])
def test_what_is_too_large(body: bytes, world: World, account_id: str) -> None:
    """A body larger than described is refused as such, and never breaks the queue."""
    where = world.endpoints
    answer = requests.post(
        f"{where.channel_api_url}/accounts/{account_id}/consumers/large/events",
        data=body,
        headers={"x-api-key": where.channel_api_key, "Content-Type": "application/json"},
        timeout=90,
    )

    assert (413, {"error": "too_large"}) == (answer.status_code, answer.json())


LATIN_1 = '{"id": "m-1", "type": "text", "text": "Grüße"}'.encode("latin-1")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=iso-8859-1"])
def test_an_event_that_is_not_utf_8(world: World, account_id: str, content_type: str) -> None:
    """It is refused, with its problem: a broken character never reaches an agent."""
    where = world.endpoints
    answer = requests.post(
        f"{where.channel_api_url}/accounts/{account_id}/consumers/latin/events",
        data=LATIN_1,
        headers={"x-api-key": where.channel_api_key, "Content-Type": content_type},
        timeout=90,
    )

    problem = {"path": "", "problem": "the body is not JSON in UTF-8"}
    refusal = {"error": "invalid_event", "problems": [problem]}
    assert (400, refusal) == (answer.status_code, answer.json())
    assert [] == contract.problems("InvalidEvent", answer.json())


def test_a_webhook_that_is_not_utf_8(world: World, account_id: str) -> None:
    """It is proved over the bytes that LivePerson signed, and kept as those bytes."""
    answer = requests.post(
        world.endpoints.webhook_url,
        data=LATIN_1,
        headers={
            "Content-Type": "application/json",
            signatures.ACCOUNT_HEADER: account_id,
            signatures.CLIENT_HEADER: CLIENT_ID,
            signatures.SIGNATURE_HEADER: signatures.sign(CLIENT_SECRET, LATIN_1),
        },
        timeout=90,
    )

    assert 200 == answer.status_code
    assert LATIN_1 == base64.b64decode(unreadable(world, account_id)["body_base64"])


def unreadable(world: World, account_id: str) -> dict[str, Any]:
    """Take the dead letter of an unreadable webhook of one account."""
    sqs = Aws(world.endpoints.aws_endpoint_url).sqs
    queue = world.endpoints.queues["notifications-dlq.fifo"]
    taken: list[dict[str, Any]] = []

    def take() -> bool:
        for letter in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            body = json.loads(letter["Body"])
            if body["account_id"] == account_id and "body_base64" in body:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=letter["ReceiptHandle"])
                taken.append(body)
        return bool(taken)

    wait_for(take, seconds=30, what="the dead letter")
    return taken[0]
