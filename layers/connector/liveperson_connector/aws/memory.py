"""
The connector's memory: one DynamoDB table with one key.

=========================================== ================================================
pk                                          holds
=========================================== ================================================
consumer#{account}#{key}                    a consumer: its ConsumerJWS, its open conversation
lp-consumer#{account}#{lp_consumer_id}      which consumer LivePerson means by this id
conversation#{account}#{conversation_id}    whose a conversation is, its state, what was heard
conversation#{account}#{survey_dialog_id}   which conversation a survey's dialog is part of
event#{account}#{key}#{event_id}            how far a consumer event has come
notification#{account}#{identity}           a notification the channel has taken
outage#{account}#{destination}              a destination that fails, and when to look again
hold#{group}                                a group whose dead letters are yet to come back
tries#{message}                             how often a message failed
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
from ..conversations import (
    NOTHING_SENT,
    Consumer,
    Conversation,
    EventRecall,
    NotificationRecall,
    Progress,
)
from ..outages import FORGET_SECONDS, Outage
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

# A held group is let go when nothing was heard of its dead letters for two runs of redrive.
HOLD_SECONDS = 2 * 3600 + 600

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

    def recall_event(self, account_id: str, key: str, event_id: str, group: str) -> EventRecall:
        """Return what is known of an event, with one read."""
        consumer_pk = _consumer_pk(account_id, key)
        event_pk = _event_pk(account_id, key, event_id)
        outage_pk, hold_pk = _outage_pk(account_id, "liveperson"), _hold_pk(group)
        items = self._get([consumer_pk, event_pk, outage_pk, hold_pk])
        found = items.get(consumer_pk)
        return EventRecall(
            consumer=_consumer(account_id, key, found) if found else None,
            progress=_progress(items.get(event_pk, {})),
            outage=_outage(items.get(outage_pk)),
            is_held=hold_pk in items,
        )

    def recall_consumer(self, account_id: str, key: str) -> Consumer | None:
        """Return what is known of a consumer."""
        pk = _consumer_pk(account_id, key)
        item = self._get([pk]).get(pk)
        return _consumer(account_id, key, item) if item else None

    def recall_conversation(self, account_id: str, conversation_id: str) -> Conversation | None:
        """Return what is known of a conversation."""
        pk = _conversation_pk(account_id, conversation_id)
        item = self._get([pk]).get(pk)
        return _conversation(account_id, conversation_id, item) if item else None

    def introduced(self, consumer: Consumer) -> None:
        """Remember a consumer's ConsumerJWS and the id LivePerson gave it."""
        expires_at = self._in(CONSUMER_SECONDS)
        index = {
            "pk": _lp_consumer_pk(consumer.account_id, consumer.lp_consumer_id),
            "consumer_id": consumer.consumer_id,
            "consumer_key": consumer.key,
            TTL_ATTRIBUTE: expires_at,
        }
        self._transact(
            [
                self._set(
                    _consumer_pk(consumer.account_id, consumer.key),
                    {
                        "consumer_id": consumer.consumer_id,
                        "lp_consumer_id": consumer.lp_consumer_id,
                        "consumer_jws": consumer.jws,
                        TTL_ATTRIBUTE: expires_at,
                    },
                ),
                self._put(index),
            ]
        )

    def opened(
        self, consumer: Consumer, conversation_id: str, features: tuple[str, ...]
    ) -> Consumer:
        """Remember that ``consumer`` opened a conversation; keep what was already heard in it."""
        now = {
            "conversation_id": conversation_id,
            "last_conversation_id": conversation_id,
            "survey_dialog_id": "",
            "last_sequence": NOTHING_SENT,
            "features": list(features),
        }
        self._transact(
            [
                self._claim(consumer, conversation_id),
                self._set(_consumer_pk(consumer.account_id, consumer.key), now),
            ]
        )
        return replace(
            consumer,
            conversation_id=conversation_id,
            last_conversation_id=conversation_id,
            survey_dialog_id=None,
            last_sequence=NOTHING_SENT,
            features=features,
        )

    def composing(self, consumer: Consumer, since: float | None) -> Consumer:
        """Remember since when a consumer types, none if it stopped."""
        pk = _consumer_pk(consumer.account_id, consumer.key)
        stored = _decimal(since) if since is not None else 0
        self._write(self._set(pk, {"composing_since": stored}, "attribute_exists(pk)"))
        return replace(consumer, composing_since=since)

    def visited(self, consumer: Consumer, visitor_id: str, session_id: str) -> Consumer:
        """Remember the ids under which the Monitoring API knows a consumer."""
        pk = _consumer_pk(consumer.account_id, consumer.key)
        self._write(self._set(pk, {"visitor_id": visitor_id, "session_id": session_id}))
        return replace(consumer, visitor_id=visitor_id, session_id=session_id)

    def sent(
        self, consumer: Consumer, event_id: str, progress: Progress, sequence: int | None
    ) -> Consumer:
        """Remember that LivePerson took a message of an event, and its sequence: one write."""
        last = consumer.last_sequence if sequence is None else sequence
        self._transact(
            [
                self._put(self._progress_item(consumer, event_id, progress)),
                self._set(
                    _consumer_pk(consumer.account_id, consumer.key),
                    {"last_sequence": last, TTL_ATTRIBUTE: self._in(CONSUMER_SECONDS)},
                ),
            ]
        )
        return replace(consumer, last_sequence=last)

    def note_progress(self, consumer: Consumer, event_id: str, progress: Progress) -> None:
        """Remember what a failed try of an event came to."""
        self._write(self._put(self._progress_item(consumer, event_id, progress)))

    # ── LivePerson to consumer ──

    def recall_notification(
        self,
        account_id: str,
        conversation_id: str,
        identity: str | None,
        lp_ids: Iterable[str],
        group: str,
    ) -> NotificationRecall:
        """
        Return what is known of a notification, with one read.

        ``lp_ids`` are the consumers that it names.
        """
        conversation_pk = _conversation_pk(account_id, conversation_id)
        done_pk = _notification_pk(account_id, identity) if identity else ""
        outage_pk, hold_pk = _outage_pk(account_id, "channel"), _hold_pk(group)
        consumers = {_lp_consumer_pk(account_id, each): each for each in lp_ids if each}
        wanted = [conversation_pk, done_pk, outage_pk, hold_pk, *consumers]
        items = self._get([pk for pk in wanted if pk])
        known = items.get(conversation_pk)
        if known and "part_of" in known:  # a survey's dialog, in the form that names only dialogs
            return self.recall_notification(account_id, known["part_of"], identity, (), group)
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
        return NotificationRecall(
            conversation=_conversation(account_id, conversation_id, known) if known else None,
            claim=claims[0] if claims else None,
            was_delivered=done_pk in items,
            outage=_outage(items.get(outage_pk)),
            is_held=hold_pk in items,
        )

    def adopt(self, conversation: Conversation, *, is_current: bool) -> None:
        """
        Remember a conversation that a webhook says is our consumer's.

        ``is_current`` says it is the consumer's open one now, so the next event goes there.
        """
        self._write(self._claim(conversation, conversation.conversation_id, conversation.is_open))
        if not conversation.is_open:
            return
        values = {":none": ""}
        free = "attribute_not_exists(conversation_id) OR conversation_id = :none"
        if is_current:
            free += " OR conversation_id <> :now"
            values[":now"] = conversation.conversation_id
        self._write(
            self._set(
                _consumer_pk(conversation.account_id, conversation.consumer_key),
                {
                    "conversation_id": conversation.conversation_id,
                    "last_conversation_id": conversation.conversation_id,
                    "last_sequence": NOTHING_SENT,
                },
                f"attribute_exists(pk) AND ({free})",
                values,  # of one that is not used, DynamoDB makes an error
            )
        )

    def foreign(self, account_id: str, conversation_id: str) -> None:
        """Remember that a conversation is another channel's, unless it turned out to be ours."""
        item = {
            "pk": _conversation_pk(account_id, conversation_id),
            TTL_ATTRIBUTE: self._in(FOREIGN_SECONDS),
        }
        self._put_new(item)

    def followed(self, before: Conversation, now: Conversation) -> None:
        """Remember what changed in a conversation: its agent, skill, survey, or that it is over."""
        self._write(
            self._set(
                _conversation_pk(now.account_id, now.conversation_id),
                {
                    "is_open": now.is_open,
                    "agent_id": now.agent_id or "",
                    "skill_id": now.skill_id or "",
                    "survey_dialog_id": now.survey_dialog_id or "",
                    "changed_at": now.changed_at,
                    TTL_ATTRIBUTE: self._in(CONSUMER_SECONDS),
                },
            )
        )
        if (before.is_open, before.survey_dialog_id) != (now.is_open, now.survey_dialog_id):
            self._point(now)
        if now.survey_dialog_id and now.survey_dialog_id != before.survey_dialog_id:
            self._write(self._put(self._part_item(now, now.survey_dialog_id)))

    def _point(self, now: Conversation) -> None:
        """Let the consumer's next event go to the survey while one runs, nowhere after the end."""
        self._write(
            self._set(
                _consumer_pk(now.account_id, now.consumer_key),
                {
                    "conversation_id": now.conversation_id if now.is_open else "",
                    "survey_dialog_id": now.survey_dialog_id or "",
                    "last_sequence": NOTHING_SENT,  # a survey's dialog counts from 0 again
                },
                "conversation_id = :this",
                {":this": now.conversation_id},
            )
        )

    def _part_item(self, conversation: Conversation, dialog_id: str) -> Item:
        return {
            "pk": _conversation_pk(conversation.account_id, dialog_id),
            "part_of": conversation.conversation_id,
            TTL_ATTRIBUTE: self._in(CONSUMER_SECONDS),
        }

    def heard(self, conversation: Conversation, sequence: int, digest: str) -> None:
        """Remember an echo of what the consumer said."""
        echoes = [each for each in conversation.echoes if each[0] != sequence]
        kept = [list(each) for each in [*echoes, (sequence, digest)][-_MOST_ECHOES:]]
        self._write(
            self._set(
                _conversation_pk(conversation.account_id, conversation.conversation_id),
                {"echoes": kept, TTL_ATTRIBUTE: self._in(CONSUMER_SECONDS)},
            )
        )

    def delivered(self, account_id: str, identity: str) -> None:
        """Remember that the channel has taken a notification: one write."""
        item = {
            "pk": _notification_pk(account_id, identity),
            TTL_ATTRIBUTE: self._in(DONE_SECONDS),
        }
        self._write(self._put(item))

    # ── Outages, and groups that wait for their dead letters ──

    def probe(self, account_id: str, destination: str, now: float, next_probe_at: float) -> bool:
        """Take the turn to look whether a destination is back; false if another has it."""
        return self._write(
            self._set(
                _outage_pk(account_id, destination),
                {"next_probe_at": _decimal(next_probe_at)},
                "attribute_exists(pk) AND next_probe_at <= :now",
                {":now": _decimal(now)},
            )
        )

    def note_failure(
        self, account_id: str, destination: str, outage: Outage | None, now: float, group: str
    ) -> Outage:
        """Count a failure of a destination, and return what is known of its outage by now."""
        pk = _outage_pk(account_id, destination)
        since = outage.since if outage else now
        next_probe_at = now + Outage(1, since, now).interval(now)
        first = {
            "pk": pk,
            "failures": 1,
            "groups": {group},
            "since": _decimal(now),
            "next_probe_at": _decimal(next_probe_at),
            TTL_ATTRIBUTE: self._in(FORGET_SECONDS),
        }
        if outage is None and self._put_new(first):
            return Outage(1, now, next_probe_at, frozenset({group}))
        kept = FORGET_SECONDS + int(min(now - since, _DAY))
        others = {"next_probe_at": _decimal(next_probe_at), TTL_ATTRIBUTE: self._in(kept)}
        is_certain = outage is not None and outage.is_certain
        groups = {} if is_certain else {"groups": {group}}
        return _outage(self._add(pk, {"failures": 1, **groups}, others)) or Outage(1, since, now)

    def outage_over(self, account_id: str, destination: str) -> None:
        """Forget an outage."""
        self._delete(_outage_pk(account_id, destination))

    def count_try(self, message_id: str) -> int:
        """Count a try of a message that failed, and return how many there were."""
        expires = {TTL_ATTRIBUTE: self._in(14 * _DAY)}
        return int(self._add(f"tries#{message_id}", {"tries": 1}, expires)["tries"])

    def hold(self, group: str) -> None:
        """Let a group's messages follow one that became a dead letter."""
        self._add(_hold_pk(group), {"letters": 1}, {TTL_ATTRIBUTE: self._in(HOLD_SECONDS)})

    def keep_hold(self, group: str) -> None:
        """Go on holding a group, if it is held: its dead letters are still there."""
        expires = {TTL_ATTRIBUTE: self._in(HOLD_SECONDS)}
        self._write(self._set(_hold_pk(group), expires, "attribute_exists(pk)"))

    def unhold(self, group: str) -> None:
        """Note that one of a group's dead letters came back and is done."""
        expires = {TTL_ATTRIBUTE: self._in(HOLD_SECONDS)}
        if int(self._add(_hold_pk(group), {"letters": -1}, expires)["letters"]) <= 0:
            self._delete(_hold_pk(group))

    # ── One at a time ──

    def lease(self, name: str, seconds: int) -> bool:
        """Take ``name`` for ``seconds``; false if somebody has it."""
        return self._put_new({"pk": f"lease#{name}", TTL_ATTRIBUTE: self._in(seconds)})

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
        """Make a conversation the owner's; what is known of its state stays."""
        key = owner.key if isinstance(owner, Consumer) else owner.consumer_key
        request: Item = {
            "TableName": self._table,
            "Key": _key(_conversation_pk(owner.account_id, conversation_id)),
            "UpdateExpression": "SET consumer_id = :i, consumer_key = :k, lp_consumer_id = :l, "
            "is_open = if_not_exists(is_open, :o), expires_at = :e",
            "ExpressionAttributeValues": _stored(
                {
                    ":i": owner.consumer_id,
                    ":k": key,
                    ":l": owner.lp_consumer_id,
                    ":o": is_open,
                    ":e": self._in(CONSUMER_SECONDS),
                }
            ),
        }
        return {"Update": request}

    def _progress_item(self, consumer: Consumer, event_id: str, progress: Progress) -> Item:
        item: Item = {
            "pk": _event_pk(consumer.account_id, consumer.key, event_id),
            "parts_sent": progress.parts_sent,
            "done": progress.done,
            "settled_receives": progress.settled_receives,
            "settled_message": progress.settled_message,
            TTL_ATTRIBUTE: self._in(DONE_SECONDS),
        }
        if progress.uploaded is not None:
            item["uploaded"] = progress.uploaded
        if progress.ambiguous_at is not None:
            item["ambiguous_at"] = _decimal(progress.ambiguous_at)
        return item

    def _put(
        self, item: Item, condition: str = "", values: Mapping[str, object] | None = None
    ) -> Item:
        request: Item = {"TableName": self._table, "Item": _stored(item)}
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = _stored(values)
        return {"Put": request}

    def _add(self, pk: str, added: Mapping[str, object], others: Mapping[str, object]) -> Item:
        """Add to counters and sets, set other attributes, and return what the item has become."""
        update = self._set(pk, others)["Update"]
        update["UpdateExpression"] += " ADD " + ", ".join(f"#{name} :{name}" for name in added)
        update["ExpressionAttributeNames"].update({f"#{name}": name for name in added})
        update["ExpressionAttributeValues"].update(
            _stored({f":{name}": value for name, value in added.items()})
        )
        with translated("writing to the table"):
            answer = self._client.update_item(**update, ReturnValues="ALL_NEW")
        return _plain(answer["Attributes"])

    def _delete(self, pk: str) -> None:
        with translated("deleting from the table"):
            self._client.delete_item(TableName=self._table, Key=_key(pk))

    def _put_new(self, item: Item) -> bool:
        """Write an item unless there is one that has not expired; false if there is."""
        absent = "attribute_not_exists(pk) OR expires_at <= :now"
        return self._write(self._put(item, absent, {":now": int(self._clock())}))

    def _set(
        self,
        pk: str,
        attributes: Mapping[str, object],
        condition: str = "",
        values: Mapping[str, object] | None = None,
    ) -> Item:
        """Write an update that sets ``attributes`` and leaves an item's others as they are."""
        request: Item = {
            "TableName": self._table,
            "Key": _key(pk),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": _stored(
                {**{f":{name}": value for name, value in attributes.items()}, **(values or {})}
            ),
        }
        if condition:
            request["ConditionExpression"] = condition
        return {"Update": request}

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


def _consumer(account_id: str, key: str, item: Item) -> Consumer:
    return Consumer(
        account_id=account_id,
        consumer_id=item["consumer_id"],
        key=key,
        lp_consumer_id=item["lp_consumer_id"],
        jws=item["consumer_jws"],
        conversation_id=item.get("conversation_id") or None,
        last_conversation_id=item.get("last_conversation_id") or None,
        survey_dialog_id=item.get("survey_dialog_id") or None,
        last_sequence=int(item.get("last_sequence", NOTHING_SENT)),
        features=tuple(item.get("features", ())),
        composing_since=float(item.get("composing_since", 0)) or None,
        visitor_id=item.get("visitor_id", ""),
        session_id=item.get("session_id", ""),
    )


def _conversation(account_id: str, conversation_id: str, item: Item) -> Conversation:
    return Conversation(
        account_id=account_id,
        conversation_id=conversation_id,
        consumer_id=item.get("consumer_id", ""),
        consumer_key=item.get("consumer_key", ""),
        lp_consumer_id=item.get("lp_consumer_id", ""),
        is_open=item.get("is_open", True),
        agent_id=item.get("agent_id") or None,
        skill_id=item.get("skill_id") or None,
        survey_dialog_id=item.get("survey_dialog_id") or None,
        changed_at=int(item.get("changed_at", 0)),
        echoes=tuple((int(sequence), digest) for sequence, digest in item.get("echoes", [])),
    )


def _progress(item: Item) -> Progress:
    ambiguous_at = item.get("ambiguous_at")
    return Progress(
        parts_sent=int(item.get("parts_sent", 0)),
        done=bool(item.get("done", False)),
        settled_receives=int(item.get("settled_receives", 0)),
        settled_message=item.get("settled_message", ""),
        ambiguous_at=None if ambiguous_at is None else float(ambiguous_at),
        uploaded=item.get("uploaded"),
    )


def _outage(item: Item | None) -> Outage | None:
    if item is None:
        return None
    return Outage(
        failures=int(item.get("failures", 0)),
        since=float(item.get("since", 0)),
        next_probe_at=float(item.get("next_probe_at", 0)),
        groups=frozenset(item.get("groups", ())),
    )


def _decimal(seconds: float) -> Decimal:
    return Decimal(str(round(seconds, 3)))


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


def _outage_pk(account_id: str, destination: str) -> str:
    return f"outage#{account_id}#{destination}"


def _hold_pk(group: str) -> str:
    return f"hold#{group}"
