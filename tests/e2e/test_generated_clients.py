"""
Clients that three generators make of ``docs/openapi.yaml``, against the deployed connector.

Each posts every kind of event, and reads every kind of callback of a whole conversation, with
nothing of either left out. The requests of ``docs/requests`` are sent as they stand, by httpYac.
TypeScript and httpYac are skipped where there is no Node.js.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from connector_cli.partners import ping
from liveperson_connector.channel.queued_events import TYPES
from liveperson_connector.domain.accounts import CALLBACKS, ChannelSettings
from tests.e2e.conftest import PROJECT, World
from tests.support import npm
from tests.support.brands import PICTURE, Brand, Object, Talk, base64_of, eventually
from tests.support.generated import TypeScript, pydantic_models, python_client, why_no_typescript

ACCOUNT = "le70000100"
EDITOR = "requests@example.com"
HTTPYAC = PROJECT / "tests/support/httpyac"

QUICK_REPLIES = {
    "type": "quickReplies",
    "itemsPerRow": 8,
    "replies": [
        {
            "type": "button",
            "title": "Yes",
            "click": {
                "actions": [{"type": "publishText", "text": "Yes"}],
                "metadata": [{"type": "ExternalId", "id": "yes"}],
            },
        }
    ],
}
PROFILE = {
    "customer": {
        "customerId": "C-1",
        "balance": 12.5,
        "companySize": 3,
        "registrationDate": {"day": 23, "month": 6, "year": 2013, "calendar": "gregorian"},
        "shoeSize": "44",
    },
    "personal": {
        "firstname": "Zoë",
        "age": {"year": 1980, "sign": "aries"},
        "gender": "FEMALE",
        "contacts": [
            {"email": "zoe@example.com", "fax": "none", "address": {"country": "DE", "city": "Ulm"}}
        ],
        "pronouns": "she",
    },
}
CONVERSATION = {
    "profile": PROFILE,
    "routing": {"skill_id": "4711", "language": "de-DE", "urgency": "URGENT"},
    "features": ["MULTI_DIALOG", "RICH_CONTENT", "QUICK_REPLIES"],
}

# Every kind in every form, with fields that LivePerson has and the contract does not name.
EVENTS: list[Object] = [
    {"id": "m-1", "type": "text", "text": "Hello 👋", "conversation": CONVERSATION},
    {
        "id": "m-2",
        "type": "file",
        "file_type": "PNG",
        "caption": "Look",
        "content_base64": base64_of(PICTURE),
    },
    {"id": "m-3", "type": "file", "file_type": "GIF", "url": "https://127.0.0.1:9/file"},
    {
        "id": "m-4",
        "type": "reply",
        "text": "Yes",
        "metadata": [{"type": "ExternalId", "id": "yes"}, {"type": "Answer", "questionId": 7}],
        "to_sequence": 0,
        "dialog_id": "d-1",
    },
    {"id": "t-1", "type": "typing", "state": "composing"},
    {"id": "r-1", "type": "receipt", "status": "read", "sequences": [0], "dialog_id": "d-1"},
    {"id": "c-1", "type": "close"},
    {"id": "c-2", "type": "close", "survey": False},
    {"id": "s-1", "type": "rating", "csat": 5, "resolved": True},
    {"id": "s-2", "type": "rating", "skipped": True},
    {"id": "p-1", "type": "profile", **PROFILE},
    {"id": "p-2", "type": "profile", "personal": {"lastname": "Doe"}},
]
ACCEPTED = [(202, event["id"], "accepted") for event in EVENTS]


@pytest.fixture(name="brand", scope="module")
def _brand(world: World) -> Iterator[Brand]:
    brand = Brand(
        *(world.endpoints, world.liveperson, ACCOUNT), survey=True, survey_questions=["How was it?"]
    )
    yield brand
    brand.close()


@pytest.fixture(name="callbacks", scope="module")
def _callbacks(brand: Brand) -> list[Object]:
    """Let a conversation happen in which the channel is told everything there is to tell."""
    talk = brand.open("listener", conversation=CONVERSATION)
    talk.agent("joins")
    _agent_says_everything(talk)
    talk.agent("typing", "COMPOSING")
    talk.agent("receipt", [0], "READ")
    talk.sends("receipt", status="read", sequences=[99])  # there is none: it fails
    talk.is_told("typing")
    talk.is_told("receipt")
    talk.is_told("failed")
    talk.agent("transfer", "4712")
    talk.agent("joins")
    talk.sends("close")
    eventually(
        lambda: any(each["dialog_type"] == "post_survey" for each in talk.told("message")),
        what="the survey",
    )
    talk.sends("close")
    eventually(
        lambda: any(each["event"] == "closed" for each in talk.told("conversation")), what="the end"
    )
    _operator_looks(brand)
    return [each.body for each in brand.channel.callbacks()]


def _operator_looks(brand: Brand) -> None:
    where = {
        "callback_url": brand.channel.callback_url,
        "signing_secret": brand.signing_secret,
    }
    settings = ChannelSettings.parse(json.dumps(where), parameter="channel")
    assert ping(settings, ACCOUNT, "loopback") < 300


def _agent_says_everything(talk: Talk) -> None:
    text = {"type": "ContentEvent", "contentType": "text/plain", "message": "Ready?"}
    form = {"invitationId": "a55716-1", "title": "Credit card form"}
    card = {"type": "vertical", "elements": [{"type": "text", "text": "Straw hat"}]}
    said: list[Object] = [
        text,
        {**text, "quickReplies": QUICK_REPLIES},
        {"type": "RichContentEvent", "content": card},
        {"type": "RichContentEvent", "content": card, "quickReplies": QUICK_REPLIES},
        {**text, "contentType": "forms/secure-invitation", "message": form},
    ]
    for each in said:
        talk.agent_sends(each)
    talk.agent("file", base64_of(PICTURE), "PNG", "Look")
    talk.is_told("message", len(said) + 1)


def schema_of(callback: Object) -> str:
    """Name the schema of a callback."""
    return f"{callback['type'].capitalize()}Callback"


def test_there_is_a_callback_of_each_kind(callbacks: list[Object]) -> None:
    """What follows is shown by all of them."""
    contents = {each["content"]["type"] for each in callbacks if each["type"] == "message"}
    changes = {each["event"] for each in callbacks if each["type"] == "conversation"}

    assert CALLBACKS | {"ping"} == {each["type"] for each in callbacks}
    assert {"text", "rich", "file"} == contents
    assert {"opened", "agent_joined", "transferred", "closed"} == changes
    assert TYPES == {each["type"] for each in EVENTS}


# ── openapi-python-client ──


@pytest.fixture(name="client", scope="module")
def _client(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return python_client(tmp_path_factory.mktemp("python"))


def test_the_python_client_posts_every_event(client: ModuleType, brand: Brand) -> None:
    """Each is a model of its own, which has all of its fields."""
    where = brand.endpoints
    session = client.AuthenticatedClient(
        base_url=where.channel_api_url,
        token=where.channel_api_key,
        prefix="",
        auth_header_name="x-api-key",
        timeout=90,
    )
    post = client.api.consumer_events.accept_consumer_event.sync_detailed
    answers = []
    for event in EVENTS:
        model = getattr(client.models, f"ConsumerEvent{event['type'].capitalize()}")
        body = model.from_dict(event)
        assert event == body.to_dict()
        answer = post(brand.account_id, "python/+49", client=session, body=body)
        answers.append((int(answer.status_code), answer.parsed.id, answer.parsed.status))

    assert ACCEPTED == answers


def test_the_python_client_reads_every_callback(
    client: ModuleType, callbacks: list[Object]
) -> None:
    """With nothing left out, and with its content as a model."""
    for callback in callbacks:
        read = getattr(client.models, schema_of(callback)).from_dict(callback)
        assert callback == read.to_dict()
        if callback["type"] == "message":
            content = f"{callback['content']['type'].capitalize()}Content"
            assert content == type(read.content).__name__


# ── pydantic ──


@pytest.fixture(name="models", scope="module")
def _models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return pydantic_models(tmp_path_factory.mktemp("pydantic"))


def test_pydantic_models_post_every_event(models: ModuleType, brand: Brand) -> None:
    """Found by their type, with fields that the models do not name."""
    answers = []
    for event in EVENTS:
        model = models.ConsumerEvent.model_validate(event)
        assert event == model.model_dump(mode="json", exclude_unset=True)
        answer = requests.post(
            f"{brand.endpoints.channel_api_url}/accounts/{ACCOUNT}/consumers/pydantic/events",
            data=model.model_dump_json(exclude_unset=True).encode(),
            headers={"x-api-key": brand.endpoints.channel_api_key},
            timeout=90,
        )
        accepted = models.Accepted.model_validate_json(answer.content)
        answers.append((answer.status_code, accepted.id.root, accepted.status))

    assert ACCEPTED == answers


def test_pydantic_models_read_every_callback(models: ModuleType, callbacks: list[Object]) -> None:
    """Found by their type, with nothing left out."""
    for callback in callbacks:
        read = models.Callback.model_validate(callback)
        assert schema_of(callback) == type(read.root).__name__
        assert callback == read.model_dump(mode="json", exclude_unset=True)


# ── TypeScript ──


def test_the_typescript_client(tmp_path: Path, brand: Brand, callbacks: list[Object]) -> None:
    """It compiles with every event and every callback as it is, and not with mistakes; it posts."""
    if reason := why_no_typescript():
        pytest.skip(f"TypeScript: {reason}")
    typescript = TypeScript(tmp_path)
    where = brand.endpoints
    constants: dict[str, tuple[str, Any]] = {
        "address": ("string", where.channel_api_url),
        "key": ("string", where.channel_api_key),
        "account": ("string", ACCOUNT),
        "consumer": ("string", "typescript/+49"),
        "events": ('Schemas["ConsumerEvent"][]', EVENTS),
        "callbacks": ('Schemas["Callback"][]', callbacks),
    }
    typescript.write(constants)
    typescript.compile()

    assert ACCEPTED == [tuple(each) for each in typescript.run("post")]


def transcripts(brand: Brand) -> str:
    """Return all that was said in the brand's conversations."""
    return json.dumps(brand.liveperson.conversations(ACCOUNT), ensure_ascii=False)


def test_the_requests_for_editors(brand: Brand, tmp_path: Path) -> None:
    """Each gets the answer that its own check names; the agent's picture reaches the channel."""
    if reason := npm.why_not(HTTPYAC):
        pytest.skip(f"httpYac: {reason}")
    shutil.copytree(PROJECT / "docs/requests", tmp_path, dirs_exist_ok=True)
    where = {
        **asdict(brand.endpoints),
        "account_id": ACCOUNT,
        "channel_url": brand.channel.url,
        "channel_callback_url": brand.channel.callback_url,
        "channel_signing_secret": brand.signing_secret,
        "liveperson_url": brand.liveperson.url,
    }
    variables = tmp_path / "http-client.private.env.json"
    variables.write_text(json.dumps({"sandbox": where}))
    program = npm.installed(HTTPYAC) / ".bin" / "httpyac"

    def send(file: str, *which: str) -> None:
        quiet = ("--output", "short", "--output-failed", "body")
        npm.run(program, "send", file, "--env", "sandbox", *quiet, *which, folder=tmp_path)

    def said(text: str) -> list[Object]:
        content = [each.get("content", {}) for each in brand.callbacks(EDITOR, "message")]
        return [each for each in content if text in (each.get("text"), each.get("caption"))]

    send("events.http", "--all")
    eventually(lambda: "Hello from an editor" in transcripts(brand), what="the text")
    send("callbacks.http", "--name", "agent_file")
    eventually(lambda: said("The parcel"), what="the agent's picture")
    send("callbacks.http", "--all")

    eventually(lambda: said("It is on its way"), what="the agent's text")
    assert said("Hello from a request")
