"""
Find what the connector stores of one consumer: table items, dead letters, agents' files.

The table items lead to everything else: to the consumer's conversations, and through them to the
notifications. So whatever an item leads to is erased before the item itself, and a second run can
finish an erasure that was interrupted.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from liveperson_connector.domain.pseudonyms import short
from liveperson_connector.domain.queue_messages import stable_id

from .dead_letters.queues import DeadLetter
from .stack import Stack

Item = Mapping[str, Any]

# Conditions per scan: an expression may have 4 KB.
_CONDITIONS = 40

# The order of deletion: first the kinds that lead to no other item.
_ORDER = ("hold", "notification", "event", "lp-consumer", "conversation", "consumer")

_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True)
class KnownConsumer:
    """
    What identifies a consumer in one account.

    ``items`` are the consumer's items in the table; ``erased`` are those that earlier searches
    found: what they led to is still recognised. ``channel`` names the consumer's ready channel.
    """

    account_id: str
    consumer_id: str
    key: str
    items: tuple[Item, ...] = ()
    erased: tuple[Item, ...] = ()
    channel: str = ""

    @cached_property
    def conversations(self) -> frozenset[str]:
        """The ids of the consumer's conversations, and of the survey dialogs in them."""
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
        """The message groups of the consumer's messages."""
        account_id = self.account_id
        conversations = (
            stable_id(account_id, each, *kind)
            for each in self.conversations
            for kind in ((), ("echo",))
        )
        events = stable_id(account_id, self.key)
        reports = stable_id(account_id, self.key, "report")
        # Failed events are told to an account's own channel alone.
        failures = () if self.channel else (stable_id(account_id, self.consumer_id, "failed"),)
        return frozenset({events, reports, *failures, *conversations})

    def is_about(self, letter: DeadLetter) -> bool:
        """
        Whether a dead letter belongs to the consumer.

        An unreadable one names no consumer. It belongs to this one if it contains an id by which
        LivePerson knows the consumer or one of the conversations.
        """
        if letter.received.group in self.groups:
            return True
        if names_no_consumer(letter):
            text = _text(letter)
            return any(each in text for each in self._ids)
        return letter.account_id == self.account_id and (
            (letter.consumer_id, letter.consumer) == (self.consumer_id, short(self.key))
            or letter.conversation_id in self.conversations
        )

    @cached_property
    def _ids(self) -> frozenset[str]:
        lp_consumers = {
            item["pk"].rpartition("#")[2]
            for item in (*self.items, *self.erased)
            if item["pk"].startswith("lp-consumer#")
        }
        return frozenset({self.key, *lp_consumers, *self.conversations})


def names_no_consumer(letter: DeadLetter) -> bool:
    """Whether a dead letter has neither a consumer id nor a conversation id."""
    return not (letter.consumer_id or letter.conversation_id)


def _text(letter: DeadLetter) -> str:
    """Return a dead letter's text; decode a webhook that was stored whole."""
    try:
        kept = base64.b64decode(str(letter.body["body_base64"])).decode(errors="replace")
    except (KeyError, ValueError):
        kept = ""
    return letter.received.body + kept


def _place(pk: str) -> tuple[int, str]:
    kind = pk.partition("#")[0]
    return _ORDER.index(kind) if kind in _ORDER else -1, pk


class ConsumerTable:
    """One consumer's items in the table."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("dynamodb")
        self._table = stack.table

    def find(self, known: KnownConsumer) -> KnownConsumer:
        """
        Return the consumer's present items: the consumer, the events, the conversations.

        Dialogs that are part of a conversation name no consumer: read all of the account.
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

    def keys_of(self, known: KnownConsumer) -> list[str]:
        """Return the keys of the consumer's items, in the order of deletion."""
        keys = {item["pk"] for item in known.items}
        keys |= set(self._notifications(known))
        keys |= set(self._existing([f"hold#{group}" for group in known.groups]))
        return sorted(keys, key=_place)

    def delete(self, pk: str) -> None:
        """Delete an item."""
        self._client.delete_item(TableName=self._table, Key={"pk": {"S": pk}})

    def _notifications(self, known: KnownConsumer) -> Iterator[str]:
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

    def _existing(self, keys: list[str]) -> Iterator[str]:
        for key in keys:
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": key}}, ProjectionExpression="pk"
            )
            if "Item" in answer:
                yield key


class ConsumerFiles:
    """The files that agents sent to one consumer."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("s3")
        self._bucket = stack.output("FilesBucketName")

    def of(self, known: KnownConsumer) -> list[str]:
        """Return the names of the files stored for the consumer."""
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
