"""
LivePerson and the channel, as far as the connector's promises are about them.

LivePerson keeps to one open conversation a consumer, numbers what is said in a dialog, and
reports everything to the webhook: texts and the states of conversations each in their own order,
and now and then twice. Both remember what they were told, and by which event of whom.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import jwt

from liveperson_connector.channel.callbacks import sign
from tests.support.accounts import CLIENT_ID
from tests.support.webhooks import (
    conversation_change,
    conversation_notification,
    message_change,
    notification,
    without,
)

from .fake_http import Call, Reply
from .faults import Faults
from .scheduler import Scheduler

AGENT = "agent-1"
REFUSED_WORD, POISON_WORD = "[refused]", "[poison]"
MENDED_WORD, UNLUCKY_WORD = "[mended]", "[unlucky]"

# So often in a row what has the unlucky word is answered 503, each time.
UNLUCKY_TIMES = 3

_SERVICES = ("sentinel", "idp", "asyncMessagingEnt", "swift", "acCdnDomain")
_OK = "OK"
_KEY = "only LivePerson checks signatures of tokens"

Object = dict[str, Any]
Cause = tuple[str, float]
"""Which event a request is about, and when it left."""

Send = Callable[[str, str, str, bytes, Callable[[], None]], None]


@dataclass
class Line:
    """
    Something that was said: when, by whom, under which sequence; ``event_id`` caused it.

    ``left_at`` is when its request left the connector, ``intake_at`` when its webhook got its 200.
    """

    at: float
    text: str
    sequence: int
    role: str
    event_id: str = ""
    audience: str = "ALL"
    left_at: float = 0.0
    intake_at: float | None = None


@dataclass(frozen=True)
class Receipt:
    """What an agent did with a message; ``number`` is that message's, or ``None``."""

    status: str
    read: int
    number: int | None


@dataclass
class Conversation:
    """A conversation at LivePerson; ``told`` are the consumer's receipts, by status and number."""

    account_id: str
    conversation_id: str
    lp_consumer_id: str
    consumer_key: str = ""
    is_open: bool = True
    agent: str | None = None
    updated_at: int = 0
    lines: list[Line] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    told: set[tuple[str, int]] = field(default_factory=set)
    was_closed: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether a consumer of ours takes part."""
        return bool(self.consumer_key)


class LivePerson:
    """The model. ``deliver`` sends a webhook: account, lane, body, and what to do at its 200."""

    def __init__(self, kernel: Scheduler, faults: Faults, chance: Random, deliver: Send) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.calls: list[tuple[float, str, str]] = []
        self.spoken: list[tuple[Conversation, Line]] = []
        self._kernel = kernel
        self._faults = faults
        self._chance = chance
        self._deliver = deliver
        self._revoked_at = 0.0
        self._consumers_revoked_at = 0.0
        self._count = 0
        self._unlucky: Counter[str] = Counter()

    # ── What the wire carries ──

    @staticmethod
    def route(url: str, _headers: Mapping[str, str]) -> tuple[str, str]:
        """Name service and account of an address."""
        parts = urlsplit(url)
        account_id = parts.path.partition("/api/account/")[2].split("/")[0]
        host = (parts.hostname or "").split(".")[0]
        if host == "domain":
            return "domain", account_id
        if host == "asyncmessagingent":
            return ("send" if parts.path.endswith("/send") else "conversation"), account_id
        return host, account_id

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request as it leaves; what is returned does it, whenever it arrives."""
        self.calls.append((self._kernel.now, call.account_id, call.service))
        task = self._kernel.current
        about = (task.about if task else "", self._kernel.now)
        act = {
            "domain": self._domains,
            "sentinel": self._sentinel,
            "idp": self._idp,
            "conversation": self._conversation,
            "send": self._send,
            "accdndomain": self._agent_profile,
        }[call.service]
        return lambda: act(call, about)

    def unlucky(self, call: Call) -> bool:
        """Whether this request is one of the first few that are answered 503, whatever it is."""
        if call.service != "send" or UNLUCKY_WORD.encode() not in call.body:
            return False
        text = json.loads(call.body)["body"]["event"]["message"]
        self._unlucky[text] += 1
        return self._unlucky[text] <= UNLUCKY_TIMES

    def _domains(self, _call: Call, _about: Cause) -> Reply:
        hosts = [
            {"service": each, "baseURI": f"{each.lower()}.liveperson.net"} for each in _SERVICES
        ]
        return Reply(200, {"baseURIs": hosts})

    def _agent_profile(self, _call: Call, _about: Cause) -> Reply:
        return Reply(200, {"nickname": "Alex"})

    def _sentinel(self, call: Call, _about: Cause) -> Reply:
        now = self._kernel.now
        self._count += 1
        claims = {
            "aud": call.account_id,
            "azp": CLIENT_ID,
            "iss": "Sentinel",
            "iat": now,
            "exp": int(now) + 3600,
            "jti": str(self._count),
        }
        return Reply(200, {"access_token": jwt.encode(claims, _KEY, algorithm="HS256")})

    def _idp(self, call: Call, _about: Cause) -> Reply:
        if refusal := self._rejected_app(call):
            return refusal
        key = json.loads(call.body)["ext_consumer_id"]
        claims = {"lp_consumer_id": f"lp-{key[:16]}", "key": key, "iat": self._kernel.now}
        return Reply(200, {"token": jwt.encode(claims, _KEY, algorithm="HS256")})

    def _conversation(self, call: Call, _about: Cause) -> Reply:
        if refusal := self._rejected_app(call) or self._rejected_consumer(call):
            return refusal
        claims = _claims(call.headers["X-LP-ON-BEHALF"])
        if any(
            each.is_open and each.lp_consumer_id == claims["lp_consumer_id"]
            for each in self.conversations.values()
        ):
            title = "consumer already has open conversation"
            return Reply(400, [{"code": "BAD_REQUEST", "body": {"title": title}}])
        opened = self._open(call.account_id, claims["lp_consumer_id"], claims["key"])
        ask = json.loads(call.body)[1]
        return Reply(
            200,
            [{"reqId": ask["id"], "code": _OK, "body": {"conversationId": opened.conversation_id}}],
        )

    def _send(self, call: Call, about: Cause) -> Reply:
        if refusal := self._rejected_app(call) or self._rejected_consumer(call):
            return refusal
        asked = json.loads(call.body)
        if asked["type"] == "userprofile.SetUserProfile":
            return Reply(200, {"code": _OK, "body": {}})
        conversation = self.conversations.get(asked["body"].get("conversationId", ""))
        if asked["type"] == "cm.UpdateConversationField":
            return self._close_for_consumer(conversation)
        if conversation is None or not conversation.is_open:
            return _refusal("CONVERSATION_CLOSED")
        return self._publish(conversation, asked["body"]["event"], about)

    def _publish(self, conversation: Conversation, event: Object, about: Cause) -> Reply:
        if event["type"] == "AcceptStatusEvent":
            conversation.told |= {(event["status"], each) for each in event["sequenceList"]}
        if event["type"] != "ContentEvent":
            return Reply(200, {"code": _OK, "body": {}})
        text = event["message"]
        if REFUSED_WORD in text:
            return _refusal("BAD_WORDS")
        if POISON_WORD in text:
            return Reply(500)
        line = self._say(conversation, text, "CONSUMER", about)
        return Reply(200, {"code": _OK, "body": {"sequence": line.sequence}})

    def _rejected_app(self, call: Call) -> Reply | None:
        claims = _claims(call.headers["Authorization"])
        if claims["iat"] < self._revoked_at or claims["exp"] <= self._kernel.now:
            return Reply(401, {"code": 401, "body": {"errorCode": 40102, "title": "rejected"}})
        return None

    def _rejected_consumer(self, call: Call) -> Reply | None:
        if _claims(call.headers["X-LP-ON-BEHALF"])["iat"] < self._consumers_revoked_at:
            return Reply(401, {"code": 401, "body": {"errorCode": 40103, "title": "rejected"}})
        return None

    # ── What people do there ──

    def revoke_tokens(self) -> None:
        """Accept no AppJWT that was issued before now."""
        self._revoked_at = self._kernel.now

    def revoke_consumer_tokens(self) -> None:
        """Accept no ConsumerJWS that was issued before now."""
        self._consumers_revoked_at = self._kernel.now

    def open_of(self, consumer_key: str) -> Conversation | None:
        """Find the open conversation of a consumer of ours."""
        for each in reversed(self.conversations.values()):
            if each.consumer_key == consumer_key and each.is_open:
                return each
        return None

    def agent_says(self, conversation: Conversation, text: str, audience: str = "ALL") -> None:
        """Let the agent say something, who joins for it."""
        if conversation.agent is None:
            conversation.agent = AGENT
            self._tell_state(conversation)
        self._say(conversation, text, "ASSIGNED_AGENT", audience=audience)

    def agent_reads(self, conversation: Conversation) -> None:
        """Let the agent read what was said last, with its number or with none."""
        last = conversation.lines[-1] if conversation.lines else None
        if last is None or last.role != "CONSUMER":
            return
        for status in ("ACCEPT", "READ"):
            number = self._chance.choice((last.sequence, None))
            told = {each for each in conversation.receipts if each.read == last.sequence}
            if not any(each.status == status for each in told):
                self._tell_receipt(conversation, Receipt(status, last.sequence, number))

    def close(self, conversation: Conversation) -> None:
        """End a conversation."""
        if conversation.is_open:
            conversation.is_open, conversation.was_closed = False, True
            self._tell_state(conversation)

    def reopen(self, consumer_key: str) -> None:
        """Open a consumer's last conversation again, if none is open."""
        own = [each for each in self.conversations.values() if each.consumer_key == consumer_key]
        if own and not any(each.is_open for each in own):
            own[-1].is_open = True
            self._tell_state(own[-1])

    def foreign(self, account_id: str, text: str) -> None:
        """Let somebody talk to the brand on a channel that is not ours."""
        conversation = self._open(account_id, f"stranger-{self._count}", "")
        self._say(conversation, text, "CONSUMER")
        self.agent_says(conversation, text)

    def _close_for_consumer(self, conversation: Conversation | None) -> Reply:
        if conversation is None or not conversation.is_open:
            return _refusal("CONVERSATION_CLOSED")
        self.close(conversation)
        return Reply(200, {"code": _OK, "body": {}})

    def _open(self, account_id: str, lp_consumer_id: str, key: str) -> Conversation:
        self._count += 1
        opened = Conversation(account_id, f"conversation-{self._count}", lp_consumer_id, key)
        self.conversations[opened.conversation_id] = opened
        self._tell_state(opened)
        return opened

    def _say(
        self,
        conversation: Conversation,
        text: str,
        role: str,
        about: Cause = ("", 0.0),
        audience: str = "ALL",
    ) -> Line:
        now = self._kernel.now
        line = Line(now, text, len(conversation.lines), role, about[0], audience, about[1])
        conversation.lines.append(line)
        self.spoken.append((conversation, line))
        change = message_change(
            text,
            sequence=line.sequence,
            role=role,
            sender=conversation.lp_consumer_id if role == "CONSUMER" else AGENT,
            conversation_id=conversation.conversation_id,
            messageAudience=audience,
            dialogId=conversation.conversation_id,
            serverTimestamp=int(now * 1000),
        )

        def arrived() -> None:
            line.intake_at = line.intake_at or self._kernel.now

        self._deliver(
            conversation.account_id,
            f"{conversation.conversation_id} said",
            conversation.conversation_id,
            notification(change),
            arrived,
        )
        return line

    def _tell_receipt(self, conversation: Conversation, receipt: Receipt) -> None:
        conversation.receipts.append(receipt)
        event = {
            "type": "AcceptStatusEvent",
            "status": receipt.status,
            "sequenceList": [receipt.read],
        }
        change = message_change(
            sender=AGENT,
            conversation_id=conversation.conversation_id,
            event=event,
            serverTimestamp=int(self._kernel.now * 1000),
        )
        number = {} if receipt.number is None else {"sequence": receipt.number}
        self._deliver(
            conversation.account_id,
            f"{conversation.conversation_id} receipts",
            conversation.conversation_id,
            notification({**without(change, "sequence"), **number}),
            lambda: None,
        )

    def _tell_state(self, conversation: Conversation) -> None:
        conversation.updated_at = max(conversation.updated_at + 1, int(self._kernel.now * 1000))
        participants = [{"id": conversation.lp_consumer_id, "role": "CONSUMER"}]
        if conversation.agent:
            participants.append({"id": conversation.agent, "role": "ASSIGNED_AGENT"})
        stage = "OPEN" if conversation.is_open else "CLOSE"
        change = conversation_change(
            conversation_id=conversation.conversation_id,
            consumer=conversation.lp_consumer_id,
            updated_at=conversation.updated_at,
            participants=participants,
            state=stage,
            stage=stage,
        )
        self._deliver(
            conversation.account_id,
            f"{conversation.conversation_id} state",
            conversation.conversation_id,
            conversation_notification(change),
            lambda: None,
        )


def _claims(token: str) -> Object:
    found: Object = jwt.decode(
        token,
        options={
            "verify_signature": False,
            "verify_exp": False,
            "verify_aud": False,
            "verify_iat": False,
        },
    )
    return found


def _refusal(code: str) -> Reply:
    return Reply(400, {"code": "BAD_REQUEST", "body": {"errorCode": code, "title": "no"}})


# ── The channel ──


@dataclass
class Callback:
    """A callback that the channel took."""

    at: float
    webhook_id: str
    body: Object


class Channel:
    """Takes callbacks; ``tries`` are all that arrived, taken or not."""

    def __init__(self, kernel: Scheduler, keys: dict[str, bytes]) -> None:
        self.callbacks: list[Callback] = []
        self.tries: list[tuple[float, str]] = []
        self.calls: list[tuple[float, str, str]] = []
        self.problems: list[str] = []
        self.ids: dict[str, str] = {}
        self.on_failed: Callable[[str], None] = lambda _event_id: None
        self._kernel = kernel
        self._keys = keys

    @staticmethod
    def route(url: str, _headers: Mapping[str, str]) -> tuple[str, str]:
        """Name the account of an address."""
        return "webhook", urlsplit(url).path.strip("/")

    @staticmethod
    def unlucky(_call: Call) -> bool:
        """Treat every request alike."""
        return False

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request as it leaves; what is returned does it, whenever it arrives."""
        self.calls.append((self._kernel.now, call.account_id, call.service))
        self._remember_id(call)
        return lambda: self._take(call)

    def _take(self, call: Call) -> Reply:
        body = json.loads(call.body)
        if REFUSED_WORD in str(body.get("content", "")):
            return Reply(422)
        webhook_id = call.headers["webhook-id"]
        is_new = all(each.webhook_id != webhook_id for each in self.callbacks)
        self.callbacks.append(Callback(self._kernel.now, webhook_id, body))
        if body["type"] == "failed" and is_new:
            self.on_failed(body["event_id"])
        return Reply(200)

    def _remember_id(self, call: Call) -> None:
        """
        Every try of a callback has the same id, and no other has it.

        An event that was sent again may fail again; that is another callback.
        """
        webhook_id, stamp = call.headers["webhook-id"], call.headers["webhook-timestamp"]
        expected = sign(self._keys[call.account_id], webhook_id, int(stamp), call.body)
        if call.headers["webhook-signature"] != expected:
            self.problems.append(f"callback {webhook_id} is signed wrong")
        body = json.loads(call.body)
        what = identity_of(body)
        told = [(f"id {webhook_id}", what)]
        if body["type"] != "failed":
            told.append((f"what {what}", webhook_id))
        for key, value in told:
            if self.ids.setdefault(key, value) != value:
                self.problems.append(f"webhook-id {webhook_id} is not that of {what} alone")


def identity_of(body: Object) -> str:
    """Return what a callback tells of, whatever try it is."""
    kept = {name: value for name, value in body.items() if name != "sent_at"}
    if kept["type"] == "message":
        kept = {name: kept[name] for name in ("type", "account_id", "dialog_id", "sequence")}
    elif kept["type"] == "failed":
        kept = {name: kept[name] for name in ("type", "account_id", "consumer_id", "event_id")}
    elif kept["type"] == "conversation":
        kept["at"] = body["sent_at"]
    return json.dumps(kept, sort_keys=True)
