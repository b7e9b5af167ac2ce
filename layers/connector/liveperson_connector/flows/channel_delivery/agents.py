"""
Tell the channel who writes: the name and the picture that LivePerson shows of an agent.

A message never waits for a name. What is known goes along; who is not known is looked up once the
channel has the message, has been told that the agent types, or that it has joined. So an agent's
first words have a name as a rule, and all later ones do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ...channel.rendering import SYSTEM
from ...delivery.ports import AgentMemory
from ...domain.accounts import ChannelSettings
from ...domain.clock import Clock
from ...domain.conversations import AgentProfile, Conversation
from ...domain.errors import ConnectorError
from ...support.cache import Cache
from ...telemetry import outcomes

KNOWN_SECONDS = 3600.0
"""How long a container remembers an agent; the table remembers it for a day."""

UNKNOWN_SECONDS = 30.0
"""How long a container does not look again in the table for an agent who is not there."""

QUIET_SECONDS = 60.0
"""How long an account's agents are not looked up after LivePerson did not answer."""

LookUp = Callable[[str, str], AgentProfile]
Learn = Callable[[Conversation, Mapping[str, str]], None]


def nothing_learnt(_conversation: Conversation, _sender: Mapping[str, str]) -> None:
    """Stand in for :meth:`Agents.learn` where no names are wanted."""


class Agents:
    """
    Knows agents by account and id: from its own memory, else from ``store``.

    ``look_up`` asks LivePerson. Share one instance per container.
    """

    def __init__(
        self,
        channels: Cache[ChannelSettings],
        store: AgentMemory,
        look_up: LookUp,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._channels = channels
        self._store = store
        self._look_up = look_up
        self._clock = clock
        self._quiet_until: dict[str, float] = {}
        self._known: Cache[AgentProfile | None] = Cache(
            lambda key: store.load_agent(*key.split("/", 1)),
            ttl=KNOWN_SECONDS,
            empty_ttl=UNKNOWN_SECONDS,
            clock=clock,
        )

    def described(
        self, settings: ChannelSettings, account_id: str, sender: Mapping[str, str]
    ) -> dict[str, str]:
        """Return ``sender`` with ``name`` and ``picture_url``, as far as known and wanted."""
        if settings.agents == "hidden" or not _is_looked_up(sender):
            return dict(sender)
        try:
            profile = self._known.get(f"{account_id}/{sender['id']}") or AgentProfile()
        except ConnectorError:  # the table does not answer
            return dict(sender)
        shown = {"name": profile.name}
        if settings.agents == "name_and_picture":
            shown["picture_url"] = profile.picture_url
        return {**sender, **{name: value for name, value in shown.items() if value}}

    def learn(self, conversation: Conversation, sender: Mapping[str, str]) -> None:
        """Look an agent up who is not known; a failure only means that it stays unknown."""
        account_id = conversation.account_id
        if conversation.channel or not _is_looked_up(sender):  # ready channels show no names
            return
        key = f"{account_id}/{sender['id']}"
        try:
            if self._channels.get(account_id).agents == "hidden" or self._known.get(key):
                return
            if self._clock() >= self._quiet_until.get(account_id, 0.0):
                profile = self._look_up(account_id, sender["id"])
                self._store.save_agent(account_id, sender["id"], profile)
                self._known.refresh(key, at_least=0.0)
        except ConnectorError as error:
            self._quiet_until[account_id] = self._clock() + QUIET_SECONDS
            outcomes.failure(error, account_id=account_id)


def _is_looked_up(sender: Mapping[str, str]) -> bool:
    """Whether a sender is one of the brand's agents or bots, whom LivePerson knows by name."""
    return bool(sender.get("id")) and sender.get("kind", SYSTEM) != SYSTEM
