"""
Calls providers: an adapter writes a request, and this sends it.

Credentials go to the adapter's own hosts alone. Each call resolves and checks its host as all calls
to addresses that were given to us do (:mod:`.ssrf`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..domain.clock import Clock
from ..domain.errors import ChannelUnavailable, FileRefused, MisconfiguredAccount
from ..support.dialer import ForbiddenAddress, NoAnswer
from ..support.http_client import Answer, HttpClient
from ..support.web_address import BadAddress, WebAddress
from .adapters.interface import (
    API_URL,
    Adapter,
    Call,
    ProviderAnswer,
    Settings,
    Unreadable,
)
from .ready_channels import ReadyChannel
from .ssrf import LOOPBACK, PUBLIC, checked, ssrf_safe_client

# Two calls and what is written down fit into a worker's 30 s.
_SECONDS = 10.0

# An answer to a message has an id in it, or an error.
_ANSWER_BYTES = 64 * 1024

# A file is behind one address or two, and perhaps a redirect.
_MOST_STEPS = 4

# A token is not used in its last minute.
_MARGIN_SECONDS = 60.0


class ProviderClient:
    """Calls the providers of ready channels; one instance keeps connections and tokens."""

    def __init__(
        self,
        client: HttpClient | None = None,
        *,
        network: str = PUBLIC,
        clock: Clock = time.time,
        seconds: float = _SECONDS,
    ) -> None:
        self._client = client or ssrf_safe_client(network, clock=clock)
        self._network = network
        self._clock = clock
        self._seconds = seconds
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}

    def settings(self, channel: ReadyChannel) -> Settings:
        """Return a channel's settings, with a short-lived token where its provider wants one."""
        asked = channel.adapter.token_request(channel.settings)
        if asked is None:
            return channel.settings
        place = _token_place(channel)
        value, until = self._tokens.get(place, ("", 0.0))
        if self._clock() >= until:
            answer = self.call(channel, asked)
            token = channel.adapter.token(answer)
            if token is None:
                raise _no_token(channel.adapter, answer)
            value, until = token.value, self._clock() + token.seconds - _MARGIN_SECONDS
            self._tokens[place] = value, until
        return {**channel.settings, "access_token": value}

    def forget_token(self, channel: ReadyChannel) -> None:
        """Ask for another token at the next call: the provider does not take this one."""
        self._tokens.pop(_token_place(channel), None)

    def call(
        self, channel: ReadyChannel, call: Call, *, most: int = _ANSWER_BYTES, trusted: bool = True
    ) -> ProviderAnswer:
        """
        Send a request and return the answer, whatever its status.

        One to a host that is not the adapter's own goes without headers, and not at all if only
        ``trusted`` hosts may be called. Raises :class:`ChannelUnavailable` if no answer came, and
        :class:`MisconfiguredAccount` for an address that must not be called.
        """
        answer = self._call(channel, call, most, trusted=trusted)
        return ProviderAnswer(answer.status, answer.headers, answer.body)

    def _call(self, channel: ReadyChannel, call: Call, most: int, *, trusted: bool) -> Answer:
        try:
            address = checked(call.url, network=self._network)
            is_own = self._is_own(channel, address)
            if trusted and not is_own:
                raise MisconfiguredAccount("the request leads to a host that is not the provider's")
            return self._send(call, address, call.headers if is_own else {}, most)
        except (BadAddress, ForbiddenAddress):
            raise MisconfiguredAccount(
                f"channel {channel.name}: the provider's address cannot be called"
            ) from None
        except NoAnswer as failure:
            raise ChannelUnavailable(
                f"the provider did not answer: {failure}", maybe_done=not failure.surely_not_sent
            ) from None

    def _send(
        self, call: Call, address: WebAddress, headers: Mapping[str, str], most: int
    ) -> Answer:
        return self._client.call(
            call.method,
            address,
            seconds=self._seconds,
            most=most,
            headers=headers,
            body=call.body,
        )

    def _is_own(self, channel: ReadyChannel, address: WebAddress) -> bool:
        stand_in = channel.settings.get(API_URL.name, "")
        if stand_in and self._network == LOOPBACK:
            return address.origin == WebAddress.parse(stand_in).origin
        return address.port == 443 and any(
            address.host == host or (host.startswith(".") and address.host.endswith(host))
            for host in channel.adapter.hosts
        )

    # ── Files ──

    def fetch(self, channel: ReadyChannel, reference: Mapping[str, Any], *, most: int) -> bytes:
        """
        Return a person's file of at most ``most`` bytes.

        Raises :class:`FileRefused` for one that cannot be had or is larger, and
        :class:`ChannelUnavailable` while the provider does not answer.
        """
        settings, answers = self.settings(channel), list[ProviderAnswer]()
        try:
            while call := channel.adapter.file_request(reference, answers, settings):
                if len(answers) == _MOST_STEPS:
                    raise FileRefused("the file is behind too many addresses")
                answers.append(self._step(channel, call, most))
        except Unreadable as why:
            raise FileRefused(f"the file cannot be fetched: {why}") from None
        except MisconfiguredAccount as why:
            raise FileRefused(str(why)) from None
        last = answers[-1] if answers else ProviderAnswer(404)
        if not 200 <= last.status < 300:
            raise FileRefused(f"the provider answered {last.status}", http_status=last.status)
        if len(last.body) > most:
            raise FileRefused(f"the file has more than {most} bytes")
        return last.body

    def _step(self, channel: ReadyChannel, call: Call, most: int) -> ProviderAnswer:
        answer = self._call(channel, call, most, trusted=False)
        problem, status = f"the provider answered {answer.status}", answer.status
        if status >= 500 or answer.asks_for_patience:
            raise ChannelUnavailable(problem, retry_after=answer.retry_after, http_status=status)
        if status == 401:
            raise ChannelUnavailable(f"{problem}: are the credentials right?", http_status=status)
        if status >= 400:
            raise FileRefused(problem, http_status=status)
        if answer.broke_off:
            raise ChannelUnavailable("the file broke off while it was fetched", http_status=status)
        return ProviderAnswer(status, answer.headers, answer.body)


def _token_place(channel: ReadyChannel) -> tuple[str, ...]:
    return channel.account_id, channel.name, *(f"{k}={v}" for k, v in channel.settings.items())


def _no_token(
    adapter: Adapter, answer: ProviderAnswer
) -> ChannelUnavailable | MisconfiguredAccount:
    verdict = adapter.judge(answer)
    if verdict.outcome == "later" or answer.status >= 500:
        return ChannelUnavailable(
            "the provider gives no token at the moment",
            retry_after=verdict.retry_after,
            http_status=answer.status,
        )
    return MisconfiguredAccount(f"the provider gives no token: {verdict.detail or answer.status}")
