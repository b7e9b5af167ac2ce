"""Calls to LivePerson, to a channel and to the webhook, made with the functions' own code."""

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

CHECK_CONSUMER = "connector-doctor"
"""The consumer id that checks use; no real consumer has it."""

_SECONDS = 10

# A webhook without changes: it is verified like every other, and queues nothing.
_WITHOUT_CHANGES = (
    b'{"kind":"notification","type":"ms.MessagingEventNotification","body":{"changes":[]}}'
)


@dataclass(frozen=True)
class LivePerson:
    """LivePerson's services, at the addresses that the stack uses."""

    stack: Stack

    @cached_property
    def _http(self) -> LivePersonHttp:
        return LivePersonHttp()

    @cached_property
    def domains(self) -> Domains:
        """The addresses of LivePerson's services."""
        return Domains(self._http, self.stack.domain_api_url)

    def app_jwt(self, account_id: str, credentials: Credentials) -> AppJwt:
        """Fetch an AppJWT and check its claims; do not store it."""
        return Sentinel(self._http, self.domains).issue(account_id, credentials)

    def consumer_jws(self, account_id: str, app_jwt: AppJwt) -> ConsumerJws:
        """Fetch a ConsumerJWS for :data:`CHECK_CONSUMER`."""
        key = consumer_key(self.stack.consumer_id_salt, account_id, CHECK_CONSUMER)
        return Idp(self._http, self.domains).issue(account_id, app_jwt, key)


def checked_app_jwt(stack: Stack, account_id: str, credentials: Credentials) -> AppJwt:
    """Fetch an AppJWT with credentials that are not written yet; raise :class:`Problem`."""
    try:
        return LivePerson(stack).app_jwt(account_id, credentials)
    except MisconfiguredAccount:
        raise Problem(
            f"LivePerson issues account {account_id} no AppJWT for this client id and secret; "
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
            f"LivePerson cannot be reached: {failure}; nothing was changed",
            f"try again later (https://status.liveperson.com), and compare the id {account_id}",
        ) from None


def checked_ping(stack: Stack, account_id: str, settings: ChannelSettings) -> int:
    """Send a signed callback with settings that are not written yet; return the status."""
    try:
        return ping(settings, account_id, stack.callback_network)
    except ConnectorError as failure:
        raise Problem(
            f"the channel does not accept a signed callback: {failure}; nothing was changed",
            "correct the callback URL, the channel's endpoint or the signing secret",
        ) from None


def ping(settings: ChannelSettings, account_id: str, network: str) -> int:
    """
    Send a channel a signed callback of type ``ping``; return the status.

    Channels answer 2xx to types they do not know (docs/channel-api.md), so this changes nothing.
    """
    callback = {
        "type": "ping",
        "account_id": account_id,
        "consumer_id": CHECK_CONSUMER,
        "sent_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return Callbacks(network=network).post(settings, f"msg_{new_id()}", callback)


@dataclass(frozen=True)
class WebhookAnswer:
    """The deployed webhook's answer: status, duration and ``Date`` header."""

    status: int
    seconds: float
    date: str


def post_signed_webhook(
    stack: Stack, account_id: str, credentials: Credentials, *, secret: str | None = None
) -> WebhookAnswer:
    """Post a webhook without changes as LivePerson does; ``secret`` forges its signature."""
    algorithm = credentials.signature_algorithm or "sha1"
    key = secret or credentials.client_secret
    headers = {
        "Content-Type": "application/json",
        signatures.ACCOUNT_HEADER: account_id,
        signatures.CLIENT_HEADER: credentials.client_id,
        signatures.SIGNATURE_HEADER: signatures.sign(key, _WITHOUT_CHANGES, algorithm=algorithm),
    }
    return _post(stack.webhook_url, _WITHOUT_CHANGES, headers)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
    began = time.monotonic()
    answer: Any = requests.post(
        url, data=body, headers=dict(headers), timeout=_SECONDS, allow_redirects=False
    )
    took = time.monotonic() - began
    return WebhookAnswer(answer.status_code, took, answer.headers.get("Date", ""))
