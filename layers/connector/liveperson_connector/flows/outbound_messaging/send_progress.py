"""
The exactly-once bookkeeping: how far a consumer event has come, and which send is ambiguous.

LivePerson has no idempotency key that makes a repeated SEND safe, so each try leaves a note of what
is known of it, and the next try decides by the notes and by its message's receive count::

    first try ─────────▶ part sent ─▶ … ─▶ done
       │ │ │ │
       │ │ │ └ refused ─▶ given up; a copy that is accepted later begins anew
       │ │ └ failed ────▶ settled: nothing was sent
       │ └ no answer ───▶ ambiguous: its echo decides, or 20 s without one
       └ cut off ───────▶ no note; SQS counts a receive that is not settled

A first try leaves no note before it sends, which would cost every message a write. It is made
within :data:`FIRST_TRY_SECONDS` of the message's first receive, so it is known when it was over.
Every other try notes first that it has begun. So a receive that no try followed, because Lambda
was throttled, differs from one whose try was cut off: it leaves no doubt, or one that is over.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from ...channel.queued_events import ConsumerEvent
from ...domain.conversations import Progress, Refusal
from ...domain.errors import Permanent, permanent_error
from ...domain.queue_messages import CUT_OFF_ATTRIBUTE, QueueMessage

# A first try that begins later than this after the first receive leaves a note, too. Lambda
# offers a throttled message again until its visibility times out, after 180 s
# (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
FIRST_TRY_SECONDS = 60.0

# The time-out of the function: no try sends anything later.
TRY_SECONDS = 30.0

# SQS's clock, which says when a copy was accepted, may differ from ours by less than this.
_CLOCKS_APART = 1.0


@dataclass(frozen=True)
class Attempt:
    """
    One try of an event, as earlier tries have left it.

    ``progress`` is where it goes on. ``doubt`` is until when an earlier try may have sent the next
    part (seconds since 1970); None if none did. ``is_noted`` tells whether this try may send
    without leaving a note first.
    """

    message: QueueMessage
    progress: Progress
    doubt: float | None = None
    is_noted: bool = True


def take_up(
    progress: Progress, event: ConsumerEvent, message: QueueMessage, now: float
) -> Attempt | None:
    """
    Return how ``message`` goes on with ``event``; None if an earlier copy has settled it.

    Raises the error by which this very message was refused before: it only has to be given up.
    """
    if is_repeat(progress, event, message):
        return None
    if refusal := known_refusal(progress, message):
        raise refusal
    progress = resumed(progress, event)
    doubt = in_doubt_since(progress, message)
    is_noted = doubt is None and not leaves_a_note(message, now)
    return Attempt(message, progress, doubt, is_noted)


def is_repeat(progress: Progress, event: ConsumerEvent, message: QueueMessage) -> bool:
    """
    Whether ``message`` asks for nothing that an earlier copy of its event did not settle.

    The event is done, or a copy that says the same was refused for good after this one had been
    accepted. A copy accepted after that is intended: the channel was told, and may have removed
    the cause.
    """
    if progress.done:
        return True
    refusal = progress.refusal
    return (
        refusal is not None
        and refusal.message_id != message.message_id
        and refusal.content == _content(event)
        and message.sent_at.timestamp() < refusal.at - _CLOCKS_APART
    )


def known_refusal(progress: Progress, message: QueueMessage) -> Permanent | None:
    """Return why ``message`` was refused, if it was: it only has to be given up yet."""
    refusal = progress.refusal
    if refusal is None or refusal.message_id != message.message_id:
        return None
    return permanent_error(refusal.reason, refusal.problem, refusal.http_status, refusal.error_code)


def resumed(progress: Progress, event: ConsumerEvent) -> Progress:
    """
    Return where a try of ``event`` goes on.

    After the refusal of another copy it begins anew, since a refusal leaves no doubt. Parts that
    LivePerson has taken are not sent again, unless the content of the event has changed.
    """
    refusal = progress.refusal
    if refusal is None:
        return progress
    return Progress(progress.parts_sent if refusal.content == _content(event) else 0)


def in_doubt_since(progress: Progress, message: QueueMessage) -> float | None:
    """
    Return until when an earlier try may have sent the next part; None if none did.

    In seconds since 1970; an echo that is not there :data:`.sending.ECHO_SECONDS` later never
    comes.
    """
    if progress.ambiguous_at is not None:
        return progress.ambiguous_at
    known = progress.settled_message == message.message_id
    begun = progress.begun_receive if known else 0
    if progress.settled_receives < begun < message.receive_count:
        return progress.begun_at + TRY_SECONDS
    if known and progress.settled_receives:
        return None
    if CUT_OFF_ATTRIBUTE in message.attributes and not known:
        return message.sent_at.timestamp()
    if message.receive_count > 1 and not begun:
        return message.first_received_at.timestamp() + FIRST_TRY_SECONDS + TRY_SECONDS
    return None


def leaves_a_note(message: QueueMessage, now: float) -> bool:
    """Whether a try must be noted before it sends anything; a plain first one need not be."""
    late = now - message.first_received_at.timestamp() > FIRST_TRY_SECONDS
    return message.receive_count > 1 or late


def begun(progress: Progress, message: QueueMessage, now: float) -> Progress:
    """
    Note that this try is about to send something, whatever earlier ones came to.

    One that was cut off may have been about to open a conversation.
    """
    return replace(
        progress,
        may_have_opened=progress.may_have_opened or in_doubt_since(progress, message) is not None,
        settled_receives=message.receive_count - 1,
        settled_message=message.message_id,
        begun_receive=message.receive_count,
        begun_at=now,
        ambiguous_at=None,
    )


def after_part(progress: Progress, sent: int, parts: int) -> Progress:
    """Note that LivePerson has taken ``sent`` of an event's ``parts``; only the next is open."""
    if sent == parts:
        return Progress(sent, done=True)
    return replace(
        progress,
        parts_sent=sent,
        ambiguous_at=None,
        refusals=0,
        may_have_opened=False,
        refusal=None,
    )


def settled(progress: Progress, message: QueueMessage, doubt: float | None) -> Progress:
    """Note that the outcome of every try of ``message`` is known, except for a ``doubt``."""
    return replace(
        progress,
        settled_receives=message.receive_count,
        settled_message=message.message_id,
        begun_receive=0,
        begun_at=0.0,
        ambiguous_at=doubt,
    )


def refused(
    progress: Progress, event: ConsumerEvent, message: QueueMessage, error: Permanent, now: float
) -> Progress:
    """Note that ``event``, as this message has it, will never be taken."""
    refusal = Refusal(
        at=now,
        message_id=message.message_id,
        content=_content(event),
        reason=error.reason,
        problem=str(error),
        http_status=error.http_status,
        error_code=error.error_code,
    )
    return Progress(resumed(progress, event).parts_sent, refusal=refusal)


def _content(event: ConsumerEvent) -> str:
    """Return a digest of an event's fields: equal for another copy with the same content."""
    return hashlib.sha256(json.dumps(event.raw, sort_keys=True).encode()).hexdigest()[:32]
