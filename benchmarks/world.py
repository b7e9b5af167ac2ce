"""
All that surrounds the functions, in a process of its own: AWS, LivePerson and a channel.

    python -m benchmarks.world 10 10000

Like the wire on which it builds it answers at once. It makes a table for each number of
conversations that it is given.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.domain.conversations import Consumer, Progress, text_digest
from liveperson_connector.domain.pseudonyms import consumer_key
from tests.simulation.table import Item, Table
from tests.support.accounts import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    SALT,
    SIGNING_SECRET,
)
from tests.support.tokens import app_jwt, consumer_jws

from .wire import Server, Wire, wire

LAST = "/last"
CALLBACKS = "/callbacks"

READY_CHANNEL, WEBHOOK_SECRET = "telegram", "the-secret-of-the-channels-webhook"


def world(*conversations: int) -> AbstractContextManager[Wire]:
    """Run a world while the block lasts, with a table for each number of conversations."""
    return wire("benchmarks.world", *map(str, conversations))


# ── Who lives in it ──


def table_name(conversations: int) -> str:
    """Name the table with so many conversations."""
    return f"conversations-{conversations}"


def consumer_id(number: int) -> str:
    """Name a consumer as the channel does."""
    return f"+4915{number:09}"


def key_of(number: int) -> str:
    """Give a consumer's pseudonym."""
    return consumer_key(SALT, ACCOUNT, consumer_id(number))


def conversation_id(number: int) -> str:
    """Name a consumer's open conversation."""
    return f"f2384f56-57d5-4087-bd47-{number:012}"


def _lp_consumer_id(number: int) -> str:
    return f"2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58{number:013}"


# ── In the process of its own ──


_NAMES = ("<consumer>", "<key>", "<lp>", "<conversation>")


def conversations(number: int) -> dict[str, Item]:
    """Return the items of ``number`` conversations, each as the connector would have written it."""
    stored = _one_conversation().items()
    return {
        _named(pk, each): json.loads(_named(json.dumps(item), each))
        for each in range(number)
        for pk, item in stored
    }


def _named(text: str, number: int) -> str:
    """Put the names of one conversation where the placeholders stand."""
    own = (consumer_id(number), key_of(number), _lp_consumer_id(number), conversation_id(number))
    for name, value in zip(_NAMES, own, strict=True):
        text = text.replace(name, value)
    return text


def _one_conversation() -> Mapping[str, Item]:
    """Let the connector remember a conversation with an agent in it, ten texts old."""
    table = Table()
    memory = ConversationStore(table, "any")  # type: ignore[arg-type]
    name, key, lp_id, conversation = _NAMES
    consumer = Consumer(ACCOUNT, name, key, lp_id, consumer_jws())
    memory.save_consumer(consumer)
    consumer = memory.save_opened(consumer, conversation, ())
    for sequence in range(10):
        known = memory.load_conversation(ACCOUNT, conversation)
        assert known
        memory.save_state(replace(known, agent_id="agent", skill_id="1", changed_at=sequence + 1))
        memory.save_echo(known, sequence, text_digest(f"Question {sequence}"))
        memory.save_sent(consumer, f"m-{sequence}", Progress(1, done=True), sequence)
    return {pk: item for pk, item in table.items.items() if not pk.startswith("event#")}


class _World(Server):
    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__()
        self._tables = tables
        self._last: dict[str, Any] = {}

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Answer for whoever is asked."""
        if path == LAST:
            return json.dumps(self._last).encode()
        service, _, operation = headers.get("x-amz-target", "").rpartition(".")
        if not operation:
            return json.dumps(self._partner(path, headers, body)).encode()
        if service.startswith("DynamoDB"):
            self.counts[operation] += 1
            return json.dumps(self._table(operation, json.loads(body))).encode()
        if operation == "GetParameter":
            self.counts[operation] += 1
            return json.dumps(self._parameter(json.loads(body)["Name"])).encode()
        return super().answer(path, headers, body)

    def _partner(self, path: str, headers: Mapping[str, str], body: bytes) -> object:
        what = path.partition("?")[0].rpartition("/")[2]
        self.counts[what] += 1
        if what == "baseURI.json":
            here = f"http://127.0.0.1:{self.port}"
            services = ("asyncMessagingEnt", "sentinel")
            return {"baseURIs": [{"service": each, "baseURI": here} for each in services]}
        if what == "token":
            return {"access_token": _fresh_app_jwt(path.split("/")[4])}
        self._last = {"path": path, "headers": dict(headers), "body": body.decode()}
        return {"code": "OK", "body": {"sequence": self.counts[what]}}

    def _table(self, operation: str, request: dict[str, Any]) -> Item:
        request.pop("ClientRequestToken", None)
        given = request.get("TransactItems") or request.get("RequestItems") or request
        name = request.get("TableName") or _table_in(given)
        method = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation)[1:]
        answer: Item = getattr(self._tables[name], method)(**request)
        return answer

    def _parameter(self, name: str) -> Item:
        return {"Parameter": {"Name": name, "Value": self._parameters()[name.rpartition("/")[2]]}}

    def _parameters(self) -> dict[str, str]:
        channel = {
            "callback_url": f"http://127.0.0.1:{self.port}{CALLBACKS}",
            "signing_secret": SIGNING_SECRET,
        }
        credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        bot = {"bot_token": f"123456:{'t' * 35}", "webhook_secret": WEBHOOK_SECRET}
        return {
            "channel": json.dumps(channel),
            "credentials": json.dumps(credentials),
            "app-jwt": _fresh_app_jwt(ACCOUNT),
            READY_CHANNEL: json.dumps({"kind": "telegram", **bot}),
        }


def _fresh_app_jwt(account_id: str) -> str:
    now = int(time.time())
    return app_jwt(aud=account_id, iat=now, exp=now + 3600)


def _table_in(given: Any) -> str:
    """Find the one table that a transaction or a batch is about."""
    if isinstance(given, list):
        ((_, write), *_) = given[0].items()
        return str(write["TableName"])
    (name,) = given
    return str(name)


def _main() -> None:
    tables = {table_name(number): Table(conversations(number)) for number in map(int, sys.argv[1:])}
    asyncio.run(_World(tables).serve())


if __name__ == "__main__":
    _main()
