"""Take consumer events from the channel: validate, queue, answer 202."""

from __future__ import annotations

from dataclasses import dataclass

from ..channel.consumer_events import read_event
from ..channel.queued_events import ConsumerEvent, to_queue
from ..delivery.ports import Outbox
from ..domain.accounts import is_account_id
from ..domain.errors import NotQueued, TooLarge, Transient, UnknownAccount
from ..domain.queue_messages import OutgoingMessage, new_id, stable_id
from ..support.cache import Cache
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome

# No larger body fits into a queue message; a larger file is sent by its URL.
MAX_BODY_BYTES = 800 * 1024


@dataclass(frozen=True)
class MessageIntake:
    """Takes consumer events. ``configured`` says whether an account's parameters are written."""

    configured: Cache[bool]
    consumer_events: Outbox
    salt: str

    def accept(self, account_id: str, consumer_id: str, body: bytes) -> ConsumerEvent:
        """
        Queue the event in ``body`` behind the consumer's earlier ones, and return it.

        Raises :class:`TooLarge`, :class:`UnknownAccount`, :class:`InvalidEvent` with every
        problem found, or :class:`NotQueued` if AWS did not accept it.
        """
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        event = read_event(account_id, consumer_id, body)
        try:
            if not (is_account_id(account_id) and self.configured.get(account_id)):
                raise UnknownAccount("the account is not configured")
            key = event.key(self.salt)
            self.consumer_events.send([to_message(event, key)])
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None
        outcomes.outcome(Outcome.ACCEPTED, **event.log_ids(key))
        return event


def to_message(event: ConsumerEvent, key: str) -> OutgoingMessage:
    """
    Write an event for the queue, in the group of its consumer.

    The table decides whether it repeats an earlier event, not the queue: for five minutes SQS would
    drop what the channel sends again because the first was refused.
    """
    group = stable_id(event.account_id, key)
    return OutgoingMessage(to_queue(event), group, new_id(), outcomes.correlation_attributes())
