"""What people do at a provider becomes events that LivePerson can be told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from liveperson_connector.channel.adapters.interface import Capabilities, Incoming, Settings
from liveperson_connector.channel.provider_events import consumer_events
from liveperson_connector.channel.queued_events import READY_TYPES, read_queued, to_queue
from liveperson_connector.channel.ready_channels import ReadyChannel
from tests.support.accounts import ACCOUNT
from tests.support.ready_channels import ready_channel
from tests.support.sixth_channel import Pigeon

PICTURE = {"id": "p-1", "type": "file", "file_type": "jpg", "reference": {"picture": "9"}}


def become(
    event: dict[str, Any], channel: ReadyChannel | None = None, name: str = ""
) -> dict[str, Any]:
    """Let one thing happen, and give the event that it becomes."""
    incoming = Incoming("ann", {"id": "p-1", **event}, name)
    (found,) = consumer_events(channel or ready_channel(), [incoming])
    return dict(found.raw)


def told(event: dict[str, Any], **settings: Any) -> str:
    """Give what the agent reads of one thing that happened."""
    said = become(event, ready_channel(**settings))
    assert "text" == said["type"]
    return str(said["text"])


def test_text_is_a_text() -> None:
    """Of a consumer who is named by the channel and the provider's id of the person."""
    incoming = Incoming("ann", {"id": "p-1", "type": "text", "text": "Grüße 👋"})
    (found,) = consumer_events(ready_channel(), [incoming])

    assert ("loft:ann", "loft", ACCOUNT) == (found.consumer_id, found.channel, found.account_id)
    assert ("p-1", "text", "Grüße 👋") == (found.id, found.type, found.text)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"type": "not_carried", "what": "voice message"}, "[voice message: not carried here]"),
        (
            {"type": "not_carried", "what": "video", "caption": "Look"},
            "[video: not carried here]\nLook",
        ),
        ({"type": "hologram"}, "[hologram: not carried here]"),
        (
            {"type": "file", "file_type": "PDF", "name": "bill.pdf", "reference": {}},
            "[bill.pdf: not carried here]",
        ),
        ({"type": "edited", "text": "Hello"}, "edited: Hello"),
        ({"type": "deleted"}, "[a message was deleted]"),
        ({"type": "reaction", "text": "👍"}, "reaction: 👍"),
        (
            {"type": "text", "text": "Yes", "quotes": {"message": "7", "text": "Red?"}},
            "reply to “Red?”: Yes",
        ),
        ({"type": "text", "text": "Yes", "quotes": {"message": "7"}}, "Yes"),
        (
            {"type": "location", "latitude": 52.5, "longitude": -13.25, "title": "Home"},
            "[location] Home https://maps.google.com/?q=52.5,-13.25",
        ),
    ],
)
def test_what_liveperson_has_no_event_for_is_told_in_words(
    event: dict[str, Any], words: str
) -> None:
    """Honestly: the agent knows that there was something."""
    assert words == told(event)


def test_words_are_the_accounts_own() -> None:
    """Sentences and what they speak of."""
    sentences = {
        "not_carried": "[{what} kann hier nicht gezeigt werden]",
        "words": {"video": "Film"},
    }

    assert "[Film kann hier nicht gezeigt werden]" == told(
        {"type": "not_carried", "what": "video"}, sentences=sentences
    )


@pytest.mark.parametrize(
    ("switch", "event"),
    [
        ("edits", {"type": "edited", "text": "x"}),
        ("deletions", {"type": "deleted"}),
        ("reactions", {"type": "reaction", "text": "x"}),
    ],
)
def test_what_is_switched_off_is_not_told(switch: str, event: dict[str, Any]) -> None:
    """Each by a switch of its own."""
    incoming = [Incoming("ann", {"id": "p-1", **event})]

    assert [] == consumer_events(ready_channel(**{switch: False}), incoming)
    assert 1 == len(consumer_events(ready_channel(), incoming))


def test_quotes_can_be_switched_off() -> None:
    """Then the words stand alone."""
    event = {"type": "text", "text": "Yes", "quotes": {"message": "7", "text": "Red?"}}

    assert "Yes" == told(event, quotes=False)


def test_what_says_nothing_is_left_out() -> None:
    """LivePerson takes no text of white space alone."""
    assert [] == consumer_events(
        ready_channel(), [Incoming("ann", {"id": "p-1", "type": "text", "text": " \n"})]
    )


def test_half_a_character_is_replaced() -> None:
    """No request to LivePerson could carry it."""
    assert "a\N{REPLACEMENT CHARACTER}b" == become({"type": "text", "text": "a\ud83db"})["text"]
    assert "👋" == become({"type": "text", "text": "\ud83d\udc4b"})["text"]


def test_picture_keeps_the_way_to_it() -> None:
    """And the words to say, should it not be had or LivePerson not take it."""
    found = become({**PICTURE, "caption": "Look"})

    assert ("JPG", {"picture": "9"}, "Look") == tuple(
        found[name] for name in ("file_type", "reference", "caption")
    )
    assert "[picture: not carried here]\nLook" == found["text"]


def test_file_without_a_type_is_known_by_its_first_bytes() -> None:
    """Which come later."""
    found = become({"type": "file", "reference": {"picture": "9"}})

    assert ("file", "") == (found["type"], found["file_type"])


@pytest.mark.parametrize(
    "event",
    [
        {"type": "choice", "data": "a:1", "text": "Yes"},
        {"type": "report", "message": "9", "status": "failed", "reason": "131026"},
        {"type": "typing", "state": "composing"},
    ],
)
def test_what_the_table_resolves_is_queued_as_it_is(event: dict[str, Any]) -> None:
    """And comes out of the queue again."""
    (found,) = consumer_events(ready_channel(), [Incoming("ann", {"id": "p-1", **event})])
    queued = read_queued(to_queue(found))

    assert event.items() <= queued.raw.items()
    assert "loft" == queued.channel
    assert queued.type in READY_TYPES


# ── Ids ──


def test_providers_id_becomes_the_events() -> None:
    """So a repeat has one effect, whatever the provider's ids are made of."""
    odd = become({"id": "wamid.HBgL/+==", "type": "text", "text": "x"})["id"]

    assert "p-1" == become({"type": "text", "text": "x"})["id"]
    assert odd == become({"id": "wamid.HBgL/+==", "type": "text", "text": "x"})["id"]
    assert odd != become({"id": "wamid.HBgL/+=", "type": "text", "text": "x"})["id"]
    assert odd.startswith("h_")


def test_two_things_of_one_message_are_both_told() -> None:
    """Their ids differ, and do so on a repeat in the same way."""
    both = [
        Incoming("ann", {**PICTURE, "id": "p-1"}),
        Incoming("ann", {"id": "p-1", "type": "text", "text": "x"}),
        Incoming("bob", {"id": "p-1", "type": "text", "text": "x"}),
    ]

    assert ["p-1", "p-1:2", "p-1"] == [each.id for each in consumer_events(ready_channel(), both)]


# ── How a conversation is opened ──


def test_agent_sees_the_persons_name() -> None:
    """Merged with what the channel's settings say of its conversations."""
    channel = ready_channel(
        conversation={
            "routing": {"skill_id": "42"},
            "profile": {"customer": {"customerType": "vip"}, "personal": {"language": "de"}},
        }
    )
    opened = become({"type": "text", "text": "x"}, channel, "Ann")["conversation"]

    assert {"skill_id": "42"} == opened["routing"]
    assert {"customerType": "vip"} == opened["profile"]["customer"]
    assert {"language": "de", "firstname": "Ann"} == opened["profile"]["personal"]
    assert "RICH_CONTENT" in opened["features"]


def test_without_a_name_nothing_is_made_up() -> None:
    """Nor is anything of the settings changed."""
    assert "profile" not in become({"type": "text", "text": "x"})["conversation"]


def test_features_are_the_operators_to_name() -> None:
    """Those of the settings count."""
    channel = ready_channel(conversation={"features": ["AUTO_MESSAGES"]})
    opened = become({"type": "text", "text": "x"}, channel)["conversation"]

    assert ["AUTO_MESSAGES"] == opened["features"]


# ── Marks ──


@dataclass
class _Reads(Pigeon):
    def capabilities(self, settings: Settings) -> Capabilities:
        return replace(super().capabilities(settings), read_marks=True)


@pytest.mark.parametrize(("more", "mark"), [({}, "p/1"), ({"mark": "token"}, "token")])
def test_where_read_marks_exist_the_mark_is_kept(more: dict[str, str], mark: str) -> None:
    """The provider's own id, or what the provider wants instead."""
    event = {"id": "p/1", "type": "text", "text": "x", **more}

    assert mark == become(event, ready_channel(_Reads()))["mark"]
    assert "mark" not in become(event)
