"""Telegram's adapter before python-telegram-bot, a client of the Bot API by other people."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update, WebhookInfo
from telegram.constants import (
    FileSizeLimit,
    FloodLimit,
    InlineKeyboardButtonLimit,
    MessageLimit,
)
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import BaseRequest, RequestData

from liveperson_connector.channel.adapters.interface import (
    Location,
    ProviderAnswer,
    Recipient,
    Text,
)
from liveperson_connector.channel.adapters.telegram import ADAPTER
from tests.support.adapters import ADDRESS, FILE_URL, Refusal, Sent, Webhook
from tests.support.adapters.telegram import SAMPLES, SETTINGS

CHAT = 5551234
MESSAGE = {"message_id": 70, "date": 1764280000, "chat": {"id": CHAT, "type": "private"}}
BUTTONS = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton("Red", callback_data="7.1")],
        [InlineKeyboardButton("Site", url="https://shop.example/")],
    ]
)


class Wire(BaseRequest):
    """Answers the library in Telegram's place, and keeps what it sent."""

    def __init__(self, status: int = 200, body: bytes = b'{"ok": true, "result": true}') -> None:
        self.answer = (status, body)
        self.sent: list[tuple[str, str, Any]] = []

    @property
    def read_timeout(self) -> float | None:
        """No time-out."""
        return None

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def do_request(  # type: ignore[override]
        self, url: str, method: str, request_data: RequestData | None = None, **_: Any
    ) -> tuple[int, bytes]:
        """Keep a request."""
        self.sent.append((method, url, request_data.parameters if request_data else {}))
        return self.answer


def library(wire: Wire) -> Bot:
    """Return the library's client with the samples' token."""
    return Bot(SETTINGS["bot_token"], request=wire, get_updates_request=Wire())


LIBRARY_CALLS = {
    "text": lambda bot: bot.send_message(CHAT, "Grüße 👋"),
    "buttons": lambda bot: bot.send_message(CHAT, "Which?", reply_markup=BUTTONS),
    "picture": lambda bot: bot.send_photo(CHAT, FILE_URL, caption="Look"),
    "document": lambda bot: bot.send_document(CHAT, FILE_URL),
    "gif": lambda bot: bot.send_document(CHAT, FILE_URL),
    "location": lambda bot: bot.send_location(CHAT, 52.5163, 13.3777),
    "venue": lambda bot: bot.send_venue(CHAT, 52.5163, 13.3777, "Gate", "52.51630, 13.37770"),
    "typing": lambda bot: bot.send_chat_action(CHAT, "typing"),
}


@pytest.mark.parametrize("sent", [pytest.param(each, id=each.name) for each in SAMPLES.sent])
def test_library_sends_the_same_requests(sent: Sent) -> None:
    """Method, address and every parameter of each piece are those of another client."""
    wire = Wire(body=json.dumps({"ok": True, "result": MESSAGE}).encode())
    asyncio.run(LIBRARY_CALLS[sent.name](library(wire)))
    ours = ADAPTER.request(sent.piece, Recipient(str(CHAT), "key"), SETTINGS)

    assert [(ours.method, ours.url, json.loads(ours.body or b""))] == wire.sent


def test_library_sets_the_webhook_in_the_same_way() -> None:
    """setWebhook, getWebhookInfo, deleteWebhook and getMe."""
    wire = Wire()
    bot = library(wire)
    updates = ["message", "edited_message", "callback_query", "message_reaction"]
    asyncio.run(
        bot.set_webhook(ADDRESS, secret_token=SETTINGS["webhook_secret"], allowed_updates=updates)
    )
    asyncio.run(bot.delete_webhook())
    (register,) = ADAPTER.register(ADDRESS, SETTINGS)
    deregister = ADAPTER.deregister(ADDRESS, SETTINGS, None)
    assert deregister is not None

    ours = [(call.url, json.loads(call.body or b"")) for call in (register, deregister)]
    assert ours == [(url, said) for _, url, said in wire.sent]


def test_library_reads_the_webhook_as_we_do() -> None:
    """The address in its WebhookInfo is the one we find."""
    told = {"url": ADDRESS, "has_custom_certificate": False, "pending_update_count": 0}
    found = WebhookInfo.de_json(told, None)

    body = json.dumps({"ok": True, "result": told}).encode()
    assert (found.url,) == ADAPTER.registered(ProviderAnswer(200, {}, body))


@pytest.mark.parametrize(
    "webhook",
    [
        pytest.param(each, id=each.name)
        for each in (*SAMPLES.webhooks, *SAMPLES.ignored)
        if not each.name.startswith("unknown")
    ],
)
def test_library_reads_every_sample(webhook: Webhook) -> None:
    """Each sample is an update with no field that the Bot API does not have."""
    update = Update.de_json(json.loads(webhook.body), None)

    assert not update.api_kwargs
    assert update.update_id == json.loads(webhook.body)["update_id"]
    for content in (update.effective_message, update.callback_query, update.message_reaction):
        assert content is None or not content.api_kwargs
    for read in webhook.read:
        assert update.effective_user is not None
        assert read.display_name == update.effective_user.full_name
        assert read.person == str(update.effective_user.id)


ERRORS: dict[str, tuple[type[TelegramError], ...]] = {
    "blocked_by_user": (Forbidden,),
    "not_allowed": (Forbidden,),
    "unknown_recipient": (Forbidden, BadRequest),
    "invalid_message": (BadRequest, NetworkError),
    "bad_credentials": (InvalidToken,),
    "refused": (Conflict,),
}


@pytest.mark.parametrize("error", [pytest.param(each, id=each.name) for each in SAMPLES.errors])
def test_library_sorts_errors_as_we_do(error: Refusal) -> None:
    """What is over for it is over for us; what it waits for we wait for, as long as it does."""
    wire = Wire(error.answer.status, error.answer.body)
    with pytest.raises(TelegramError) as raised:
        asyncio.run(library(wire).send_message(CHAT, "Hello"))

    if error.means.outcome == "later":
        assert isinstance(raised.value, RetryAfter | NetworkError)
        if isinstance(raised.value, RetryAfter):
            assert raised.value._retry_after.total_seconds() == error.means.retry_after
    else:
        assert isinstance(raised.value, ERRORS[error.means.reason])


def test_library_knows_the_same_limits() -> None:
    """Lengths, sizes and rates."""
    can = ADAPTER.capabilities(SETTINGS)

    assert MessageLimit.MAX_TEXT_LENGTH == can.text == can.text_with_choices
    assert MessageLimit.CAPTION_LENGTH == can.caption
    assert InlineKeyboardButtonLimit.MAX_CALLBACK_DATA == can.choice_data
    assert {FileSizeLimit.FILESIZE_DOWNLOAD // 10**6} == {
        size // 1024**2 for size in can.consumer_files.values()
    }
    assert FloodLimit.MESSAGES_PER_SECOND == can.per_second
    assert FloodLimit.MESSAGES_PER_SECOND_PER_CHAT == can.per_chat_second


def test_numbers_in_json_are_numbers() -> None:
    """A chat's id and degrees are no texts, which Telegram would take as names."""
    call = ADAPTER.request(Location(1.5, 2.5), Recipient(str(CHAT), "key"), SETTINGS)
    text = ADAPTER.request(Text("12"), Recipient(str(CHAT), "key"), SETTINGS)

    assert {"chat_id": CHAT, "latitude": 1.5, "longitude": 2.5} == json.loads(call.body or b"")
    assert {"chat_id": CHAT, "text": "12"} == json.loads(text.body or b"")
