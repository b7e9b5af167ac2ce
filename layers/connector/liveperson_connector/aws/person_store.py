"""
What ready channels remember in the table, beside consumers and conversations.

==================================================== ===========================================
pk                                                   holds
==================================================== ===========================================
person#{account}#{key}                               when a person last wrote, what was offered
provider-message#{account}#{channel}#{message}       which message of LivePerson's it tells
delivery#{account}#{conversation}#{identity}         how many requests of a message were sent
==================================================== ===========================================

Each names its consumer by key, so that erasing the consumer finds it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..domain.clock import Clock
from ..domain.conversations import Conversation
from ..domain.outages import CircuitState
from ..domain.queue_messages import REPEAT_SECONDS
from ..domain.ready_channels import Offer, OfferedChoice, Person, SentMessage
from .delivery_state import OUTAGE_PK, read_circuit
from .table import TTL_ATTRIBUTE, Item, Put, Table, Update, Write, number

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY = 86_400

# Longer than any provider's window, and than most people take to press a button.
PERSON_SECONDS = 30 * _DAY

# Providers report that a message was read when it is, which may take a holiday.
MESSAGE_SECONDS = 14 * _DAY

_MOST_OFFERS = 5
_MOST_CHOICES = 100  # in all of a person's offers; a list of a provider has ten


class PersonStore:
    """What sending to a ready channel's people needs. Errors are :class:`AwsUnavailable`."""

    def __init__(self, client: DynamoDBClient, table: str, *, clock: Clock = time.time) -> None:
        self._table = Table(client, table, clock=clock)
        self._clock = clock

    # ── From the provider ──

    def load_person(self, account_id: str, key: str) -> Person:
        """Return what is known of a person; nothing yet is no error."""
        pk = _person_pk(account_id, key)
        return _person(self._table.get([pk]).get(pk, {}))

    def save_heard(self, account_id: str, key: str, at: float, mark: str) -> None:
        """Remember that a person said something ``at`` (seconds since 1970), if that is newest."""
        attributes = {"heard_at": number(at), "mark": mark, **self._owned(key, PERSON_SECONDS)}
        newest = "attribute_not_exists(heard_at) OR heard_at <= :at"
        self._table.write(
            Update(_person_pk(account_id, key), attributes, newest, {":at": number(at)})
        )

    def load_message(self, account_id: str, channel: str, message: str) -> SentMessage | None:
        """Return what a provider's message tells, or None if there is no note of it."""
        pk = _message_pk(account_id, channel, message)
        item = self._table.get([pk]).get(pk)
        return _message(item) if item else None

    def save_report(
        self, account_id: str, channel: str, message: str, status: str, told_by: str
    ) -> None:
        """Remember the last report of a provider's message that is told, and by which event."""
        self._table.write(
            Update(
                _message_pk(account_id, channel, message),
                {"status": status, "told_by": told_by},
                "attribute_exists(pk)",
            )
        )

    # ── To the provider ──

    def load_delivery(
        self, conversation: Conversation, identity: str
    ) -> tuple[int, Person, CircuitState | None]:
        """
        Return what is known before a person is written to, with one read.

        That is how many requests of this message were sent, the person, and the channel's circuit.
        """
        account_id = conversation.account_id
        sent = _delivery_pk(conversation, identity)
        person = _person_pk(account_id, conversation.consumer_key)
        outage = OUTAGE_PK.format(account_id, f"channel:{conversation.channel}")
        items = self._table.get([sent, person, outage])
        return (
            int(items.get(sent, {}).get("sent", 0)),
            _person(items.get(person, {})),
            read_circuit(items[outage]) if outage in items else None,
        )

    def save_delivery(
        self, conversation: Conversation, identity: str, sent: int, note: SentMessage, message: str
    ) -> None:
        """
        Remember that so many requests of a message were ``sent``: the next try goes on behind them.

        ``message`` is the provider's id of the last of them, by which reports name it, if any.
        """
        key, account_id = conversation.consumer_key, conversation.account_id
        delivery = {
            "pk": _delivery_pk(conversation, identity),
            "sent": sent,
            **self._owned(key, REPEAT_SECONDS),
        }
        writes: list[Write] = [Put(delivery)]
        if message:
            written = {
                "pk": _message_pk(account_id, conversation.channel, message),
                "conversation_id": note.conversation_id,
                "dialog_id": note.dialog_id,
                "sequence": note.sequence,
                "is_last": note.is_last,
                **self._owned(key, MESSAGE_SECONDS),
            }
            writes.append(Put(written))
        if len(writes) == 1:
            self._table.write(writes[0])
        else:
            self._table.transact(writes)

    def save_offer(self, conversation: Conversation, person: Person, offer: Offer) -> Person:
        """Remember what a person is about to be offered, in place of the same offer before."""
        others = [each for each in person.offers if each.reference != offer.reference]
        offers = _bounded([*others, offer])
        self._table.write(
            Update(
                _person_pk(conversation.account_id, conversation.consumer_key),
                {
                    "offers": [_stored_offer(each) for each in offers],
                    **self._owned(conversation.consumer_key, PERSON_SECONDS),
                },
            )
        )
        return replace(person, offers=offers)

    def save_template(self, conversation: Conversation, at: float) -> None:
        """Remember when the template for a closed window was sent."""
        self._table.write(
            Update(
                _person_pk(conversation.account_id, conversation.consumer_key),
                {
                    "template_at": number(at),
                    **self._owned(conversation.consumer_key, PERSON_SECONDS),
                },
            )
        )

    def _owned(self, key: str, seconds: int) -> Item:
        return {"consumer_key": key, TTL_ATTRIBUTE: int(self._clock()) + seconds}


def _bounded(offers: Sequence[Offer]) -> list[Offer]:
    """Forget the oldest offers, so that the item stays small."""
    kept = list(offers[-_MOST_OFFERS:])
    while len(kept) > 1 and sum(len(each.choices) for each in kept) > _MOST_CHOICES:
        del kept[0]
    return kept


def _stored_offer(offer: Offer) -> Item:
    choices = [
        {"title": each.title, "text": each.text, "metadata": [dict(one) for one in each.metadata]}
        for each in offer.choices[:_MOST_CHOICES]
    ]
    # As a text: DynamoDB takes no float, and LivePerson's metadata may have any.
    return {**vars(offer), "at": number(offer.at), "choices": json.dumps(choices)}


def _offer(item: Mapping[str, Any]) -> Offer:
    choices = tuple(OfferedChoice(**each) for each in json.loads(item["choices"]))
    numbers = {"at": float(item["at"]), "sequence": int(item["sequence"])}
    return Offer(**{**item, **numbers, "choices": choices})


def _person(item: Mapping[str, Any]) -> Person:
    return Person(
        heard_at=float(item.get("heard_at", 0)),
        mark=item.get("mark", ""),
        template_at=float(item.get("template_at", 0)),
        offers=tuple(_offer(each) for each in item.get("offers", ())),
    )


def _message(item: Mapping[str, Any]) -> SentMessage:
    return SentMessage(
        conversation_id=item["conversation_id"],
        dialog_id=item["dialog_id"],
        sequence=int(item["sequence"]),
        is_last=bool(item["is_last"]),
        status=item.get("status", ""),
        told_by=item.get("told_by", ""),
    )


def _person_pk(account_id: str, key: str) -> str:
    return f"person#{account_id}#{key}"


def _message_pk(account_id: str, channel: str, message: str) -> str:
    return f"provider-message#{account_id}#{channel}#{message}"


def _delivery_pk(conversation: Conversation, identity: str) -> str:
    return f"delivery#{conversation.account_id}#{conversation.conversation_id}#{identity}"
