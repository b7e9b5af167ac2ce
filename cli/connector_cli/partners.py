"""Calls to LivePerson and to a channel with the code that the functions use, made from here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests

from liveperson_connector.channel.callbacks import Callbacks
from liveperson_connector.domain.accounts import ChannelSettings, Credentials
from liveperson_connector.domain.errors import ConnectorError, MisconfiguredAccount
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.domain.queue_messages import new_id
from liveperson_connector.liveperson import signatures
from liveperson_connector.liveperson.app_jwt import AppJwt, Sentinel
from liveperson_connector.liveperson.consumer_jws import ConsumerJws, Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp

from .errors import Problem
from .stack import Stack

NOBODY = "connector-doctor"
"""The consumer that checks speak of; no channel's consumer has such an id."""

_SECONDS = 10

# A webhook without changes: everything about it is as always, and it leaves nothing behind.
_NOTHING_HAPPENED = (
    b'{"kind":"notification","type":"ms.MessagingEventNotification","body":{"changes":[]}}'
)


@dataclass(frozen=True)
class LivePerson:
    """LivePerson as the stack sees it."""

    stack: Stack

    @cached_property
    def _http(self) -> LivePersonHttp:
        return LivePersonHttp()

    @cached_property
    def domains(self) -> Domains:
        """Where LivePerson's services are."""
        return Domains(self._http, self.stack.domain_api_url)

    def app_jwt(self, account_id: str, credentials: Credentials) -> AppJwt:
        """Fetch an AppJWT and check its claims; it is not stored."""
        return Sentinel(self._http, self.domains).issue(account_id, credentials)

    def consumer_jws(self, account_id: str, app_jwt: AppJwt) -> ConsumerJws:
        """Fetch the ConsumerJWS of a consumer who never writes."""
        key = consumer_key(self.stack.consumer_id_salt, account_id, NOBODY)
        return Idp(self._http, self.domains).issue(account_id, app_jwt, key)


def checked_app_jwt(stack: Stack, account_id: str, credentials: Credentials) -> AppJwt:
    """Fetch an AppJWT with credentials not written yet, or say which of them is wrong."""
    try:
        return LivePerson(stack).app_jwt(account_id, credentials)
    except MisconfiguredAccount:
        raise Problem(
            f"LivePerson gives account {account_id} no AppJWT for this client id and secret; "
            "nothing was changed",
            "compare account id, client id and secret with the record of the installed app",
        ) from None
    except ConnectorError as failure:
        if (getattr(failure, "http_status", None) or 500) < 500:
            raise Problem(
                f"LivePerson does not know account {account_id}; nothing was changed",
                "compare it with the account id (site id) in the record of the installed app",
            ) from None
        raise Problem(
            f"LivePerson cannot be asked: {failure}; nothing was changed",
            f"try again later (https://status.liveperson.com), and compare the id {account_id}",
        ) from None


def checked_ping(stack: Stack, account_id: str, settings: ChannelSettings) -> int:
    """Send a signed callback with settings not written yet, and return its status."""
    try:
        return ping(settings, account_id, stack.callback_network)
    except ConnectorError as failure:
        raise Problem(
            f"the channel does not take a signed callback: {failure}; nothing was changed",
            "correct the callback URL, the channel's endpoint or the signing secret",
        ) from None


def ping(settings: ChannelSettings, account_id: str, network: str) -> int:
    """
    Send a channel a signed callback of a type that it does not know, and return its status.

    Channels answer 2xx to types they don't know (docs/channel-api.md), so nothing happens there.
    """
    callback = {
        "type": "ping",
        "account_id": account_id,
        "consumer_id": NOBODY,
        "sent_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return Callbacks(network=network).post(settings, f"msg_{new_id()}", callback)


@dataclass(frozen=True)
class WebhookAnswer:
    """What the deployed webhook answered, how fast, and the time on its clock."""

    status: int
    seconds: float
    date: str


def post_signed_webhook(
    stack: Stack, account_id: str, credentials: Credentials, *, secret: str | None = None
) -> WebhookAnswer:
    """Call the webhook as LivePerson does, with nothing to tell; ``secret`` forges a signature."""
    algorithm = credentials.signature_algorithm or "sha1"
    key = secret or credentials.client_secret
    headers = {
        "Content-Type": "application/json",
        signatures.ACCOUNT_HEADER: account_id,
        signatures.CLIENT_HEADER: credentials.client_id,
        signatures.SIGNATURE_HEADER: signatures.sign(key, _NOTHING_HAPPENED, algorithm=algorithm),
    }
    return _post(stack.webhook_url, _NOTHING_HAPPENED, headers)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
    began = time.monotonic()
    answer: Any = requests.post(
        url, data=body, headers=dict(headers), timeout=_SECONDS, allow_redirects=False
    )
    took = time.monotonic() - began
    return WebhookAnswer(answer.status_code, took, answer.headers.get("Date", ""))
