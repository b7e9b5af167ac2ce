"""
Copy an agent's file from LivePerson to where the channel can fetch it.

LivePerson's address of a file expires after one minute, and a channel may fetch hours later; so the
file is copied while its notification is delivered, and the channel API serves it for some days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from ...domain.conversations import Consumer, Conversation
from ...domain.errors import LivePersonRefused, NoConversation
from ...domain.queue_messages import stable_id
from ...domain.ready_channels import SharedFile
from ...liveperson.files import LivePersonFiles
from ...liveperson.messaging_events import HostedFile
from ..liveperson_access import AuthorizedCalls

_CONTENT_TYPES = {
    "JPG": "image/jpeg",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "PDF": "application/pdf",
    "TXT": "text/plain",
}

KeepFile = Callable[[str, str, bytes, str, str], None]
"""Stores a file: account, file id, content, content type, and the key of its consumer."""


@dataclass(frozen=True)
class AgentFileCopier:
    """
    Copies agents' files with ``keep``; ``channel_api_url`` is where the channel fetches them.

    ``show`` makes an address for a provider, which has no key: of account and file id.
    """

    calls: AuthorizedCalls
    storage: LivePersonFiles
    keep: KeepFile
    load_consumer: Callable[[str, str], Consumer | None]
    channel_api_url: str
    show: Callable[[str, str], str]

    def save(self, conversation: Conversation, file: HostedFile) -> str | None:
        """
        Copy ``file`` and return the address where the channel fetches it; ``None`` if it is gone.

        Raises :class:`NoConversation` if the consumer is not known any more, and what LivePerson's
        and AWS's failures raise.
        """
        copied = self._copy(conversation, file)
        if copied is None:
            return None
        account_id, (file_id, _) = conversation.account_id, copied
        return f"{self.channel_api_url}/accounts/{quote(account_id)}/files/{file_id}"

    def save_for_provider(self, conversation: Conversation, file: HostedFile) -> SharedFile | None:
        """
        Copy ``file`` and return an address that needs no key and shows it for some minutes.

        ``None`` if it is gone; raises what :meth:`save` does.
        """
        copied = self._copy(conversation, file)
        if copied is None:
            return None
        file_id, size = copied
        return SharedFile(self.show(conversation.account_id, file_id), size)

    def _copy(self, conversation: Conversation, file: HostedFile) -> tuple[str, int] | None:
        account_id = conversation.account_id
        consumer = self.load_consumer(account_id, conversation.consumer_key)
        if consumer is None:
            raise NoConversation("the consumer of the file's conversation is not known any more")
        try:
            _, content = self.calls.call_as(
                consumer, lambda who: self.storage.download(who, file.relative_path)
            )
        except LivePersonRefused:  # its caption is still worth telling
            return None
        file_id = stable_id(account_id, file.relative_path)[:40]
        kind = _CONTENT_TYPES.get(file.file_type.upper(), "application/octet-stream")
        self.keep(account_id, file_id, content, kind, consumer.key)
        return file_id, len(content)
