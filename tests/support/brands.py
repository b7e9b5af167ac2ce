"""Brands in a deployed stack, each an account of its own with its own channel, and their talks."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from liveperson_connector.channel import contract
from liveperson_connector.liveperson import signatures
from sandbox.account import Account, new_signing_secret, write_parameters
from sandbox.aws import Aws
from sandbox.channel import Callback, ConnectorClient, DemoChannel, FileHost
from sandbox.demo.pictures import png
from sandbox.endpoints import Endpoints
from simulator import SimulatedLivePerson

from .webhooks import notification

Object = dict[str, Any]

PATIENCE_SECONDS = 60.0
PICTURE = png(0, 128, 128)


class Brand:
    """
    An account, written down as an operator does it.

    ``channel`` are fields of its channel parameter; the rest are switches of the simulator.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        liveperson: SimulatedLivePerson,
        account_id: str,
        channel: Object | None = None,
        **switches: Any,
    ) -> None:
        self.endpoints, self.liveperson, self.account_id = endpoints, liveperson, account_id
        self.signing_secret = new_signing_secret()
        self.channel = DemoChannel(self.signing_secret)
        self.channel.start()
        account = Account(
            account_id,
            client_id=f"client-of-{account_id}",
            callback_url=self.channel.callback_url,
            signing_secret=self.signing_secret,
        )
        liveperson.add_account(
            *(account_id, account.client_id, account.client_secret),
            webhook_url=endpoints.webhook_url,
            **switches,
        )
        self._write_down(account, channel or {})
        self.client = ConnectorClient(
            endpoints.channel_api_url, endpoints.channel_api_key, account_id
        )
        eventually(lambda: self._is_known(account), what=f"{account_id} is known")

    def close(self) -> None:
        """Stop its channel; what is still to come for it would only be tried again."""
        self.liveperson.set_webhook_url(self.account_id, None)
        self.channel.stop()

    def open(self, consumer_id: str, **event: Any) -> Talk:
        """Let a consumer open a conversation, with words that no other consumer says."""
        words = f"Hello, this is {consumer_id}"
        talk = Talk(self, consumer_id)
        talk.sends("text", text=words, **event)
        talk.conversation_id = eventually(lambda: self._where(words), what=f"{words} arrives")
        return talk

    def callbacks(self, consumer_id: str, kind: str = "") -> list[Object]:
        """Return what the channel took for a consumer, in order."""
        return [
            each.body
            for each in self.channel.callbacks()
            if each.accepted
            and each.body["consumer_id"] == consumer_id
            and kind in ("", each.body["type"])
        ]

    def requests(self, service: str) -> list[Object]:
        """Return what LivePerson was asked for this account."""
        return self.liveperson.requests(service, self.account_id, limit=2_000)

    def violations(self) -> list[str]:
        """Return what a strict reader of LivePerson's pages would refuse of what we sent."""
        found = self.liveperson.violations()
        return [each["reason"] for each in found if each["account_id"] == self.account_id]

    def _is_known(self, account: Account) -> bool:
        """
        Whether both intakes know the account, asked with what changes nothing.

        Of many accounts that are new within half a minute they look only a few up at once.
        """
        nothing = notification()
        headers = {
            signatures.ACCOUNT_HEADER: self.account_id,
            signatures.CLIENT_HEADER: account.client_id,
            signatures.SIGNATURE_HEADER: signatures.sign(account.client_secret, nothing),
        }
        webhook = requests.post(self.endpoints.webhook_url, nothing, headers=headers, timeout=90)
        event = self.client.send_event("nobody", "typing", state="gone")
        return (200, 202) == (webhook.status_code, event.status)

    def _where(self, words: str) -> str:
        for each in self.liveperson.conversations(self.account_id):
            if any(line.get("text") == words for line in each["transcript"]):
                return str(each["conversation_id"])
        return ""

    def _write_down(self, account: Account, channel: Object) -> None:
        aws, stack = Aws(self.endpoints.aws_endpoint_url), self.endpoints.stack_name
        write_parameters(aws, stack, account)
        if channel:
            name = f"/{stack}/accounts/{account.account_id}/channel"
            written = aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
            aws.ssm.put_parameter(
                Name=name,
                Value=json.dumps({**json.loads(written), **channel}),
                Type="SecureString",
                Overwrite=True,
            )


class Talk:
    """One consumer's conversation with a brand, seen from both ends."""

    def __init__(self, brand: Brand, consumer_id: str) -> None:
        self.brand, self.consumer_id, self.conversation_id = brand, consumer_id, ""

    # The consumer, at the channel

    def sends(self, kind: str, event_id: str = "", /, **fields: Any) -> str:
        """Send an event, which is accepted; return its id."""
        event = {"id": event_id or uuid.uuid4().hex, "type": kind, **fields}
        answer = self.brand.client.send(self.consumer_id, event)
        assert (202, {"id": event["id"], "status": "accepted"}) == (answer.status, answer.document)
        return str(event["id"])

    def told(self, kind: str = "") -> list[Object]:
        """Return the callbacks for the consumer."""
        return self.brand.callbacks(self.consumer_id, kind)

    def is_told(self, kind: str, count: int = 1) -> list[Object]:
        """Wait until the channel has so many callbacks of a kind, and return them."""
        what = f"{count} callbacks of type {kind} for {self.consumer_id}"
        return _so_many(count, lambda: self.told(kind), what)

    # The agent, at LivePerson

    def agent(self, action: str, *arguments: Any, **named: Any) -> Any:
        """Do as an agent what the simulator offers, for example ``text`` or ``joins``."""
        act = getattr(self.brand.liveperson, _ACTIONS.get(action, f"agent_{action}"))
        return act(self.brand.account_id, self.conversation_id, *arguments, **named)

    def agent_sends(self, event: Object, **how: Any) -> Object:
        """Let the agent send an event; return the message callback that comes of it."""
        before = len(self.told("message"))
        self.agent("event", event, **how)
        return self.is_told("message", before + 1)[before]

    def conversation(self) -> Object:
        """Return the conversation as LivePerson has it."""
        every = self.brand.liveperson.conversations(self.brand.account_id)
        return next(each for each in every if each["conversation_id"] == self.conversation_id)

    def lines(self) -> list[Object]:
        """Return what LivePerson has of the consumer in this conversation."""
        return [each for each in self.conversation()["transcript"] if each["role"] == "CONSUMER"]

    def events(self) -> list[Object]:
        """Return the consumer's events as LivePerson has them, plain texts as their words."""
        return [each.get("event") or {"text": each["text"]} for each in self.lines()]

    def has_events(self, count: int) -> list[Object]:
        """Wait until LivePerson has so many of the consumer's events, and return them."""
        what = f"{count} events of {self.consumer_id} at LivePerson"
        return _so_many(count, self.events, what)

    def requests(self, kind: str = "") -> list[Object]:
        """Return the bodies of the requests for this conversation, of one type or of all."""
        bodies = [each["body"] for each in self.brand.requests("send")]
        return [
            each
            for each in bodies
            if each["body"].get("conversationId") == self.conversation_id
            and kind in ("", each["type"])
        ]

    def is_asked(self, kind: str, count: int = 1) -> list[Object]:
        """Wait for so many requests of a type for this conversation, and return them."""
        what = f"{count} requests of type {kind} for {self.consumer_id}"
        return _so_many(count, lambda: self.requests(kind), what)


_ACTIONS = {"transfer": "transfer", "close": "close", "survey": "start_survey"}


def eventually(look: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Look until there is something to see, and return it; or fail saying ``what`` is missing."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return seen


def _so_many(count: int, look: Callable[[], list[Object]], what: str) -> list[Object]:
    found: list[Object] = eventually(lambda: seen if len(seen := look()) >= count else [], what)
    return found


def without_ids(request: Object) -> Object:
    """Return a request without its own id, which is new each time."""
    assert request["id"]
    return {name: value for name, value in request.items() if name != "id"}


def breaks_contract(callbacks: list[Callback]) -> list[str]:
    """Return what is wrong with callbacks: their signatures, and their form by the contract."""
    bodies = [each.body for each in callbacks]
    return [
        *(each.problem for each in callbacks if each.problem),
        *(
            f"{body['type']}: {problem}"
            for body in bodies
            for problem in contract.problems(f"{body['type'].capitalize()}Callback", body)
        ),
    ]


def base64_of(content: bytes) -> str:
    """Write bytes as Base64."""
    return base64.b64encode(content).decode()


def file_host(endpoints: Endpoints) -> FileHost:
    """Make a web server for consumers' files that the deployed connector trusts."""
    return FileHost(Path(endpoints.loopback_certificate))
