"""Agents' files are kept for the channel, whatever they are, and however long it takes to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from liveperson_connector.domain.conversations import Consumer, Conversation
from liveperson_connector.domain.errors import LivePersonRefused, NoConversation
from liveperson_connector.domain.ready_channels import SharedFile
from liveperson_connector.flows.channel_delivery.agent_files import AgentFileCopier
from liveperson_connector.flows.liveperson_access import AuthorizedCalls
from liveperson_connector.liveperson.files import LivePersonFiles
from liveperson_connector.liveperson.messaging_events import HostedFile

CONSUMER = Consumer("12345678", "consumer", "key", "lp-consumer", "jws")
CONVERSATION = Conversation("12345678", "conversation-1", "consumer", consumer_key="key")
API = "https://example.com/v1"
FILE_ID = "f41495bb1c13ebaa739b76f904d0446599494ae2"


@dataclass
class Storage:
    """LivePerson's storage: what lies there, by path."""

    files: dict[str, bytes]

    def download(self, _who: object, path: str) -> bytes:
        """Give a file, or refuse as LivePerson does what is gone."""
        if path not in self.files:
            raise LivePersonRefused("gone", http_status=404)
        return self.files[path]


@dataclass
class Kept:
    """Where files are kept, and who is known."""

    consumer: Consumer | None = CONSUMER
    files: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    whose: set[str] = field(default_factory=set)

    def keep(
        self, account_id: str, file_id: str, content: bytes, content_type: str, consumer_key: str
    ) -> None:
        """Keep a file."""
        self.files[account_id, file_id] = (content, content_type)
        self.whose.add(consumer_key)

    def load_consumer(self, _account_id: str, _key: str) -> Consumer | None:
        """Give the consumer."""
        return self.consumer


class Anybody:
    """Speaks for everybody, without tokens."""

    def call_as(self, consumer: Consumer, call: Callable[[object], Any]) -> tuple[Consumer, Any]:
        """Make the call."""
        return consumer, call(None)


def agent_files(storage: Storage, kept: Kept) -> AgentFileCopier:
    """Give the flow, with what it needs in this process."""
    return AgentFileCopier(
        cast("AuthorizedCalls", Anybody()),
        cast("LivePersonFiles", storage),
        kept.keep,
        kept.load_consumer,
        channel_api_url=API,
        show=lambda account_id, file_id: f"{account_id}/{file_id}",
    )


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPG", "image/jpeg"),
        ("JPEG", "image/jpeg"),
        ("png", "image/png"),
        ("GIF", "image/gif"),
        ("PDF", "application/pdf"),
        ("TXT", "text/plain"),
        ("DOCX", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_file_of_any_kind_is_kept(kind: str, content_type: str) -> None:
    """Agents may send more kinds than consumers; each is served as what it is."""
    kept = Kept()

    url = agent_files(Storage({"/path": b"content"}), kept).save(
        CONVERSATION, HostedFile("", "/path", kind)
    )

    ((account_id, file_id),) = kept.files
    assert f"{API}/accounts/{account_id}/files/{file_id}" == url
    assert (b"content", content_type) == kept.files[account_id, file_id]
    assert {CONSUMER.key} == kept.whose


def test_same_file_has_the_same_address() -> None:
    """A notification that is told again tells of the same file, not of another."""
    kept = Kept()
    flow = agent_files(Storage({"/path": b"content", "/other": b"content"}), kept)
    first, again, other = (
        flow.save(CONVERSATION, HostedFile("", path, "PNG"))
        for path in ("/path", "/path", "/other")
    )

    assert first == again != other


def test_address_stays_the_same_in_every_version() -> None:
    """A fixed vector: a callback that is tried again after an update shows the same file."""
    kept = Kept()
    agent_files(Storage({"/path": b"content"}), kept).save(
        CONVERSATION, HostedFile("", "/path", "PNG")
    )

    assert [("12345678", FILE_ID)] == list(kept.files)


def test_file_for_a_provider_is_shown_without_a_key() -> None:
    """By an address of its own, with its size; one that is gone by none."""
    kept = Kept()
    copier = replace(
        agent_files(Storage({"/path": b"content"}), kept), show=lambda *asked: "/".join(asked)
    )

    assert SharedFile(f"12345678/{FILE_ID}", 7) == copier.save_for_provider(
        CONVERSATION, HostedFile("", "/path", "PNG")
    )
    assert copier.save_for_provider(CONVERSATION, HostedFile("", "/gone", "PNG")) is None


def test_file_that_is_gone_has_no_address() -> None:
    """What was said around it is still told."""
    kept = Kept()

    assert agent_files(Storage({}), kept).save(CONVERSATION, HostedFile("", "/path", "PNG")) is None
    assert {} == kept.files


def test_file_cannot_be_fetched_without_its_consumer() -> None:
    """LivePerson gives it out to its consumer alone."""
    flow = agent_files(Storage({"/path": b"content"}), Kept(consumer=None))

    with pytest.raises(NoConversation):
        flow.save(CONVERSATION, HostedFile("", "/path", "PNG"))
