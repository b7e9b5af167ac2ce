"""
The providers of ready channels: the sandbox's own stand-ins, without a network of their own.

They check every request as they do in the sandbox, and sign what they send; here they are given the
simulation's requests, and remember when a person saw what.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from liveperson_connector.channel.adapters.interface import WebhookRequest
from liveperson_connector.channel.provider_events import consumer_events
from liveperson_connector.channel.ready_channels import ReadyChannel
from sandbox.providers import stand_in
from sandbox.providers.stand_in import Seen, Webhook
from simulator.http_server import Answer, Request

from .fake_http import Call, Reply
from .fake_partners import REFUSED_WORD
from .scheduler import Scheduler

# What a provider answers to words that it will never take.
_NEVER: Mapping[str, Mapping[str, int]] = {"whatsapp": {"code": 131009}, "twilio": {"code": 21211}}


@dataclass
class Provider:
    """
    One ready channel of an account, at its provider; ``nth`` differs from all others'.

    ``shown`` is what its people see, and since when.
    """

    account_id: str
    name: str
    kind: str
    nth: int
    shown: list[tuple[float, Seen]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stand_in = stand_in(self.kind, port=None, nth=self.nth)
        self.stand_in.register(self.address)

    @property
    def address(self) -> str:
        """Where the connector takes the channel's webhooks."""
        return f"https://connector.example.com/accounts/{self.account_id}/channels/{self.name}"

    def parameter(self, *, receipts: bool) -> str:
        """Write the channel's parameter; the provider is called where it really is."""
        settings = {k: v for k, v in self.stand_in.settings.items() if k != "api_url"}
        receipts_by = "automatic" if receipts else "channel"
        known = {"kind": self.kind, "address": self.address, "receipts": receipts_by}
        return json.dumps({**known, **settings})

    @cached_property
    def channel(self) -> ReadyChannel:
        """The channel as the connector reads it."""
        text = self.parameter(receipts=False)
        return ReadyChannel.parse(
            text, account_id=self.account_id, name=self.name, parameter="channel"
        )

    @property
    def can_report(self) -> bool:
        """Whether it tells that a person has a message."""
        return "delivered" in self.channel.capabilities.reports

    def is_called(self, credentials: str) -> bool:
        """Whether these credentials of a request are the channel's."""
        return any(each in credentials for each in self.stand_in.settings.values() if len(each) > 9)

    def says(self, person: str, text: str) -> tuple[WebhookRequest, str]:
        """Let a person say something; return the webhook, and the id of the event in it."""
        request = self.request(self.stand_in.webhook(person, {"text": text}))
        [event] = consumer_events(
            self.channel, self.channel.adapter.read(request, self.channel.settings)
        )
        return request, event.id

    def reports(self, seen: Seen) -> WebhookRequest | None:
        """Tell that a person has a message; ``None`` if the provider tells no such thing."""
        if not self.can_report:
            return None
        return self.request(self.stand_in.report(seen.person, seen.id, "delivered"))

    def request(self, webhook: Webhook) -> WebhookRequest:
        """Send a webhook to the channel's address."""
        headers = {name.lower(): value for name, value in webhook.headers.items()}
        return WebhookRequest("POST", self.address, {}, headers, webhook.body)

    def unproven(self, person: str, text: str) -> WebhookRequest:
        """Let a stranger pretend that a person said something."""
        request = self.request(self.stand_in.webhook(person, {"text": text}))
        spoilt = {
            name: value[:-3] + value[:3] if "signature" in name or "token" in name else value
            for name, value in request.headers.items()
        }
        return replace(request, headers=spoilt)

    def serve(self, call: Call, now: float) -> tuple[Reply, list[Seen]]:
        """Answer a request; return what people see of it as well."""
        parts = urlsplit(call.url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {name.lower(): value for name, value in call.headers.items()}
        before = len(self.stand_in.seen())
        answer = (
            self.never()
            if REFUSED_WORD in unquote_plus(_text(call.body))
            else self.stand_in.answer(Request(call.method, target, headers, _bytes(call.body)))
        )
        new = self.stand_in.seen()[before:]
        self.shown += [(now, each) for each in new]
        return _reply(answer), new

    def never(self) -> Answer:
        """Refuse a message for good."""
        refuse: Any = self.stand_in.refusal
        refused: Answer = refuse(400, **_NEVER.get(self.kind, {}))
        return refused


class Providers:
    """All ready channels; a request finds its own by its credentials."""

    def __init__(self, kernel: Scheduler, providers: list[Provider]) -> None:
        self.all = providers
        self.calls: list[tuple[float, str, str]] = []
        self.problems: list[str] = []
        self.on_seen: Callable[[Provider, Seen], None] = lambda _provider, _seen: None
        self._kernel = kernel

    def __iter__(self) -> Iterator[Provider]:
        return iter(self.all)

    def of(self, account_id: str, name: str) -> Provider:
        """Find a channel by its account and its name."""
        return next(each for each in self.all if (each.account_id, each.name) == (account_id, name))

    def route(self, url: str, headers: Mapping[str, str]) -> tuple[str, str]:
        """Name the channel and the account of a request."""
        found = self._called(url, headers)
        return found.name, found.account_id

    @staticmethod
    def unlucky(_call: Call) -> bool:
        """Treat every request alike."""
        return False

    def refuse(self, call: Call, status: int, retry_after: int) -> Reply:
        """Refuse a request for now, in the provider's form."""
        return _reply(self.of(call.account_id, call.service).stand_in.refusal(status, retry_after))

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request as it leaves; what is returned does it, whenever it arrives."""
        self.calls.append((self._kernel.now, call.account_id, call.service))
        return lambda: self._serve(self.of(call.account_id, call.service), call)

    def _serve(self, provider: Provider, call: Call) -> Reply:
        reply, seen = provider.serve(call, self._kernel.now)
        if reply.status_code in (401, 404):
            self.problems.append(f"{provider.kind} does not know {call.method} of {call.service}")
        for each in seen:
            self.on_seen(provider, each)
        return reply

    def _called(self, url: str, headers: Mapping[str, str]) -> Provider:
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        shown = base64.b64decode(given).decode() if scheme == "Basic" else given
        return next(each for each in self.all if each.is_called(f"{url} {shown}"))


def _reply(answer: Answer) -> Reply:
    return Reply(answer.status, answer.payload(), answer.headers)


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def _text(body: Any) -> str:
    return _bytes(body).decode("utf-8", "replace")
