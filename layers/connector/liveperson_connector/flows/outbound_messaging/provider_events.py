"""
What of a ready channel's events needs the table: what was chosen, and which message a report is of.

A pressed button names the offer it belongs to; a typed number or the words of a choice belong to
the newest one. Either becomes a ``reply`` with the element's metadata, at the message it belongs
to. A report becomes a ``receipt`` of LivePerson's message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...channel.offers import Chosen, pressed, typed
from ...channel.queued_events import ConsumerEvent
from ...delivery.ports import PersonMemory
from ...domain.conversations import Consumer
from ...domain.errors import ReportEarly
from ...domain.queue_messages import QueueMessage
from ...domain.ready_channels import SentMessage
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome

# The words of the contract's receipts, and how far each tells a message has come: an older report
# that comes late is not told.
_RECEIPTS = {"delivered": "accepted", "read": "read", "failed": "rejected"}
_RANKS = {"": 0, "delivered": 1, "read": 2, "failed": 3}

# A report may overtake the note of its message, which is written right after the provider's answer.
_EARLY_WAITS = (1.0, 2.0, 5.0, 15.0)


@dataclass(frozen=True)
class ProviderEvents:
    """Resolves the events of ready channels into those of the channel's contract."""

    persons: PersonMemory

    def resolve(
        self, event: ConsumerEvent, consumer: Consumer | None, message: QueueMessage
    ) -> ConsumerEvent | None:
        """
        Return what ``event`` is in terms of the contract; None if there is nothing to tell.

        ``consumer`` is None if the person has not said anything yet. Raises :class:`ReportEarly`
        while the message that a report is of may still be noted.
        """
        key = consumer.key if consumer else ""
        if event.type == "report":
            return self._receipt(event, consumer, message)
        if "mark" in event.raw and consumer:
            self.persons.save_heard(
                event.account_id, key, event.accepted_at, str(event.raw["mark"])
            )
        if event.type not in ("text", "choice") or consumer is None:
            return _as_text(event)
        offers = self.persons.load_person(event.account_id, key).offers
        if event.type == "choice":
            chosen = pressed(offers, str(event.raw["data"]))
        else:
            chosen = typed(offers, event.text, event.accepted_at)
        return _reply(event, chosen, consumer) if chosen else _as_text(event)

    def _receipt(
        self, event: ConsumerEvent, consumer: Consumer | None, message: QueueMessage
    ) -> ConsumerEvent | None:
        named, status = str(event.raw["message"]), str(event.raw["status"])
        sent = self.persons.load_message(event.account_id, event.channel, named)
        if sent is None:
            if message.receive_count <= len(_EARLY_WAITS) and consumer:
                wait = _EARLY_WAITS[message.receive_count - 1]
                raise ReportEarly("there is no note of its message yet", retry_after=wait)
            _log(Outcome.REPORT_DROPPED, event, status)
            return None
        if status == "failed":
            _log(Outcome.REPORTED_FAILED, event, status)
        if not _is_news(event, status, sent) or not _is_open(consumer, sent):
            return None
        self.persons.save_report(event.account_id, event.channel, named, status, event.id)
        receipt = {"type": "receipt", "status": _RECEIPTS[status], "sequences": [sent.sequence]}
        return replace(event, raw={"id": event.id, **receipt, "dialog_id": sent.dialog_id})


def _is_news(event: ConsumerEvent, status: str, sent: SentMessage) -> bool:
    """Whether a report says more than an earlier one. Of a message in parts the last counts."""
    if status not in _RECEIPTS or not (sent.is_last or status == "failed"):
        return False
    return sent.told_by == event.id or _RANKS[status] > _RANKS.get(sent.status, 0)


def _is_open(consumer: Consumer | None, sent: SentMessage) -> bool:
    """Whether the message's conversation still takes receipts."""
    return consumer is not None and consumer.conversation_id == sent.conversation_id


def _reply(event: ConsumerEvent, chosen: Chosen, consumer: Consumer) -> ConsumerEvent:
    """Say what was chosen; where LivePerson could not tell which element it was, as a text."""
    offer, choice = chosen
    raw: dict[str, Any] = {**_opening(event), "type": "text", "text": choice.text}
    if choice.metadata and offer.conversation_id == consumer.conversation_id:
        raw |= {
            "type": "reply",
            "metadata": list(choice.metadata),
            "to_sequence": offer.sequence,
            "dialog_id": offer.dialog_id,
        }
    return replace(event, raw=raw)


def _as_text(event: ConsumerEvent) -> ConsumerEvent:
    if event.type != "choice":
        return event
    return replace(event, raw={**_opening(event), "type": "text", "text": event.text})


def _opening(event: ConsumerEvent) -> Mapping[str, Any]:
    return {name: event.raw[name] for name in ("id", "conversation") if name in event.raw}


def _log(what: Outcome, event: ConsumerEvent, status: str) -> None:
    outcomes.outcome(
        what,
        account_id=event.account_id,
        channel=event.channel,
        event_id=event.id,
        status=status,
        provider_reason=event.raw.get("reason"),
    )
