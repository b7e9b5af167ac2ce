"""One LivePerson account with its one app install, its consumers, conversations and files."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.settings import Settings
from simulator.wire import JsonObject

if TYPE_CHECKING:
    from simulator.conversations import Conversation, Dialog
    from simulator.files import StoredFile


@dataclass
class Account:
    """The state of one account. Hold `lock` to read or change conversations."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    webhook_url: str | None = None
    settings: Settings = field(default_factory=Settings)

    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    issued: set[str] = field(default_factory=set, repr=False)
    revoked: set[str] = field(default_factory=set, repr=False)
    jws_generation: int = 0
    consumers: dict[str, str] = field(default_factory=dict)
    profiles: dict[str, JsonObject] = field(default_factory=dict, repr=False)
    conversations: dict[str, Conversation] = field(default_factory=dict, repr=False)
    dialogs: dict[str, tuple[Conversation, Dialog]] = field(default_factory=dict, repr=False)
    files: dict[str, StoredFile] = field(default_factory=dict, repr=False)
    loading_answers: int = 0
    visits: set[tuple[str, str]] = field(default_factory=set, repr=False)
    owed_answers: int = 0

    def endpoint(self, topic: str) -> str | None:
        """Return the URL for a manifest key, or None when the app did not ask for it."""
        return self.settings.webhook_urls.get(topic, self.webhook_url)

    def revoke_tokens(self) -> None:
        """Make every AppJWT issued so far invalid."""
        self.revoked |= self.issued
        self.issued.clear()
