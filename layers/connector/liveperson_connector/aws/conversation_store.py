"""
The connector's store: one DynamoDB table with one key.

Queues and partners deliver at least once; by what is stored here, each hop recognises a repeat.

=========================================== ================================================
pk                                          holds
=========================================== ================================================
consumer#{account}#{key}                    a consumer: its ConsumerJWS, its open conversation
lp-consumer#{account}#{lp_consumer_id}      which consumer LivePerson means by this id
conversation#{account}#{conversation_id}    a conversation's consumer, its state, its echoes
conversation#{account}#{dialog_id}          which conversation another dialog is part of
sought#{account}                            that a consumer's open conversation is not known
event#{account}#{key}#{event_id}            how far a consumer event has come
notification#{account}#{identity}           a notification the channel has taken
agent#{account}#{agent_id}                  what consumers may see of an agent
outage#{account}#{destination}              a circuit: failures of a destination, the next probe
hold#{group}                                a group whose dead letters are yet to come back
tries#{message}                             how often a message failed
lease#{name}                                a task is in progress
=========================================== ================================================

The last four belong to ``delivery_state``. Every item has ``expires_at``, see ``table``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..domain.clock import Clock
from ..domain.conversations import (
    ALL_SETTLED,
    NOTHING_SENT,
    AgentProfile,
    Consumer,
    Conversation,
    EventState,
    NotificationState,
    Progress,
    Refusal,
)
from ..domain.outages import CircuitState
from ..domain.queue_messages import REPEAT_SECONDS
from .delivery_state import HOLD_PK, OUTAGE_PK, read_circuit, redrive_failed_at
from .table import TTL_ATTRIBUTE, Item, Put, Table, Update, number

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY = 86_400

DONE_SECONDS = REPEAT_SECONDS

# A consumer who was silent for half a year is registered again; LivePerson knows it by our id.
CONSUMER_SECONDS = 180 * _DAY

# Longer than the longest wait between two tries of an event, each of which asks again.
SOUGHT_SECONDS = 1800

# Another channel's conversation: long enough to drop its messages with one read.
FOREIGN_SECONDS = 7 * _DAY

# A changed name or picture is noticed within a day.
AGENT_SECONDS = _DAY

_MOST_ECHOES = 50

# On the mark of a notification. One without it is an older version's, which did not tell a message
# from a receipt of the same number.
_FORM = "form"

_GOES_NOWHERE = "attribute_not_exists(conversation_id) OR conversation_id = :none"


class ConversationStore:
    """Remembers consumers, conversations and what was done. Errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, table: str, *, clock: Clock = time.time) -> None:
        self._table = Table(client, table, clock=clock)
        self._clock = clock

    def _expiry(self, seconds: int) -> int:
        return int(self._clock()) + seconds

    # ── Consumer to LivePerson ──

    def load_event(self, account_id: str, key: str, event_id: str, group: str) -> EventState:
        """Return what is known of an event, with one read."""
        consumer_pk = _consumer_pk(account_id, key)
        event_pk = _event_pk(account_id, key, event_id)
        outage, hold = OUTAGE_PK.format(account_id, "liveperson"), HOLD_PK.format(group)
        items = self._table.get([consumer_pk, event_pk, outage, hold])
        return EventState(
            consumer=_consumer(account_id, key, items.get(consumer_pk, {})),
            progress=_progress(items.get(event_pk, {})),
            **_obstacles(items, outage, hold),
        )

    def load_consumer(self, account_id: str, key: str) -> Consumer | None:
        """Return what is known of a consumer."""
        pk = _consumer_pk(account_id, key)
        return _consumer(account_id, key, self._table.get([pk]).get(pk, {}))

    def load_typing(self, account_id: str, key: str) -> tuple[Consumer | None, CircuitState | None]:
        """Return what is known of a consumer, and LivePerson's circuit, with one read."""
        pk, outage = _consumer_pk(account_id, key), OUTAGE_PK.format(account_id, "liveperson")
        items = self._table.get([pk, outage])
        circuit = read_circuit(items[outage]) if outage in items else None
        return _consumer(account_id, key, items.get(pk, {})), circuit

    def load_conversation(self, account_id: str, conversation_id: str) -> Conversation | None:
        """Return what is known of a conversation."""
        pk = _conversation_pk(account_id, conversation_id)
        item = self._table.get([pk]).get(pk)
        return _conversation(account_id, conversation_id, item) if item else None

    def owner(self, account_id: str, conversation_id: str) -> str | None:
        """Return the channel's id of the consumer of a conversation or survey, if it is known."""
        item = self._item(_conversation_pk(account_id, conversation_id))
        if "part_of" in item:  # a survey's dialog
            item = self._item(_conversation_pk(account_id, item["part_of"]))
        return item.get("consumer_id")

    def _item(self, pk: str) -> Item:
        return self._table.get([pk]).get(pk, {})

    def save_consumer(self, consumer: Consumer) -> None:
        """Remember a consumer's ConsumerJWS and the id LivePerson gave it."""
        expires_at = self._expiry(CONSUMER_SECONDS)
        index = {
            "pk": _lp_consumer_pk(consumer.account_id, consumer.lp_consumer_id),
            "consumer_id": consumer.consumer_id,
            "consumer_key": consumer.key,
            **_of_channel(consumer),
            TTL_ATTRIBUTE: expires_at,
        }
        self._table.transact(
            [
                Update(
                    _consumer_pk(consumer.account_id, consumer.key),
                    {
                        "consumer_id": consumer.consumer_id,
                        "lp_consumer_id": consumer.lp_consumer_id,
                        "consumer_jws": consumer.jws,
                        **_of_channel(consumer),
                        TTL_ATTRIBUTE: expires_at,
                    },
                ),
                Put(index),
            ]
        )

    def save_opened(
        self, consumer: Consumer, conversation_id: str, features: tuple[str, ...]
    ) -> Consumer:
        """Remember that ``consumer`` opened a conversation; keep what was already heard in it."""
        now = {
            "conversation_id": conversation_id,
            "last_conversation_id": conversation_id,
            "survey_dialog_id": "",
            "last_sequence": NOTHING_SENT,
            "features": list(features),
            "there_since": int(self._clock() * 1000),
        }
        self._table.transact(
            [
                self._claim(consumer, conversation_id),
                Update(_consumer_pk(consumer.account_id, consumer.key), now),
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

    def save_typing(self, consumer: Consumer, since: float | None) -> Consumer:
        """Remember since when a consumer types, None if it stopped."""
        pk = _consumer_pk(consumer.account_id, consumer.key)
        stored = number(since) if since is not None else 0
        self._table.write(Update(pk, {"composing_since": stored}, "attribute_exists(pk)"))
        return replace(consumer, composing_since=since)

    def save_visit(self, consumer: Consumer, visitor_id: str, session_id: str) -> Consumer:
        """Remember the ids under which the Monitoring API knows a consumer."""
        pk = _consumer_pk(consumer.account_id, consumer.key)
        self._table.write(Update(pk, {"visitor_id": visitor_id, "session_id": session_id}))
        return replace(consumer, visitor_id=visitor_id, session_id=session_id)

    def save_sent(
        self, consumer: Consumer, event_id: str, progress: Progress, sequence: int | None
    ) -> Consumer:
        """Remember that LivePerson took a message of an event, and its sequence: one write."""
        last = consumer.last_sequence if sequence is None else sequence
        self._table.transact(
            [
                Put(self._progress_item(consumer.account_id, consumer.key, event_id, progress)),
                Update(
                    _consumer_pk(consumer.account_id, consumer.key),
                    {"last_sequence": last, TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS)},
                ),
            ]
        )
        return replace(consumer, last_sequence=last)

    def note_progress(self, account_id: str, key: str, event_id: str, progress: Progress) -> None:
        """Remember what a try of an event came to, or that one is about to be made."""
        item = self._progress_item(account_id, key, event_id, progress)
        self._table.write(Put(item))

    def seek_conversation(self, account_id: str) -> None:
        """Remember that a consumer of the account waits for a webhook of its open conversation."""
        item = {"pk": _sought_pk(account_id), TTL_ATTRIBUTE: self._expiry(SOUGHT_SECONDS)}
        self._table.write(Put(item))

    # ── LivePerson to consumer ──

    def load_notification(
        self,
        account_id: str,
        conversation_id: str,
        identities: Sequence[str],
        lp_ids: Iterable[str],
        group: str,
    ) -> NotificationState:
        """
        Return what is known of a notification, with one read.

        Of its ``identities``, if it has any, the first is its own; under the others an older
        version may have marked it. ``lp_ids`` are the consumers that it names.
        """
        place = _conversation_pk(account_id, conversation_id)
        marks = [_notification_pk(account_id, each) for each in identities]
        sought, outage = _sought_pk(account_id), OUTAGE_PK.format(account_id, "channel")
        hold = HOLD_PK.format(group)
        consumers = {_lp_consumer_pk(account_id, each): each for each in lp_ids if each}
        items = self._table.get([place, *marks, sought, outage, hold, *consumers])
        known = items.get(place)
        if known and "part_of" in known:  # in the form that names only dialogs
            return self.load_notification(account_id, known["part_of"], identities, (), group)
        named = [(lp_id, items[pk]) for pk, lp_id in consumers.items() if pk in items]
        return NotificationState(
            conversation=_conversation(account_id, conversation_id, known) if known else None,
            claim=_claimed(account_id, conversation_id, *named[0]) if named else None,
            was_delivered=_is_marked(items, marks),
            is_sought=sought in items,
            **_obstacles(items, outage, hold),
        )

    def adopt(self, conversation: Conversation, *, is_current: bool, told_at: int = 0) -> None:
        """
        Remember a conversation that a webhook says is our consumer's.

        ``is_current`` says it is the consumer's open one as of ``told_at`` (milliseconds, 0 where
        that is unknown), so the next event goes there. The pointer is written first: a later
        try that finds the conversation remembered skips both.
        """
        if conversation.is_open:
            self._table.write(self._go_there(conversation, is_current, told_at))
        self._table.write(
            self._claim(conversation, conversation.conversation_id, conversation.is_open)
        )

    def restore_pointer(self, conversation: Conversation, *, told_at: int = 0) -> bool:
        """
        Let the consumer's next event go to its open conversation, if it goes nowhere.

        It also goes there instead of to a conversation that was current before ``told_at``
        (milliseconds, 0 where that is unknown). Returns whether it went elsewhere before.
        """
        back = Update(
            _consumer_pk(conversation.account_id, conversation.consumer_key),
            {
                "conversation_id": conversation.conversation_id,
                "survey_dialog_id": conversation.survey_dialog_id or "",
            },
            f"last_conversation_id = :here AND ({_GOES_NOWHERE})",
            {":here": conversation.conversation_id, ":none": ""},
        )
        # What it said last is still known if it was there before.
        return self._table.write(back) or self._table.write(
            self._go_there(conversation, is_current=told_at > 0, told_at=told_at)
        )

    def _go_there(self, conversation: Conversation, is_current: bool, told_at: int) -> Update:
        values: Item = {":none": ""}
        free = _GOES_NOWHERE
        if is_current:
            newer = "conversation_id <> :now"
            values[":now"] = conversation.conversation_id
            if told_at:  # late news of an older one must not lead back to it
                newer += " AND (attribute_not_exists(there_since) OR there_since < :told)"
                values[":told"] = told_at
            free += f" OR ({newer})"
        return Update(
            _consumer_pk(conversation.account_id, conversation.consumer_key),
            {
                "conversation_id": conversation.conversation_id,
                "last_conversation_id": conversation.conversation_id,
                "survey_dialog_id": conversation.survey_dialog_id or "",
                "last_sequence": conversation.last_heard,
                "there_since": told_at,
            },
            f"attribute_exists(pk) AND ({free})",
            values,  # DynamoDB refuses a value that no expression uses
        )

    def load_agent(self, account_id: str, agent_id: str) -> AgentProfile | None:
        """Return what consumers may see of an agent; None if it was not looked up for a day."""
        item = self._item(_agent_pk(account_id, agent_id))
        return AgentProfile(item["name"], item["picture_url"]) if item else None

    def save_agent(self, account_id: str, agent_id: str, profile: AgentProfile) -> None:
        """Remember what consumers may see of an agent."""
        item = {
            "pk": _agent_pk(account_id, agent_id),
            "name": profile.name,
            "picture_url": profile.picture_url,
            TTL_ATTRIBUTE: self._expiry(AGENT_SECONDS),
        }
        self._table.write(Put(item))

    def mark_foreign(self, account_id: str, conversation_id: str) -> None:
        """Remember that a conversation is another channel's, unless it turned out to be ours."""
        item = {
            "pk": _conversation_pk(account_id, conversation_id),
            TTL_ATTRIBUTE: self._expiry(FOREIGN_SECONDS),
        }
        self._table.put_new(item)

    def point_consumer_at(self, before: Conversation, now: Conversation) -> None:
        """
        Let the consumer's next event go where the newest state of its conversation says.

        To a survey while one runs, nowhere after the end, and back should LivePerson open it
        again. This is written before the channel is told, and so is that the conversation is over.
        """
        for dialog_id in _other_dialogs(now) - _other_dialogs(before):
            self._table.write(Put(self._part_item(now, dialog_id)))
        if (before.is_over, before.survey_dialog_id) == (now.is_over, now.survey_dialog_id):
            return
        if before.is_over and not now.is_over:
            self.restore_pointer(now, told_at=now.changed_at)
        else:
            self._table.write(self._leading_on(before, now))
        if before.is_over != now.is_over:  # last, since a try that finds it is done skips the rest
            self._table.write(
                Update(
                    _conversation_pk(now.account_id, now.conversation_id),
                    {"is_ended": now.is_over, TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS)},
                )
            )

    def _leading_on(self, before: Conversation, now: Conversation) -> Update:
        return Update(
            _consumer_pk(now.account_id, now.consumer_key),
            {
                "conversation_id": "" if now.is_over else now.conversation_id,
                "survey_dialog_id": now.survey_dialog_id or "",
                **_said_there(before, now),
            },
            "conversation_id = :this",
            {":this": now.conversation_id},
        )

    def save_state(self, now: Conversation) -> None:
        """Remember what a conversation has become, once the channel was told."""
        self._table.write(
            Update(
                _conversation_pk(now.account_id, now.conversation_id),
                {
                    "is_open": now.is_open,
                    "is_ended": now.is_over,
                    "agent_id": now.agent_id or "",
                    "skill_id": now.skill_id or "",
                    "survey_dialog_id": now.survey_dialog_id or "",
                    "dialog_types": dict(now.dialog_types),
                    "changed_at": now.changed_at,
                    TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS),
                },
            )
        )

    def _part_item(self, conversation: Conversation, dialog_id: str) -> Item:
        return {
            "pk": _conversation_pk(conversation.account_id, dialog_id),
            "part_of": conversation.conversation_id,
            TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS),
        }

    def save_echo(self, conversation: Conversation, sequence: int, digest: str) -> None:
        """Remember an echo of what the consumer said."""
        echoes = [each for each in conversation.echoes if each[0] != sequence]
        kept = [list(each) for each in [*echoes, (sequence, digest)][-_MOST_ECHOES:]]
        self._table.write(
            Update(
                _conversation_pk(conversation.account_id, conversation.conversation_id),
                {"echoes": kept, TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS)},
            )
        )

    def mark_delivered(self, account_id: str, identity: str) -> None:
        """Remember that the channel has taken a notification: one write."""
        item = {
            "pk": _notification_pk(account_id, identity),
            _FORM: 2,
            TTL_ATTRIBUTE: self._expiry(DONE_SECONDS),
        }
        self._table.write(Put(item))

    def _claim(
        self, owner: Consumer | Conversation, conversation_id: str, is_open: bool = True
    ) -> Update:
        """Make a conversation the owner's; what is known of its state stays."""
        return Update(
            _conversation_pk(owner.account_id, conversation_id),
            {
                "consumer_id": owner.consumer_id,
                "consumer_key": owner.key if isinstance(owner, Consumer) else owner.consumer_key,
                "lp_consumer_id": owner.lp_consumer_id,
                **_of_channel(owner),
                TTL_ATTRIBUTE: self._expiry(CONSUMER_SECONDS),
            },
            once={"is_open": is_open},
        )

    def _progress_item(self, account_id: str, key: str, event_id: str, progress: Progress) -> Item:
        at, refusal = progress.ambiguous_at, progress.refusal
        sometimes = {
            "begun_receive": progress.begun_receive or None,
            "begun_at": number(progress.begun_at) if progress.begun_receive else None,
            "uploaded": progress.uploaded,
            "file_type": progress.file_type,
            "not_carried": progress.not_carried or None,
            "refusals": progress.refusals or None,
            "may_have_opened": progress.may_have_opened or None,
            "ambiguous_at": None if at is None else number(at),
            "refusal": {**vars(refusal), "at": number(refusal.at)} if refusal else None,
        }
        return {
            "pk": _event_pk(account_id, key, event_id),
            "parts_sent": progress.parts_sent,
            "done": progress.done,
            "settled_receives": progress.settled_receives,
            "settled_message": progress.settled_message,
            **{name: value for name, value in sometimes.items() if value is not None},
            TTL_ATTRIBUTE: self._expiry(DONE_SECONDS),
        }


def _of_channel(owner: Consumer | Conversation) -> Item:
    """Name a ready channel; a ``webhook`` channel's items have no such attribute."""
    return {"channel": owner.channel} if owner.channel else {}


def _said_there(before: Conversation, now: Conversation) -> Item:
    """
    Return the last sequence that counts in another dialog.

    After the end it stays: the echo of an earlier try may still arrive. Only a survey's sequences
    tell nothing about those in the main dialog.
    """
    if not now.is_over:
        return {"last_sequence": NOTHING_SENT}  # a survey's dialog counts from 0 again
    return {"last_sequence": ALL_SETTLED} if before.survey_dialog_id else {}


def _consumer(account_id: str, key: str, item: Item) -> Consumer | None:
    if "consumer_jws" not in item:  # erased or expired while an event of it was on its way
        return None
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
        channel=item.get("channel", ""),
    )


def _conversation(account_id: str, conversation_id: str, item: Item) -> Conversation:
    return Conversation(
        account_id=account_id,
        conversation_id=conversation_id,
        consumer_id=item.get("consumer_id", ""),
        consumer_key=item.get("consumer_key", ""),
        lp_consumer_id=item.get("lp_consumer_id", ""),
        is_open=item.get("is_open", True),
        is_ended=item.get("is_ended", False),
        agent_id=item.get("agent_id") or None,
        skill_id=item.get("skill_id") or None,
        survey_dialog_id=item.get("survey_dialog_id") or None,
        dialog_types=item.get("dialog_types", {}),
        changed_at=int(item.get("changed_at", 0)),
        echoes=tuple((int(sequence), digest) for sequence, digest in item.get("echoes", [])),
        channel=item.get("channel", ""),
    )


def _obstacles(items: Mapping[str, Item], outage: str, hold: str) -> dict[str, Any]:
    """Read what may let a message wait: the circuit of its destination, the hold of its group."""
    return {
        "outage": read_circuit(items[outage]) if outage in items else None,
        "is_held": hold in items,
        "redrive_failed_at": redrive_failed_at(items[hold]) if hold in items else 0.0,
    }


def _claimed(
    account_id: str, conversation_id: str, lp_consumer_id: str, item: Item
) -> Conversation:
    """Read a conversation as it would be remembered for the consumer that it names."""
    return Conversation(
        account_id,
        conversation_id,
        consumer_id=item["consumer_id"],
        consumer_key=item["consumer_key"],
        lp_consumer_id=lp_consumer_id,
        channel=item.get("channel", ""),
    )


def _progress(item: Item) -> Progress:
    ambiguous_at = item.get("ambiguous_at")
    return Progress(
        parts_sent=int(item.get("parts_sent", 0)),
        done=bool(item.get("done", False)),
        settled_receives=int(item.get("settled_receives", 0)),
        settled_message=item.get("settled_message", ""),
        begun_receive=int(item.get("begun_receive", 0)),
        begun_at=float(item.get("begun_at", 0)),
        ambiguous_at=None if ambiguous_at is None else float(ambiguous_at),
        uploaded=item.get("uploaded"),
        file_type=item.get("file_type"),
        not_carried=bool(item.get("not_carried", False)),
        refusals=int(item.get("refusals", 0)),
        may_have_opened=bool(item.get("may_have_opened", False)),
        refusal=_refusal(item),
    )


def _refusal(item: Item) -> Refusal | None:
    kept = item.get("refusal")
    if kept is None:
        return None
    status = kept["http_status"]
    return Refusal(
        **{**kept, "at": float(kept["at"]), "http_status": None if status is None else int(status)}
    )


def _is_marked(items: Mapping[str, Item], marks: Sequence[str]) -> bool:
    """Whether a notification was marked, under its own identity or by an older version."""
    is_own = any(mark in items for mark in marks[:1])
    return is_own or any(mark in items and _FORM not in items[mark] for mark in marks[1:])


def _other_dialogs(conversation: Conversation) -> set[str]:
    """Name the dialogs besides the main one, whose id is the conversation's own."""
    named = {*conversation.dialog_types, conversation.survey_dialog_id or ""}
    return named - {"", conversation.conversation_id}


def _consumer_pk(account_id: str, key: str) -> str:
    return f"consumer#{account_id}#{key}"


def _lp_consumer_pk(account_id: str, lp_consumer_id: str) -> str:
    return f"lp-consumer#{account_id}#{lp_consumer_id}"


def _conversation_pk(account_id: str, conversation_id: str) -> str:
    return f"conversation#{account_id}#{conversation_id}"


def _sought_pk(account_id: str) -> str:
    return f"sought#{account_id}"


def _event_pk(account_id: str, key: str, event_id: str) -> str:
    return f"event#{account_id}#{key}#{event_id}"


def _agent_pk(account_id: str, agent_id: str) -> str:
    return f"agent#{account_id}#{agent_id}"


def _notification_pk(account_id: str, identity: str) -> str:
    return f"notification#{account_id}#{identity}"
