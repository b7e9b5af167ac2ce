"""What the command line asks a ready channel's provider."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cached_property

from liveperson_connector.channel.adapters.interface import (
    Call,
    Piece,
    ProviderAnswer,
    Recipient,
    Settings,
    Unreadable,
    Verdict,
)
from liveperson_connector.channel.provider_client import ProviderClient
from liveperson_connector.channel.ready_channels import ReadyChannel
from liveperson_connector.domain.errors import ConnectorError

from ..errors import Problem

_WORDS = {
    "bad_credentials": "the credentials are not accepted",
    "not_allowed": "the credentials are right, and have no right to this",
    "unknown_recipient": "there is no such person, or no such thing",
    "blocked_by_user": "the person has blocked the channel",
    "window_closed": "the person has written nothing for 24 hours",
}


@dataclass(frozen=True)
class Provider:
    """The provider of ``channel``; requests go to where the stack's callbacks may go."""

    channel: ReadyChannel
    network: str

    def check_credentials(self) -> None:
        """Send the request that changes nothing; raise :class:`Problem` if it is refused."""
        self._must(self.channel.adapter.probe(self._settings), "the credentials were not accepted")

    def addresses(self) -> tuple[str, ...] | None:
        """Return where the provider sends webhooks; None if it cannot be asked."""
        found = self._found
        if found is None:
            return None
        try:
            return self.channel.adapter.registered(found) if found.status < 300 else ()
        except Unreadable as why:
            raise Problem(
                f"{self._name}: unexpected answer: {why}", "see its status page"
            ) from None

    def register(self, address: str) -> bool:
        """
        Make ``address`` the webhook's; return whether the provider has an API for it.

        One that refuses an address that it has already gets it anew: with it goes the secret.
        """
        calls = self.channel.adapter.register(address, self._settings)
        for call in calls:
            verdict = self.channel.adapter.judge(self._call(call))
            if verdict.outcome != "sent" and address in (self.addresses() or ()):
                self.deregister(address)
                verdict = self.channel.adapter.judge(self._call(call))
            self._checked(verdict, "it did not take the webhook's address")
        return bool(calls)

    def deregister(self, address: str) -> bool:
        """Take ``address`` away; return whether there was something to take away."""
        if address not in (self.addresses() or (address,)):
            return False
        call = self.channel.adapter.deregister(address, self._settings, self._found)
        if call is not None:
            self._must(call, "it still has the webhook's address")
        return call is not None

    def send(self, piece: Piece, person: str) -> Verdict:
        """Send one piece; raise :class:`Problem` if it is refused."""
        call = self.channel.adapter.request(
            piece, Recipient(person, str(uuid.uuid4())), self._settings
        )
        return self._must(call, "the message was not taken")

    @property
    def _name(self) -> str:
        return f"{self.channel.kind} (channel {self.channel.name})"

    @cached_property
    def _client(self) -> ProviderClient:
        return ProviderClient(network=self.network)

    @cached_property
    def _settings(self) -> Settings:
        try:
            return self._client.settings(self.channel)
        except ConnectorError as failure:
            raise self._problem(str(failure)) from None

    @cached_property
    def _found(self) -> ProviderAnswer | None:
        call = self.channel.adapter.registration(self._settings)
        return None if call is None else self._call(call)

    def _call(self, call: Call) -> ProviderAnswer:
        try:
            return self._client.call(self.channel, call)
        except ConnectorError as failure:
            raise self._problem(str(failure)) from None

    def _must(self, call: Call, otherwise: str) -> Verdict:
        return self._checked(self.channel.adapter.judge(self._call(call)), otherwise)

    def _checked(self, verdict: Verdict, otherwise: str) -> Verdict:
        if verdict.outcome == "sent":
            return verdict
        reason = _WORDS.get(verdict.reason, verdict.reason or "not at the moment")
        raise self._problem(f"{otherwise}: {reason} ({verdict.detail})")

    def _problem(self, detail: str) -> Problem:
        return Problem(
            f"{self._name}: {detail}",
            f"compare the settings with docs/channels/{self.channel.kind}.md",
        )
