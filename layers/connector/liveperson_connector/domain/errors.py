"""
Everything that can go wrong, as a tree.

::

    ConnectorError
    ├── Refused                     a caller gets an answer at once; nothing was queued
    │   ├── UntrustedWebhook        401  nothing proves LivePerson, or a ready channel's provider
    │   ├── UnreadableWebhook       400  a provider's webhook has not the provider's form
    │   ├── InvalidEvent            400  a consumer event breaks the contract
    │   ├── UnknownAccount          404  no such account is configured
    │   ├── UnknownChannel          404  no such ready channel is configured
    │   ├── WrongKey                403  the API key does not act for this account
    │   ├── NoSuchRoute             404  nothing is served at this path
    │   ├── NoSuchFile              404  an agent's file that is not kept, or not any more
    │   ├── TooLarge                413  more than the queue carries
    │   └── NotQueued               503  the queue did not take it in time; send it again
    ├── Transient                   worth another try: the queue offers the message again
    │   ├── LivePersonUnavailable   time-out, broken connection, 5xx
    │   │   ├── BadAppJwt           Sentinel's or a stored token is not this account's
    │   │   ├── BadConsumerJws      IDP's token names no consumer
    │   │   └── UntrustedHost       an address that no secret is sent to
    │   ├── LivePersonBusy          429
    │   ├── LivePersonConflict      409, and nothing tells what it is about
    │   ├── AppJwtRejected          40102, even with a token renewed just now
    │   ├── AppJwtMissing           none is stored, or the stored one has expired
    │   ├── ConversationUnknown     LivePerson has one open for the consumer; we wait for its name
    │   ├── ConversationNotReady    it was opened just now and does not take messages yet
    │   ├── CircuitOpen             its destination is down; this was no try
    │   │   ├── ProbeFailed         the call found out that it is still down
    │   │   └── Paused              an operator lets the account's messages wait
    │   ├── GroupHeld               an earlier message of its group is a dead letter
    │   ├── EchoAwaited             a send may have arrived; its echo would tell
    │   ├── NotificationEarly       its conversation may be ours, its record is not written yet
    │   ├── ReportEarly             a provider's report came before the note of its message
    │   ├── ChannelBusy             a provider's 429, and what a provider is not to be sent so fast
    │   ├── ChannelUnavailable      the same as LivePersonUnavailable, on the channel's side
    │   ├── MisconfiguredAccount    a parameter is missing or malformed; an operator fixes it
    │   ├── AwsUnavailable          a throttled or failing AWS call
    │   └── Unexpected              a fault of ours; the log has its place
    └── Permanent                   another try cannot help: a person should look
        ├── LivePersonRefused       any other 4xx
        │   └── ConsumerJwsRejected  40103, even with a ConsumerJWS minted just now
        ├── NoConversation          there is none that the event could belong to
        ├── FileRefused             a file that LivePerson would not take
        ├── ChannelRefused          410, and any 4xx that is not a matter of time
        │   ├── BlockedByUser       the person does not want to be written to
        │   ├── UnknownRecipient    the provider knows no such person
        │   ├── WindowClosed        the person has been silent for too long to be written to
        │   ├── NotAllowed          the channel may not do this at the provider
        │   ├── InvalidMessage      the provider finds a fault with the message
        │   └── NotCarried          a file that the provider does not take
        └── UnreadableMessage       a queued message is not one of ours
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeVar

_Kind = TypeVar("_Kind", bound="ConnectorError")


class ConnectorError(Exception):
    """
    Base of all. ``reason`` is the word for it in dead letters, metrics and logs.

    ``outage_of`` is the destination that is down if errors of this class go on, and not just this
    message in trouble; ``answer_of`` the destination that has answered, if the error is its answer.
    A circuit breaker opens by the first and closes by the second.
    """

    reason: ClassVar[str] = "error"
    outage_of: ClassVar[str] = ""
    answer_of: ClassVar[str] = ""


# ── Refused: the answer to a caller ────────────────────────────────────────────────────────


class Refused(ConnectorError):
    """A caller's request is not accepted; ``status`` is the HTTP status that says so."""

    status: ClassVar[int] = 400


class UntrustedWebhook(Refused):
    """A webhook without the proof of LivePerson or of a provider, for example no signature."""

    reason = "untrusted_webhook"
    status = 401


class UnreadableWebhook(Refused):
    """A provider's webhook that is proven, and has not the form that the provider documents."""

    reason = "unreadable_webhook"
    status = 400


@dataclass(frozen=True)
class Problem:
    """
    One thing wrong with a consumer event: where (a path like ``conversation.profile``), what.

    ``is_named`` is false where the path may have names that are not the contract's, as in fields
    that are passed on: those may quote people, and are not logged.
    """

    path: str
    problem: str
    is_named: bool = True

    def __str__(self) -> str:
        return f"{self.path if self.is_named else '…'}: {self.problem}"


class InvalidEvent(Refused):
    """
    A consumer event that breaks the contract; ``problems`` lists all that were found.

    The error's text, which is logged, contains the first ones.
    """

    reason = "invalid_event"
    status = 400

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems[:10])))
        self.problems = problems


class UnknownAccount(Refused):
    """An account whose parameters are not written."""

    reason = "unknown_account"
    status = 404


class UnknownChannel(Refused):
    """A ready channel whose parameter is not written."""

    reason = "unknown_channel"
    status = 404


class WrongKey(Refused):
    """An API key that is valid, and does not act for the account."""

    reason = "wrong_key"
    status = 403


class NoSuchRoute(Refused):
    """A path that the channel API does not serve, for example one without ``/events``."""

    reason = "no_such_route"
    status = 404


class NoSuchFile(Refused):
    """A file that the channel requests and that does not exist, for example an expired one."""

    reason = "no_such_file"
    status = 404


class TooLarge(Refused):
    """A body larger than a queue message may become."""

    reason = "too_large"
    status = 413


class NotQueued(Refused):
    """AWS did not accept the message in time; the caller keeps it and sends it again."""

    reason = "not_queued"
    status = 503


# ── Transient: the queue offers the message again ──────────────────────────────────────────


class Transient(ConnectorError):
    """
    Trying again later may help.

    ``retry_after`` is the minimum wait in seconds if the partner named one. ``maybe_done`` is true
    if the partner may have acted although no answer came, ``maybe_opened`` if it may have opened a
    conversation. ``http_status`` and ``error_code`` are those of the answer, if there was one. An
    error whose class sets ``is_try`` to false is a wait: no partner was called, so no try failed.
    ``pace`` names the back-off, in ``delivery/retries.py``, for errors that name no wait.
    """

    is_try: ClassVar[bool] = True
    pace: ClassVar[str] = "failed"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        maybe_done: bool = False,
        http_status: int | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.maybe_done = maybe_done
        self.maybe_opened = False
        self.http_status = http_status
        self.error_code = error_code


@contextmanager
def harmless() -> Iterator[None]:
    """Clear ``maybe_done`` of a failure within: repeating the call does no harm."""
    try:
        yield
    except Transient as error:
        error.maybe_done = False
        raise


class LivePersonUnavailable(Transient):
    """LivePerson did not answer, or answered 5xx."""

    reason = "liveperson_unavailable"
    outage_of = "liveperson"


class BadAppJwt(LivePersonUnavailable):
    """A token that is not an AppJWT of this account and app, for example an expired one."""

    reason = "bad_app_jwt"


class BadConsumerJws(LivePersonUnavailable):
    """IDP's answer contains no ConsumerJWS that names the consumer."""

    reason = "bad_consumer_jws"


class UntrustedHost(LivePersonUnavailable):
    """A base address that is neither LivePerson's nor loopback; no secret is sent there."""

    reason = "untrusted_host"


class LivePersonBusy(Transient):
    """LivePerson answered 429: too many requests at a time."""

    reason = "liveperson_busy"
    pace = "busy"


class LivePersonConflict(Transient):
    """LivePerson answered 409: the request does not fit the state, which may change soon."""

    reason = "liveperson_conflict"
    answer_of = "liveperson"


class AppJwtRejected(Transient):
    """LivePerson does not accept the AppJWT (errorCode 40102)."""

    reason = "app_jwt_rejected"


class AppJwtMissing(Transient):
    """There is no usable AppJWT; ``token_refresh`` was asked for one."""

    reason = "app_jwt_missing"
    outage_of = "liveperson"


class ConversationUnknown(Transient):
    """The consumer has an open conversation at LivePerson whose id is unknown here."""

    reason = "conversation_unknown"
    answer_of = "liveperson"


class ConversationNotReady(Transient):
    """A conversation that was just opened does not accept its first message yet."""

    reason = "conversation_not_ready"
    answer_of = "liveperson"


class CircuitOpen(Transient):
    """The destination is down; the message waits, and this does not count as a try."""

    reason = "outage"
    is_try = False


class ProbeFailed(CircuitOpen):
    """A probe found the destination still down; this does not count as a try."""


class Paused(CircuitOpen):
    """An operator has paused the account's messages to the destination; this is no try either."""

    reason = "paused"


class GroupHeld(Transient):
    """An earlier message of the group is a dead letter; this one follows it, to keep the order."""

    reason = "held_behind"


class EchoAwaited(Transient):
    """A message may have been sent; whether to send it again is decided by its echo."""

    reason = "echo_awaited"
    is_try = False


class NotificationEarly(Transient):
    """A notification arrived before the record of its conversation was written."""

    reason = "notification_early"
    is_try = False


class ReportEarly(Transient):
    """A provider's report arrived before its message was recorded."""

    reason = "report_early"
    is_try = False


class ChannelBusy(Transient):
    """A provider limits the rate of requests."""

    reason = "channel_busy"
    pace = "busy"


class ChannelUnavailable(Transient):
    """The channel's callback endpoint did not answer, or answered that it cannot now."""

    reason = "channel_unavailable"
    outage_of = "channel"


class MisconfiguredAccount(Transient):
    """A parameter of an account is missing or malformed. The message says what to write where."""

    reason = "misconfigured_account"
    outage_of = "channel"


class AwsUnavailable(Transient):
    """A call of an AWS service failed, for example because of throttling."""

    reason = "aws_unavailable"


class Unexpected(Transient):
    """A bug. The message is retried like any other, so that a fixed version can handle it."""

    reason = "unexpected"


# ── Permanent: a person should look ────────────────────────────────────────────────────────


class Permanent(ConnectorError):
    """Trying again cannot help. ``http_status`` and ``error_code`` are those of the answer."""

    def __init__(
        self, message: str, *, http_status: int | None = None, error_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.error_code = error_code


class LivePersonRefused(Permanent):
    """
    LivePerson answered 4xx: it will never accept this request.

    ``said`` are LivePerson's own words. They may repeat what a consumer wrote, so they are only for
    code to decide by; they are never shown, and the error's text contains none of them.
    """

    reason = "liveperson_refused"
    answer_of = "liveperson"
    said = ""


class ConsumerJwsRejected(LivePersonRefused):
    """LivePerson does not accept the ConsumerJWS (errorCode 40103), even a new one."""

    reason = "consumer_jws_rejected"


class NoConversation(Permanent):
    """An event, for example a receipt, needs a conversation, and the consumer has none."""

    reason = "no_conversation"


class FileRefused(Permanent):
    """A consumer's file that LivePerson would refuse, for example one of more than 3 MB."""

    reason = "file_refused"


class ChannelRefused(Permanent):
    """The channel answered that it will never accept this callback."""

    reason = "channel_refused"
    answer_of = "channel"


class BlockedByUser(ChannelRefused):
    """The person has blocked the brand, or has asked for no more messages."""

    reason = "blocked_by_user"


class UnknownRecipient(ChannelRefused):
    """The provider knows no such person, or none who can be written to."""

    reason = "unknown_recipient"


class WindowClosed(ChannelRefused):
    """The provider's window for free text is closed: the person was silent for too long."""

    reason = "window_closed"


class NotAllowed(ChannelRefused):
    """The brand's account at the provider may not do this."""

    reason = "not_allowed"


class InvalidMessage(ChannelRefused):
    """The provider finds a fault with the message itself."""

    reason = "invalid_message"


class NotCarried(ChannelRefused):
    """A file that the channel cannot carry, for its type or its size."""

    reason = "not_carried"
    answer_of = ""  # no call was made


def provider_refusal(
    reason: str, problem: str, http_status: int | None, error_code: str | None
) -> ChannelRefused:
    """Return the error for a provider's refusal with this ``reason``."""
    kinds = {kind.reason: kind for kind in _descendants(ChannelRefused)}
    kind = kinds.get(reason, ChannelRefused)
    return kind(problem, http_status=http_status, error_code=error_code)


class UnreadableMessage(Permanent):
    """A queued message or a webhook's body does not have the expected form."""

    reason = "unreadable"


def transient_reasons() -> frozenset[str]:
    """Return the words of the errors whose dead letters come back by themselves."""
    return frozenset(kind.reason for kind in _descendants(Transient))


def permanent_error(
    reason: str, problem: str, http_status: int | None, error_code: str | None
) -> Permanent:
    """Make the error again of which this was kept."""
    kinds = {kind.reason: kind for kind in _descendants(Permanent)}
    kind = kinds.get(reason, LivePersonRefused)
    return kind(problem, http_status=http_status, error_code=error_code)


def _descendants(kind: type[_Kind]) -> Iterator[type[_Kind]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
