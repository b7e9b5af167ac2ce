"""
A consumer's event is said to LivePerson: exactly once, as far as LivePerson lets us know.

LivePerson offers no key that would make a repeated send safe. So a try whose answer did not come
is settled before the next one: LivePerson reports everything a consumer says back to our webhook,
and if this echo has arrived the message has too. If it did not arrive in time, it is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .. import observe
from ..cache import Clock
from ..channel.consumer_events import ConsumerEvent, read_queued
from ..conversations import Consumer, Progress
from ..errors import (
    AppJwtRejected,
    ConversationNotReady,
    ConversationUnknown,
    EchoAwaited,
    LivePersonRefused,
    Transient,
)
from ..liveperson.consumer_jws import ConsumerJws, Idp
from ..liveperson.http import ConsumerJwsRejected
from ..liveperson.send_api import AlreadyOpen, OnBehalf, SendApi
from ..liveperson.text import split_text
from ..messages import Received
from ..pseudonyms import consumer_key, short
from .app_jwts import AppJwts
from .ports import OutboundMemory

FUNCTION = "outbound_messaging"

# How long the echo of a message may take before we believe that it never arrived.
ECHO_SECONDS = 20.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class OutboundMessaging:
    """Says consumer events to LivePerson."""

    app_jwts: AppJwts
    idp: Idp
    send_api: SendApi
    memory: OutboundMemory
    salt: str
    clock: Clock = time.time

    def handle(self, message: Received) -> None:
        """Take one queued event; the errors say whether another try can help."""
        event = read_queued(message.body)
        key = consumer_key(self.salt, event.account_id, event.consumer_id)
        consumer, progress = self.memory.recall_event(event.account_id, key, event.id)
        if progress.done:
            observe.outcome(FUNCTION, "repeat_ignored", **_ids(event, key))
            return
        try:
            consumer = consumer or self._introduce(event, key)
            self._say(event, consumer, progress, message)
        except Transient as error:
            if consumer:
                self._settle(event, consumer, message, error)
            raise

    # ── Saying it ──

    def _say(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress, message: Received
    ) -> None:
        parts = split_text(event.text)
        may_have_sent = message.receive_count - 1 > progress.settled_receives
        for index in range(progress.parts_sent, len(parts)):
            done = index + 1 == len(parts)
            heard = (
                self._heard(consumer, parts[index], progress)
                if may_have_sent or progress.ambiguous_at is not None
                else None
            )
            if heard is None:
                consumer, sequence = self._publish(consumer, parts[index])
            else:
                sequence = heard
                observe.outcome(FUNCTION, "confirmed_by_echo", **_ids(event, consumer.key))
            # From here on only this part's own try is in doubt, should the next one fail.
            may_have_sent, progress = False, Progress(parts_sent=index + 1, done=done)
            consumer = self._remember(consumer, event, progress, sequence)
        observe.outcome(
            FUNCTION,
            "sent",
            conversation_id=consumer.conversation_id,
            sequence=consumer.last_sequence,
            parts=len(parts),
            **_ids(event, consumer.key),
        )

    def _remember(
        self, consumer: Consumer, event: ConsumerEvent, progress: Progress, sequence: int | None
    ) -> Consumer:
        try:
            return self.memory.sent(consumer, event.id, progress, sequence)
        except Transient as unavailable:
            unavailable.maybe_done = True  # LivePerson has it; only our note of it may be missing
            raise

    def _publish(self, consumer: Consumer, text: str) -> tuple[Consumer, int | None]:
        """Say ``text`` in the consumer's conversation, opening one if there is none."""
        opened = consumer if consumer.conversation_id else self._open(consumer)
        try:
            return self._publish_in(opened, text)
        except LivePersonRefused as refused:
            if opened is not consumer:
                raise ConversationNotReady(
                    f"just opened, and {refused}",
                    retry_after=1,
                    http_status=refused.http_status,
                ) from None
            return self._publish_elsewhere(opened, text, refused)

    def _publish_elsewhere(
        self, consumer: Consumer, text: str, refused: LivePersonRefused
    ) -> tuple[Consumer, int | None]:
        """
        Find out whether the conversation is over, and say ``text`` in a new one if so.

        What LivePerson answers to a message for a closed conversation is not published. But it
        keeps to one open conversation a consumer: if another can be opened, the old one is over;
        if not, it was the message that was refused.
        """
        try:
            reopened = self._open(consumer)
        except ConversationUnknown:
            if self._is_over(consumer):
                raise  # then another one is open, and a webhook will name it
            raise refused from None
        return self._publish_in(reopened, text)

    def _is_over(self, consumer: Consumer) -> bool:
        known = self.memory.recall_conversation(consumer.account_id, consumer.conversation_id or "")
        return known is not None and not known.is_open

    def _publish_in(self, consumer: Consumer, text: str) -> tuple[Consumer, int | None]:
        conversation_id = consumer.conversation_id or ""
        return self._on_behalf(
            consumer,
            lambda who: self.send_api.publish_text(who, conversation_id, conversation_id, text),
        )

    def _open(self, consumer: Consumer) -> Consumer:
        try:
            consumer, conversation_id = self._on_behalf(consumer, self.send_api.open_conversation)
        except AlreadyOpen:
            raise ConversationUnknown(
                "LivePerson has an open conversation of this consumer that we don't know; "
                "the next webhook from it will name it",
                retry_after=5,
            ) from None
        observe.outcome(
            FUNCTION,
            "conversation_opened",
            account_id=consumer.account_id,
            consumer=short(consumer.key),
            conversation_id=conversation_id,
        )
        return self.memory.opened(consumer, conversation_id)

    # ── Settling what a failed try came to ──

    def _heard(self, consumer: Consumer, text: str, progress: Progress) -> int | None:
        """
        Return the sequence under which an earlier try arrived; none if it surely did not.

        Raises :class:`EchoAwaited` while it is too early to tell.
        """
        if not consumer.conversation_id:
            return None
        conversation = self.memory.recall_conversation(
            consumer.account_id, consumer.conversation_id
        )
        heard = conversation.heard(text, after=consumer.last_sequence) if conversation else None
        if heard is not None:
            return heard
        if progress.ambiguous_at is None:  # the last try was cut off and left no note of its time
            raise EchoAwaited("it may have been sent", retry_after=ECHO_SECONDS, maybe_done=True)
        waited = self.clock() - progress.ambiguous_at
        if waited < ECHO_SECONDS:
            raise EchoAwaited("waiting for its echo", retry_after=ECHO_SECONDS - waited)
        observe.outcome(
            FUNCTION, "sent_again", account_id=consumer.account_id, consumer=short(consumer.key)
        )
        return None

    def _settle(
        self, event: ConsumerEvent, consumer: Consumer, message: Received, error: Transient
    ) -> None:
        """Note what this try came to, so that the next one knows whether it may have arrived."""
        _, progress = self.memory.recall_event(consumer.account_id, consumer.key, event.id)
        noted = replace(progress, settled_receives=message.receive_count)
        if error.maybe_done:
            noted = replace(noted, ambiguous_at=self.clock())
            observe.outcome(FUNCTION, "ambiguous", **_ids(event, consumer.key))
        self.memory.note_progress(consumer, event.id, noted)

    # ── Who speaks ──

    def _introduce(self, event: ConsumerEvent, key: str) -> Consumer:
        """Get the consumer's ConsumerJWS: once in its life."""
        jws = self._with_app_jwt(
            event.account_id, lambda app_jwt: self.idp.issue(event.account_id, app_jwt, key)
        )
        consumer = Consumer(
            account_id=event.account_id,
            consumer_id=event.consumer_id,
            key=key,
            lp_consumer_id=jws.lp_consumer_id,
            jws=jws.token,
        )
        self.memory.introduced(consumer)
        return consumer

    def _on_behalf(
        self, consumer: Consumer, call: Callable[[OnBehalf], Answer]
    ) -> tuple[Consumer, Answer]:
        """Call LivePerson for ``consumer``; a rejected ConsumerJWS is minted again once."""
        try:
            return consumer, self._with_tokens(consumer, call)
        except ConsumerJwsRejected:
            consumer = self._reintroduce(consumer)
            return consumer, self._with_tokens(consumer, call)

    def _reintroduce(self, consumer: Consumer) -> Consumer:
        jws = self._with_app_jwt(
            consumer.account_id,
            lambda app_jwt: self.idp.issue(consumer.account_id, app_jwt, consumer.key),
        )
        renewed = replace(consumer, jws=jws.token, lp_consumer_id=jws.lp_consumer_id)
        self.memory.introduced(renewed)
        return renewed

    def _with_tokens(self, consumer: Consumer, call: Callable[[OnBehalf], Answer]) -> Answer:
        jws = ConsumerJws(consumer.jws, consumer.lp_consumer_id)
        return self._with_app_jwt(
            consumer.account_id,
            lambda app_jwt: call(OnBehalf(consumer.account_id, app_jwt, jws)),
        )

    def _with_app_jwt(self, account_id: str, call: Callable[..., Answer]) -> Answer:
        """Call LivePerson with the AppJWT; a rejected one is renewed once."""
        app_jwt = self.app_jwts.get(account_id)
        try:
            return call(app_jwt)
        except AppJwtRejected:
            return call(self.app_jwts.renew(account_id, app_jwt))


def _ids(event: ConsumerEvent, key: str) -> dict[str, Any]:
    return {"account_id": event.account_id, "consumer": short(key), "event_id": event.id}
