"""
The connector's memory: one DynamoDB table with one key.

=========================================== ================================================
pk                                          holds
=========================================== ================================================
consumer#{account}#{key}                    a consumer: its ConsumerJWS, its open conversation
lp-consumer#{account}#{lp_consumer_id}      which consumer LivePerson means by this id
conversation#{account}#{conversation_id}    whose a conversation is, what was heard in it
event#{account}#{key}#{event_id}            how far a consumer event has come
notification#{account}#{identity}           a notification the channel has taken
lease#{name}                                somebody is doing this at the moment
=========================================== ================================================

Every item has ``expires_at`` (seconds since 1970). DynamoDB removes expired items in its own
time, so an expired item is treated as absent when read.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from ..cache import Clock
from ..conversations import NOTHING_SENT, Consumer, Conversation, Progress
from .clients import error_code, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TTL_ATTRIBUTE = "expires_at"

_DAY = 86_400

# LivePerson may resend for three days, a channel may repeat for four: a day on top of that.
DONE_SECONDS = 5 * _DAY

# A consumer who was silent for half a year is introduced again; LivePerson knows it by our id.
CONSUMER_SECONDS = 180 * _DAY

# Another channel's conversation: long enough to drop its messages with one read.
FOREIGN_SECONDS = 7 * _DAY

_MOST_ECHOES = 50

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

Item = dict[str, Any]


class Memory:
    """Reads and writes the table. Errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, table: str, *, clock: Clock = time.time) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    # ── Consumer to LivePerson ──

    def recall_event(
        self, account_id: str, key: str, event_id: str
    ) -> tuple[Consumer | None, Progress]:
        """Return the consumer, if it was introduced, and how far the event has come: one read."""
        consumer_pk = _consumer_pk(account_id, key)
        event_pk = _event_pk(account_id, key, event_id)
        items = self._get([consumer_pk, event_pk])
        found = items.get(consumer_pk)
        return (_consumer(account_id, key, found) if found else None), _progress(
            items.get(event_pk, {})
        )

    def recall_conversation(self, account_id: str, conversation_id: str) -> Conversation | None:
        """Return what is known of a conversation."""
        pk = _conversation_pk(account_id, conversation_id)
        item = self._get([pk]).get(pk)
        return _conversation(account_id, conversation_id, item) if item else None

    def introduced(self, consumer: Consumer) -> None:
        """Remember a consumer and the id LivePerson gave it."""
        expires_at = self._in(CONSUMER_SECONDS)
        item = {
            "pk": _consumer_pk(consumer.account_id, consumer.key),
            "consumer_id": consumer.consumer_id,
            "lp_consumer_id": consumer.lp_consumer_id,
            "consumer_jws": consumer.jws,
            "last_sequence": consumer.last_sequence,
            TTL_ATTRIBUTE: expires_at,
        }
        if consumer.conversation_id:
            item["conversation_id"] = consumer.conversation_id
        index = {
            "pk": _lp_consumer_pk(consumer.account_id, consumer.lp_consumer_id),
            "consumer_id": consumer.consumer_id,
            "consumer_key": consumer.key,
            TTL_ATTRIBUTE: expires_at,
        }
        self._transact([self._put(item), self._put(index)])

    def opened(self, consumer: Consumer, conversation_id: str) -> Consumer:
        """Remember that ``consumer`` opened a conversation; keep what was already heard in it."""
        self._transact(
            [
                self._claim(consumer, conversation_id),
                self._update(
                    _consumer_pk(consumer.account_id, consumer.key),
                    "SET conversation_id = :c, last_sequence = :s, expires_at = :e",
                    {
                        ":c": conversation_id,
                        ":s": NOTHING_SENT,
                        ":e": self._in(CONSUMER_SECONDS),
                    },
                ),
            ]
        )
        return replace(consumer, conversation_id=conversation_id, last_sequence=NOTHING_SENT)

    def sent(
        self, consumer: Consumer, event_id: str, progress: Progress, sequence: int | None
    ) -> Consumer:
        """Remember that LivePerson took a message of an event, and its sequence: one write."""
        last = consumer.last_sequence if sequence is None else sequence
        self._transact(
            [
                self._put(self._progress_item(consumer, event_id, progress)),
                self._update(
                    _consumer_pk(consumer.account_id, consumer.key),
                    "SET last_sequence = :s, expires_at = :e",
                    {":s": last, ":e": self._in(CONSUMER_SECONDS)},
                ),
            ]
        )
        return replace(consumer, last_sequence=last)

    def note_progress(self, consumer: Consumer, event_id: str, progress: Progress) -> None:
        """Remember what a failed try of an event came to."""
        self._write(self._put(self._progress_item(consumer, event_id, progress)))

    # ── LivePerson to consumer ──

    def recall_notification(
        self, account_id: str, conversation_id: str, identity: str | None, lp_ids: Iterable[str]
    ) -> tuple[Conversation | None, bool, Conversation | None]:
        """
        Return what is known of a notification's conversation, with one read.

        That is: the conversation, if known; whether the channel has taken this notification; and,
        if one of ``lp_ids`` is a consumer of ours, the conversation as it would be remembered as
        this consumer's.
        """
        conversation_pk = _conversation_pk(account_id, conversation_id)
        done_pk = _notification_pk(account_id, identity) if identity else None
        consumers = {_lp_consumer_pk(account_id, each): each for each in lp_ids if each}
        items = self._get([conversation_pk, *([done_pk] if done_pk else []), *consumers])
        known = items.get(conversation_pk)
        claims = [
            Conversation(
                account_id,
                conversation_id,
                consumer_id=items[pk]["consumer_id"],
                consumer_key=items[pk]["consumer_key"],
                lp_consumer_id=lp_id,
            )
            for pk, lp_id in consumers.items()
            if pk in items
        ]
        return (
            _conversation(account_id, conversation_id, known) if known else None,
            done_pk in items,
            claims[0] if claims else None,
        )

    def adopt(self, conversation: Conversation, *, is_current: bool) -> None:
        """
        Remember a conversation that a webhook says is our consumer's.

        ``is_current`` says it is the consumer's open one now, so the next event goes there.
        """
        pk = _consumer_pk(conversation.account_id, conversation.consumer_key)
        self._write(self._claim(conversation, conversation.conversation_id, conversation.is_open))
        if not conversation.is_open:
            return
        free = "attribute_not_exists(conversation_id)"
        if is_current:
            free = f"({free} OR conversation_id <> :c)"
        self._write(
            self._update(
                pk,
                "SET conversation_id = :c, last_sequence = :s",
                {":c": conversation.conversation_id, ":s": NOTHING_SENT},
                f"attribute_exists(pk) AND {free}",
            )
        )

    def foreign(self, account_id: str, conversation_id: str) -> None:
        """Remember that a conversation is another channel's, unless it turned out to be ours."""
        item = {
            "pk": _conversation_pk(account_id, conversation_id),
            TTL_ATTRIBUTE: self._in(FOREIGN_SECONDS),
        }
        self._write(self._put(item, "attribute_not_exists(pk)"))

    def closed(self, conversation: Conversation) -> None:
        """Remember that a conversation is over; the consumer's next event opens another."""
        self._write(
            self._update(
                _conversation_pk(conversation.account_id, conversation.conversation_id),
                "SET is_open = :no, expires_at = :e",
                {":no": False, ":e": self._in(CONSUMER_SECONDS)},
            )
        )
        self._write(
            self._update(
                _consumer_pk(conversation.account_id, conversation.consumer_key),
                "REMOVE conversation_id",
                {":c": conversation.conversation_id},
                "conversation_id = :c",
            )
        )

    def heard(self, conversation: Conversation, sequence: int, digest: str) -> None:
        """Remember an echo of what the consumer said."""
        echoes = [each for each in conversation.echoes if each[0] != sequence]
        kept = [list(each) for each in [*echoes, (sequence, digest)][-_MOST_ECHOES:]]
        self._write(
            self._update(
                _conversation_pk(conversation.account_id, conversation.conversation_id),
                "SET echoes = :h, expires_at = :e",
                {":h": kept, ":e": self._in(CONSUMER_SECONDS)},
            )
        )

    def delivered(self, account_id: str, identity: str) -> None:
        """Remember that the channel has taken a notification: one write."""
        item = {
            "pk": _notification_pk(account_id, identity),
            TTL_ATTRIBUTE: self._in(DONE_SECONDS),
        }
        self._write(self._put(item))

    # ── One at a time ──

    def lease(self, name: str, seconds: int) -> bool:
        """Take ``name`` for ``seconds``; false if somebody has it."""
        item = {"pk": f"lease#{name}", TTL_ATTRIBUTE: self._in(seconds)}
        values = {":now": int(self._clock())}
        return self._write(
            self._put(item, "attribute_not_exists(pk) OR expires_at <= :now", values)
        )

    # ── How ──

    def _get(self, pks: list[str]) -> dict[str, Item]:
        """Read items by key, all with one call; expired ones are absent."""
        with translated("reading the table"):
            answer = self._client.batch_get_item(
                RequestItems={
                    self._table: {"Keys": [_key(pk) for pk in pks], "ConsistentRead": True}
                }
            )
            items = [_plain(each) for each in answer["Responses"].get(self._table, [])]
            if answer.get("UnprocessedKeys"):
                items += self._get_rest(pks, items)
        now = self._clock()
        return {item["pk"]: item for item in items if item.get(TTL_ATTRIBUTE, now + 1) > now}

    def _get_rest(self, pks: list[str], items: list[Item]) -> list[Item]:
        """Read one by one what a throttled batch left out: a gap must not pass for an absence."""
        had = {item["pk"] for item in items}
        answers = [
            self._client.get_item(TableName=self._table, Key=_key(pk), ConsistentRead=True)
            for pk in pks
            if pk not in had
        ]
        return [_plain(answer["Item"]) for answer in answers if "Item" in answer]

    def _claim(
        self, owner: Consumer | Conversation, conversation_id: str, is_open: bool = True
    ) -> Item:
        key = owner.key if isinstance(owner, Consumer) else owner.consumer_key
        return self._update(
            _conversation_pk(owner.account_id, conversation_id),
            "SET consumer_id = :i, consumer_key = :k, lp_consumer_id = :l, "
            "is_open = if_not_exists(is_open, :o), expires_at = :e",
            {
                ":i": owner.consumer_id,
                ":k": key,
                ":l": owner.lp_consumer_id,
                ":o": is_open,
                ":e": self._in(CONSUMER_SECONDS),
            },
        )

    def _progress_item(self, consumer: Consumer, event_id: str, progress: Progress) -> Item:
        item: Item = {
            "pk": _event_pk(consumer.account_id, consumer.key, event_id),
            "parts_sent": progress.parts_sent,
            "done": progress.done,
            "settled_receives": progress.settled_receives,
            TTL_ATTRIBUTE: self._in(DONE_SECONDS),
        }
        if progress.ambiguous_at is not None:
            item["ambiguous_at"] = Decimal(str(round(progress.ambiguous_at, 3)))
        return item

    def _put(
        self, item: Item, condition: str = "", values: Mapping[str, object] | None = None
    ) -> Item:
        request: Item = {"TableName": self._table, "Item": _stored(item)}
        return {"Put": _with_condition(request, condition, values or {})}

    def _update(
        self, pk: str, expression: str, values: Mapping[str, object], condition: str = ""
    ) -> Item:
        request: Item = {
            "TableName": self._table,
            "Key": _key(pk),
            "UpdateExpression": expression,
        }
        return {"Update": _with_condition(request, condition, values)}

    def _transact(self, writes: list[Item]) -> None:
        with translated("writing to the table"):
            self._client.transact_write_items(TransactItems=writes)  # type: ignore[arg-type]

    def _write(self, write: Item) -> bool:
        """Do one write; false if its condition did not hold."""
        try:
            with translated("writing to the table"):
                return self._write_one(write)
        except _ConditionFailed:
            return False

    def _write_one(self, write: Item) -> bool:
        try:
            if "Put" in write:
                self._client.put_item(**write["Put"])
            else:
                self._client.update_item(**write["Update"])
        except ClientError as failure:
            if error_code(failure) == "ConditionalCheckFailedException":
                raise _ConditionFailed from None
            raise
        return True

    def _in(self, seconds: int) -> int:
        return int(self._clock()) + seconds


class _ConditionFailed(Exception):
    """A conditional write found the condition false."""


def _with_condition(request: Item, condition: str, values: Mapping[str, object]) -> Item:
    if condition:
        request["ConditionExpression"] = condition
    if values:
        request["ExpressionAttributeValues"] = _stored(values)
    return request


def _consumer(account_id: str, key: str, item: Item) -> Consumer:
    return Consumer(
        account_id=account_id,
        consumer_id=item["consumer_id"],
        key=key,
        lp_consumer_id=item["lp_consumer_id"],
        jws=item["consumer_jws"],
        conversation_id=item.get("conversation_id"),
        last_sequence=int(item.get("last_sequence", NOTHING_SENT)),
    )


def _conversation(account_id: str, conversation_id: str, item: Item) -> Conversation:
    return Conversation(
        account_id=account_id,
        conversation_id=conversation_id,
        consumer_id=item.get("consumer_id", ""),
        consumer_key=item.get("consumer_key", ""),
        lp_consumer_id=item.get("lp_consumer_id", ""),
        is_open=item.get("is_open", True),
        echoes=tuple((int(sequence), digest) for sequence, digest in item.get("echoes", [])),
    )


def _progress(item: Item) -> Progress:
    ambiguous_at = item.get("ambiguous_at")
    return Progress(
        parts_sent=int(item.get("parts_sent", 0)),
        done=bool(item.get("done", False)),
        settled_receives=int(item.get("settled_receives", 0)),
        ambiguous_at=None if ambiguous_at is None else float(ambiguous_at),
    )


def _stored(values: Mapping[str, object]) -> Item:
    return {name: _serialize(value) for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in item.items()}


def _key(pk: str) -> Item:
    return {"pk": {"S": pk}}


def _consumer_pk(account_id: str, key: str) -> str:
    return f"consumer#{account_id}#{key}"


def _lp_consumer_pk(account_id: str, lp_consumer_id: str) -> str:
    return f"lp-consumer#{account_id}#{lp_consumer_id}"


def _conversation_pk(account_id: str, conversation_id: str) -> str:
    return f"conversation#{account_id}#{conversation_id}"


def _event_pk(account_id: str, key: str, event_id: str) -> str:
    return f"event#{account_id}#{key}#{event_id}"


def _notification_pk(account_id: str, identity: str) -> str:
    return f"notification#{account_id}#{identity}"
