"""LivePerson calls us: prove it is LivePerson, queue what happened, answer at once."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from .. import observe
from ..accounts import Credentials, is_account_id
from ..cache import Cache
from ..errors import NotQueued, TooLarge, Transient, UnreadableMessage, UntrustedWebhook
from ..liveperson import signatures
from ..liveperson.notifications import (
    CONVERSATION_CHANGE,
    Change,
    read_conversation_change,
    read_webhook,
)
from ..messages import Letter, token, unique
from .ports import Outbox

# A quarter of what a queue message may hold: written as ASCII JSON a body grows to at most
# three times its bytes, and then its changes still fit one SQS call.
MAX_BODY_BYTES = 256 * 1024

CLAIM_ATTRIBUTE = "claim"
"""On a conversation change that is only to say whose the conversation is."""

# A rotated secret is noticed at the first webhook it signs, but a stranger's bad signatures
# make us read Parameter Store at most this often.
REREAD_SECONDS = 30.0

_compact = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True)
class Accepted:
    """What became of a webhook: how many changes were queued, which secret had signed it."""

    account_id: str
    changes: int
    secret: str
    unreadable: UnreadableMessage | None = None


@dataclass(frozen=True)
class WebhookIntake:
    """Takes LivePerson's webhooks. ``credentials`` answers none for unknown accounts."""

    credentials: Cache[Credentials | None]
    notifications: Outbox
    dead_letters: Outbox

    def receive(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """
        Queue the changes that ``body`` tells of, in order.

        What LivePerson signed but we can't read goes to the dead letters, where an operator sees
        it. Raises :class:`TooLarge`, :class:`UntrustedWebhook`, or :class:`NotQueued` when AWS
        did not take it; LivePerson then sends it again.
        """
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        account_id = headers.get(signatures.ACCOUNT_HEADER, "")
        secret = self._prove(account_id, headers, body)
        try:
            changes = read_webhook(account_id, body)
        except UnreadableMessage as unreadable:
            self._send(self.dead_letters, [_unreadable(account_id, body, unreadable)])
            return Accepted(account_id, 0, secret, unreadable)
        claims = [_claim(change) for change in changes if _is_beginning(change)]
        self._send(self.notifications, claims + [_letter(change) for change in changes])
        return Accepted(account_id, len(changes), secret)

    def _prove(self, account_id: str, headers: Mapping[str, str], body: bytes) -> str:
        if not is_account_id(account_id):
            raise UntrustedWebhook("no account is named")
        signatures.parse(headers.get(signatures.SIGNATURE_HEADER, ""))  # before anything is read
        try:
            return self._verify(self.credentials.get(account_id), headers, body)
        except UntrustedWebhook:
            newest = self.credentials.refresh(account_id, at_least=REREAD_SECONDS)
            return self._verify(newest, headers, body)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None

    @staticmethod
    def _verify(credentials: Credentials | None, headers: Mapping[str, str], body: bytes) -> str:
        if credentials is None:
            raise UntrustedWebhook("the account is not configured")
        return signatures.verify(body, headers, credentials)

    @staticmethod
    def _send(outbox: Outbox, letters: list[Letter]) -> None:
        try:
            outbox.send(letters)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None


def to_queue(change: Change) -> str:
    """Write a change as the queue keeps it: plain JSON, in ASCII so that SQS takes any text."""
    return _compact({"account_id": change.account_id, "type": change.kind, "change": change.raw})


def read_queued(body: str) -> Change:
    """Read back what :func:`to_queue` wrote, or raise :class:`UnreadableMessage`."""
    try:
        queued = json.loads(body)
        change = Change(queued["account_id"], queued["type"], queued["change"])
        readable = isinstance(change.raw, dict) and bool(change.conversation_id)
    except (ValueError, KeyError, TypeError, RecursionError):
        readable = False
    if not readable:
        raise UnreadableMessage("the queued message is not a notification")
    return change


def _is_beginning(change: Change) -> bool:
    """Whether it tells of a conversation that nobody has joined yet: a new one, most likely."""
    if change.kind != CONVERSATION_CHANGE:
        return False
    said = read_conversation_change(change)
    return said.agent_id is None and not said.is_closed


def _claim(change: Change) -> Letter:
    """
    Let it be known at once whose a new conversation is, beside what will be told of it.

    A message that overtook this change would stand before it in their group, and wait in vain.
    """
    return Letter(
        body=to_queue(change),
        group=_quick(change),
        identity=token(change.account_id, change.identity or "", CLAIM_ATTRIBUTE),
        attributes={CLAIM_ATTRIBUTE: "only", **observe.traced()},
    )


def _quick(change: Change) -> str:
    """Return the group of what is told to nobody, and must not wait for a channel."""
    return token(change.account_id, change.conversation_id, "echo")


def _letter(change: Change) -> Letter:
    # An echo is told to nobody, but settles a send whose answer got lost.
    plain, identity = token(change.account_id, change.conversation_id), change.identity
    return Letter(
        body=to_queue(change),
        group=_quick(change) if change.is_consumers else plain,
        identity=token(change.account_id, identity) if identity else unique(),
        attributes=observe.traced(),
    )


def _unreadable(account_id: str, body: bytes, why: UnreadableMessage) -> Letter:
    kept = {"account_id": account_id, "body_base64": base64.b64encode(body).decode()}
    return Letter(
        body=json.dumps(kept),
        group=token(account_id, "unreadable"),
        identity=token(account_id, kept["body_base64"]),
        attributes={
            "reason": why.reason,
            "problem": str(why),
            "attempts": "1",
            **observe.traced(),
        },
    )
