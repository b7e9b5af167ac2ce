"""
The Send API: what consumers do.

CONVERSATION opens a conversation with a batch of two requests, SEND carries one
(https://developers.liveperson.com/connector-api-send-api-conversation.html, …-send.html). Every
call carries both tokens.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import ConnectorError, LivePersonRefused, LivePersonUnavailable
from .app_jwt import AppJwt
from .consumer_jws import ConsumerJws
from .domains import ASYNC_MESSAGING, Domains
from .http import LivePersonHttp

_ALREADY_OPEN = "already has open conversation"


class AlreadyOpen(ConnectorError):
    """LivePerson holds an open conversation of this consumer; it does not say which."""

    reason = "already_open"


@dataclass(frozen=True)
class OnBehalf:
    """Who calls and for whom: the two tokens in the headers of every Send API call."""

    account_id: str
    app_jwt: AppJwt
    consumer_jws: ConsumerJws

    def headers(self) -> dict[str, str]:
        """Write the headers; the AppJWT goes raw, without ``Bearer``."""
        return {
            "Authorization": self.app_jwt.token,
            "X-LP-ON-BEHALF": self.consumer_jws.token,
        }


class SendApi:
    """Calls CONVERSATION and SEND."""

    def __init__(self, http: LivePersonHttp, domains: Domains) -> None:
        self._http = http
        self._domains = domains

    def open_conversation(self, who: OnBehalf) -> str:
        """
        Open a conversation and return its id, which is also the id of its main dialog.

        Raises :class:`AlreadyOpen` when the consumer has one: a repeat is always safe, since
        LivePerson keeps to one open conversation a consumer.
        """
        batch = [
            _request("userprofile.SetUserProfile", {}),
            _request(
                "cm.ConsumerRequestConversation",
                {"brandId": who.account_id, "channelType": "MESSAGING"},
            ),
        ]
        try:
            answers = self._post(who, "conversation", batch)
        except LivePersonRefused as refused:
            if _ALREADY_OPEN in str(refused):
                raise AlreadyOpen("the consumer has an open conversation") from None
            raise
        return _conversation_id(answers, request_id=batch[1]["id"])

    def publish_text(
        self, who: OnBehalf, conversation_id: str, dialog_id: str, text: str
    ) -> int | None:
        """
        Say ``text`` in a dialog and return its sequence there.

        The text must fit LivePerson's limit of 5,000 characters a request; :mod:`.text` cuts
        longer ones.
        """
        event = {"type": "ContentEvent", "contentType": "text/plain", "message": text}
        body = {"conversationId": conversation_id, "dialogId": dialog_id, "event": event}
        answer = self._post(who, "conversation/send", _request("ms.PublishEvent", body))
        return _sequence(answer)

    def _post(self, who: OnBehalf, method: str, body: object) -> Any:
        base = self._domains.base(who.account_id, ASYNC_MESSAGING)
        account = quote(who.account_id)
        try:
            return self._http.post_json(
                f"{base}/api/account/{account}/messaging/consumer/{method}?v=3",
                body,
                who.headers(),
            )
        except LivePersonUnavailable as unavailable:
            if not unavailable.maybe_done:
                self._domains.forget(who.account_id)
            raise


def _request(kind: str, body: Mapping[str, object]) -> dict[str, Any]:
    return {"kind": "req", "id": str(uuid.uuid4()), "type": kind, "body": body}


def _conversation_id(answers: object, *, request_id: str) -> str:
    """Find the answer to our request by its id; only LivePerson's samples promise an order."""
    for answer in answers if isinstance(answers, list) else []:
        if isinstance(answer, dict) and str(answer.get("reqId")) == request_id:
            body = answer.get("body")
            if isinstance(body, dict) and isinstance(body.get("conversationId"), str):
                return str(body["conversationId"])
    raise LivePersonUnavailable("CONVERSATION's answer names no conversation", maybe_done=True)


def _sequence(answer: object) -> int | None:
    body = answer.get("body") if isinstance(answer, dict) else None
    sequence = body.get("sequence") if isinstance(body, dict) else None
    return sequence if isinstance(sequence, int) else None
