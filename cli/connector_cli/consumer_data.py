"""
What the connector has of one consumer: items of the table, dead letters, agents' files.

The table's items lead to everything else: the consumer's conversations, and by them its
notifications. So what is found by an item is erased before it, and an erasure that was interrupted
is finished by another.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from liveperson_connector.domain.queue_messages import stable_id

from .letters import Letter
from .stack import Stack

Item = Mapping[str, Any]

# Conditions of one scan: an expression may have 4 KB.
_CONDITIONS = 40

# The order in which items are deleted: first what nothing else is found by.
_ORDER = ("hold", "notification", "event", "lp-consumer", "conversation", "consumer")

_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Known:
    """
    By what a consumer is recognised, in one account.

    ``items`` are those of the table, and ``erased`` those that were in it when it was looked at
    before: what they led to is recognised still.
    """

    account_id: str
    consumer_id: str
    key: str
    items: tuple[Item, ...] = ()
    erased: tuple[Item, ...] = ()

    @cached_property
    def conversations(self) -> frozenset[str]:
        """The ids of its conversations, and of the dialogs in them that surveys had."""
        found = set()
        for item in (*self.items, *self.erased):
            kind, _, rest = item["pk"].partition("#")
            if kind == "conversation":
                found.add(rest.partition("#")[2])
            for name in ("conversation_id", "last_conversation_id", "survey_dialog_id", "part_of"):
                found.add(str(item.get(name) or ""))
        return frozenset(found - {""})

    @cached_property
    def groups(self) -> frozenset[str]:
        """The groups in which its messages wait."""
        account_id = self.account_id
        conversations = (
            stable_id(account_id, each, *kind)
            for each in self.conversations
            for kind in ((), ("echo",))
        )
        events = stable_id(account_id, self.key)
        return frozenset(
            {events, stable_id(account_id, self.consumer_id, "failed"), *conversations}
        )

    def is_about(self, letter: Letter) -> bool:
        """
        Whether a dead letter is the consumer's.

        One that could not be read names nobody; then it is, if an id that LivePerson knows the
        consumer or one of its conversations by stands anywhere in it.
        """
        if letter.received.group in self.groups:
            return True
        if names_nobody(letter):
            text = _text(letter)
            return any(each in text for each in self._ids)
        return letter.account_id == self.account_id and (
            letter.consumer_id == self.consumer_id or letter.conversation_id in self.conversations
        )

    @cached_property
    def _ids(self) -> frozenset[str]:
        lp_consumers = {
            item["pk"].rpartition("#")[2]
            for item in (*self.items, *self.erased)
            if item["pk"].startswith("lp-consumer#")
        }
        return frozenset({self.key, *lp_consumers, *self.conversations})


def names_nobody(letter: Letter) -> bool:
    """Whether a letter says neither whose it is nor which conversation it belongs to."""
    return not (letter.consumer_id or letter.conversation_id)


def _text(letter: Letter) -> str:
    """Return what a letter says, a webhook that was kept whole decoded."""
    try:
        kept = base64.b64decode(str(letter.body["body_base64"])).decode(errors="replace")
    except (KeyError, ValueError):
        kept = ""
    return letter.received.body + kept


def _place(pk: str) -> tuple[int, str]:
    kind = pk.partition("#")[0]
    return _ORDER.index(kind) if kind in _ORDER else -1, pk


class ConsumerTable:
    """The table, as far as it is about one consumer."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("dynamodb")
        self._table = stack.table

    def find(self, known: Known) -> Known:
        """
        Return what the table has now of a consumer: itself, its events, its conversations.

        Dialogs that are part of a conversation name no consumer: all of the account are read.
        """
        found = list(
            self._scan(
                "begins_with(pk, :consumer) OR begins_with(pk, :event) OR consumer_key = :key"
                " OR (begins_with(pk, :dialog) AND attribute_exists(part_of))",
                {
                    ":consumer": f"consumer#{known.account_id}#{known.key}",
                    ":event": f"event#{known.account_id}#{known.key}#",
                    ":key": known.key,
                    ":dialog": f"conversation#{known.account_id}#",
                },
            )
        )
        earlier = (*known.erased, *known.items)
        own = [item for item in found if "part_of" not in item]
        conversations = replace(known, items=tuple(own), erased=earlier).conversations
        parts = [item for item in found if item.get("part_of") in conversations]
        return replace(known, items=(*own, *parts), erased=earlier)

    def keys_of(self, known: Known) -> list[str]:
        """Return the keys of the consumer's items, in the order in which they may be deleted."""
        keys = {item["pk"] for item in known.items}
        keys |= set(self._notifications(known))
        keys |= set(self._that_exist([f"hold#{group}" for group in known.groups]))
        return sorted(keys, key=_place)

    def delete(self, pk: str) -> None:
        """Delete an item."""
        self._client.delete_item(TableName=self._table, Key={"pk": {"S": pk}})

    def _notifications(self, known: Known) -> Iterator[str]:
        wanted = sorted(known.conversations)
        for start in range(0, len(wanted), _CONDITIONS):
            prefixes = {
                f":n{index}": f"notification#{known.account_id}#{each}:"
                for index, each in enumerate(wanted[start : start + _CONDITIONS])
            }
            condition = " OR ".join(f"begins_with(pk, {name})" for name in prefixes)
            yield from (item["pk"] for item in self._scan(condition, prefixes))

    def _scan(self, condition: str, values: Mapping[str, str]) -> Iterator[Item]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression=condition,
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield {name: _deserialize(value) for name, value in item.items()}

    def _that_exist(self, keys: list[str]) -> Iterator[str]:
        for key in keys:
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": key}}, ProjectionExpression="pk"
            )
            if "Item" in answer:
                yield key


class ConsumerFiles:
    """The files that agents sent, as far as they are for one consumer."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("s3")
        self._bucket = stack.output("FilesBucketName")

    def of(self, known: Known) -> list[str]:
        """Return the names of the files that were kept for the consumer."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{known.account_id}/"
        )
        names = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return [each for each in names if self._consumer(each) == known.key]

    def delete(self, name: str) -> None:
        """Delete a file."""
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def _consumer(self, name: str) -> str:
        found = self._client.head_object(Bucket=self._bucket, Key=name)
        return str(found["Metadata"].get("consumer", ""))
