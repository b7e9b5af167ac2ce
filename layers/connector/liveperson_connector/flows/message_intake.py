"""Take consumer events from the channel: validate, queue, answer 202."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..channel.consumer_events import read_event
from ..channel.queued_events import ConsumerEvent, to_queue
from ..delivery.ports import Outbox
from ..domain.accounts import is_account_id
from ..domain.errors import NotQueued, TooLarge, Transient, UnknownAccount, WrongKey
from ..domain.intake_settings import ApiKey, IntakeSettings
from ..domain.queue_messages import OutgoingMessage, new_id, stable_id
from ..support.cache import Cache
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome

# No larger body fits into a queue message; a larger file is sent by its URL.
MAX_BODY_BYTES = 800 * 1024

# A key that an account has just been given works at its first request, but a wrong one makes us
# read Parameter Store at most this often.
REREAD_SECONDS = 30.0

NO_KEY = ApiKey()


@dataclass(frozen=True)
class MessageIntake:
    """Takes consumer events. ``accounts`` has None for an account that is not configured."""

    accounts: Cache[IntakeSettings | None]
    consumer_events: Outbox
    salt: str

    def accept(
        self, account_id: str, consumer_id: str, body: bytes, api_key: ApiKey = NO_KEY
    ) -> ConsumerEvent:
        """
        Queue the event in ``body`` behind the consumer's earlier ones, and return it.

        Raises :class:`TooLarge`, :class:`InvalidEvent` with every problem found,
        :class:`UnknownAccount`, :class:`WrongKey`, or :class:`NotQueued` if AWS did not accept it.
        """
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        event = read_event(account_id, consumer_id, body)
        try:
            settings = self._settings(account_id, api_key)
            if settings is None:
                raise UnknownAccount("the account is not configured")
            key = event.key(self.salt)
            if settings.redact:
                event = without_card_numbers(event, key)
            self.consumer_events.send([to_message(event, key)])
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None
        outcomes.outcome(Outcome.ACCEPTED, **event.log_ids(key))
        return event

    def check_key(self, account_id: str, api_key: ApiKey) -> None:
        """Raise :class:`WrongKey` if the key does not act for the account."""
        try:
            self._settings(account_id, api_key)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None

    def _settings(self, account_id: str, api_key: ApiKey) -> IntakeSettings | None:
        found = self.accounts.get(account_id) if is_account_id(account_id) else None
        if found is not None and not found.admits(api_key):
            found = self.accounts.refresh(account_id, at_least=REREAD_SECONDS)
        if found is not None and not found.admits(api_key):
            raise WrongKey(f"the API key {api_key.id} does not act for account {account_id}")
        return found


def to_message(event: ConsumerEvent, key: str) -> OutgoingMessage:
    """
    Write an event for the queue, in the group of its consumer.

    The table decides whether it repeats an earlier event, not the queue: for five minutes SQS would
    drop what the channel sends again because the first was refused.
    """
    group = stable_id(event.account_id, key)
    return OutgoingMessage(to_queue(event), group, new_id(), outcomes.correlation_attributes())


def without_card_numbers(event: ConsumerEvent, key: str) -> ConsumerEvent:
    """Return an event whose texts have no card numbers; count one that had some."""
    from ..channel.redaction import redacted  # noqa: PLC0415 - few accounts need it

    raw = redacted(event.raw)
    if raw is None:
        return event
    outcomes.outcome(Outcome.REDACTED, **event.log_ids(key))
    return replace(event, raw=raw)
