"""
Call the Send API, by which consumers act.

CONVERSATION opens a conversation with a batch of two requests, SEND carries one
(https://developers.liveperson.com/connector-api-send-api-conversation.html, …-send.html). Every
call carries both tokens.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..domain.errors import ConnectorError, LivePersonRefused, LivePersonUnavailable
from . import payloads
from .app_jwt import AppJwt
from .consumer_jws import ConsumerJws
from .domains import ASYNC_MESSAGING, Domains
from .http import LivePersonHttp, error_of
from .payloads import Opening, Request

# LivePerson documents the wording by one example only
# (https://developers.liveperson.com/connector-api-send-api-conversation.html), so any similar words
# count: a false match delays the consumer's message, an overlooked one would refuse it.
_ALREADY_OPEN = re.compile(
    r"already|duplicate"
    r"|\b(open|opened|active|ongoing|existing|current) (conversation|dialog)"
    r"|\b(conversation|dialog)s? (is |are |still |currently )*(open|opened|active|ongoing|exists)\b"
)
_CONFLICT = 409


class AlreadyOpen(ConnectorError):
    """The consumer has an open conversation already; LivePerson does not say which."""

    reason = "already_open"


@dataclass(frozen=True)
class OnBehalf:
    """
    The two tokens in the headers of every Send API call: the app's and the consumer's.

    ``features`` are the abilities of the consumer's client; every call of a conversation that was
    opened with features must repeat them.
    """

    account_id: str
    app_jwt: AppJwt
    consumer_jws: ConsumerJws
    features: tuple[str, ...] = ()

    def headers(self) -> dict[str, str]:
        """Return the headers; the AppJWT is sent raw, without ``Bearer``."""
        headers = {
            "Authorization": self.app_jwt.token,
            "X-LP-ON-BEHALF": self.consumer_jws.token,
        }
        if self.features:
            headers["Client-Properties"] = payloads.client_properties(self.features)
        return headers


class SendApi:
    """Calls CONVERSATION and SEND."""

    def __init__(self, http: LivePersonHttp, domains: Domains) -> None:
        self._http = http
        self._domains = domains

    def open_conversation(self, who: OnBehalf, opening: Opening) -> str:
        """
        Open a conversation and return its id, which is also the id of its main dialog.

        Raises :class:`AlreadyOpen` if the consumer seems to have one. A repeat is always safe,
        since LivePerson allows one open conversation per consumer.
        """
        batch = [
            envelope(payloads.profile(opening.profile)),
            envelope(payloads.conversation(who.account_id, opening.routing)),
        ]
        try:
            answers = self._post(who, "conversation", batch)
        except LivePersonRefused as refused:
            if refused.http_status == _CONFLICT or is_already_open(
                refused.error_code, refused.said
            ):
                raise AlreadyOpen("the consumer has an open conversation") from None
            raise
        return _conversation_id(answers, request_id=batch[1]["id"])

    def send(self, who: OnBehalf, request: Request) -> Mapping[str, Any]:
        """
        Send one request and return the body of its answer.

        A request of more than 5,000 characters is refused; :mod:`.text` cuts longer texts.
        """
        answer = self._post(who, "conversation/send", envelope(request))
        body = answer.get("body") if isinstance(answer, dict) else None
        return body if isinstance(body, dict) else {}

    def publish(self, who: OnBehalf, request: Request) -> int | None:
        """
        Send one event; return its sequence in the dialog, ``None`` if the answer has none.

        The first sequence of a dialog is 0.
        """
        sequence = self.send(who, request).get("sequence")
        return sequence if isinstance(sequence, int) else None

    def _post(self, who: OnBehalf, method: str, body: object) -> Any:
        account = quote(who.account_id)
        with self._domains.reach(who.account_id, ASYNC_MESSAGING) as base:
            return self._http.post_json(
                f"{base}/api/account/{account}/messaging/consumer/{method}?v=3",
                body,
                who.headers(),
            )


def envelope(request: Request) -> dict[str, Any]:
    """
    Write a request as ``{"kind": "req", "id": …, "type": …, "body": …}``, with its metadata.

    Its id is new for every try: LivePerson does not recognise repeats by it.
    """
    written: dict[str, Any] = {
        "kind": "req",
        "id": str(uuid.uuid4()),
        "type": request.type,
        "body": request.body,
    }
    if request.metadata:
        written["metadata"] = list(request.metadata)
    return written


def is_already_open(code: str | None, said: str) -> bool:
    """Whether LivePerson's code or words look like "already has open conversation"."""
    words = re.sub(r"[\W_]+", " ", f"{code or ''} {said}").casefold()
    return _ALREADY_OPEN.search(words) is not None


def _conversation_id(answers: object, *, request_id: str) -> str:
    """Find the answer to our request by its id; only LivePerson's samples promise an order."""
    for answer in answers if isinstance(answers, list) else []:
        if isinstance(answer, dict) and str(answer.get("reqId")) == request_id:
            body = answer.get("body")
            if isinstance(body, dict) and isinstance(body.get("conversationId"), str):
                return str(body["conversationId"])
    if is_already_open(*error_of(answers)):
        raise AlreadyOpen("the consumer has an open conversation")
    raise LivePersonUnavailable("CONVERSATION's answer names no conversation", maybe_done=True)
