"""
What people do at a provider, as consumer events of the channel's contract.

What LivePerson has no event for is told to the agent in words, which the channel's settings may
give. Two kinds of events need the table, and are queued as they are for ``outbound_messaging``: a
pressed button (``choice``) and what became of a message of ours (``report``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..domain.queue_messages import stable_id
from .adapters.interface import Incoming
from .queued_events import ConsumerEvent
from .ready_channels import ReadyChannel

# The four that LivePerson takes from consumers
# (https://developers.liveperson.com/connector-api-send-api-examples.html).
PICTURES = frozenset({"JPG", "JPEG", "PNG", "GIF"})

# What the client of such a person can show, unless the channel's settings say otherwise.
_FEATURES = ("AUTO_MESSAGES", "MULTI_DIALOG", "RICH_CONTENT", "QUICK_REPLIES", "PHOTO_SHARING")

_OPENING = frozenset({"text", "file", "choice"})

_EVENT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

# So much of a quoted message is enough to recognise it; a name may have any length.
_LONGEST_QUOTE = 200
_LONGEST_NAME = 200

_Event = Mapping[str, Any]


def consumer_events(channel: ReadyChannel, incoming: Iterable[Incoming]) -> list[ConsumerEvent]:
    """
    Return what ``incoming`` is for LivePerson, in order; what is not to be told is left out.

    An event's id is made of the provider's, so that a repeat has one effect.
    """
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for each in incoming:
        raw = _raw(channel, each)
        if raw is None:
            continue
        event_id = _event_id(str(each.event["id"]))
        seen[each.person, event_id] += 1
        if (nth := seen[each.person, event_id]) > 1:  # two things of one message
            event_id = _event_id(f"{event_id}:{nth}")
        found.append(_event(channel, each, {"id": event_id, **raw}))
    return found


def _event(channel: ReadyChannel, incoming: Incoming, raw: dict[str, Any]) -> ConsumerEvent:
    if raw["type"] in _OPENING:
        raw["conversation"] = _conversation(channel, incoming.display_name)
        can = channel.capabilities
        if can.read_marks or can.typing_out or can.window_seconds:  # who writes back needs it
            raw["mark"] = str(incoming.event.get("mark") or incoming.event["id"])
    consumer_id = f"{channel.name}:{incoming.person}"
    return ConsumerEvent(channel.account_id, consumer_id, raw, channel=channel.name)


def _raw(channel: ReadyChannel, incoming: Incoming) -> dict[str, Any] | None:
    event = incoming.event
    write = _WRITERS.get(str(event["type"]), _not_carried)
    raw = write(channel, event)
    if raw is None or (raw["type"] == "text" and not raw["text"].strip()):
        return None
    return raw


# ── One event each ──


def _text(channel: ReadyChannel, event: _Event) -> dict[str, Any]:
    return _said(_quoting(channel, event, _words(event["text"])))


def _as_it_is(*names: str) -> Callable[[ReadyChannel, _Event], dict[str, Any]]:
    def write(_channel: ReadyChannel, event: _Event) -> dict[str, Any]:
        return {name: event[name] for name in ("type", *names) if name in event}

    return write


def _choice(channel: ReadyChannel, event: _Event) -> dict[str, Any]:
    title = _words(event.get("text"))
    # To be said should it not be known any more what was chosen.
    said = title if title.strip() else not_carried(channel, "choice")
    return {"type": "choice", "data": str(event["data"]), "text": said}


def _file(channel: ReadyChannel, event: _Event) -> dict[str, Any] | None:
    file_type = str(event.get("file_type") or "").upper()  # without one, its first bytes decide
    if file_type and file_type not in PICTURES:
        return _not_carried(channel, {**event, "what": event.get("name") or file_type})
    return {
        "type": "file",
        "file_type": file_type,
        "reference": event["reference"],
        "caption": _words(event.get("caption")),
        # To be said should it not be had, or LivePerson not take it.
        "text": not_carried(channel, "picture", _words(event.get("caption"))),
    }


def _not_carried(channel: ReadyChannel, event: _Event) -> dict[str, Any]:
    what, caption = _words(event.get("what", event["type"])), _words(event.get("caption"))
    return _said(_quoting(channel, event, not_carried(channel, what, caption)))


def not_carried(channel: ReadyChannel, what: str, caption: str = "") -> str:
    """Write that ``what`` is not carried here, and what was written under it."""
    told = channel.sentence("not_carried", what=channel.words.get(what, what))
    return f"{told}\n{caption}".strip()


def _location(channel: ReadyChannel, event: _Event) -> dict[str, Any]:
    named = [_words(event.get(name)) for name in ("title", "address")]
    place = f"https://maps.google.com/?q={event['latitude']},{event['longitude']}"
    return _said(channel.sentence("location", text=" ".join(filter(None, [*named, place]))))


def _edited(channel: ReadyChannel, event: _Event) -> dict[str, Any] | None:
    return _if_told(channel, "edits", "edited", event)


def _deleted(channel: ReadyChannel, event: _Event) -> dict[str, Any] | None:
    return _if_told(channel, "deletions", "deleted", event)


def _reaction(channel: ReadyChannel, event: _Event) -> dict[str, Any] | None:
    return _if_told(channel, "reactions", "reaction", event)


def _if_told(
    channel: ReadyChannel, switch: str, sentence: str, event: _Event
) -> dict[str, Any] | None:
    if not channel.tells(switch):
        return None
    return _said(channel.sentence(sentence, text=_words(event.get("text"))))


_WRITERS: dict[str, Callable[[ReadyChannel, _Event], dict[str, Any] | None]] = {
    "text": _text,
    "typing": _as_it_is("state"),
    "choice": _choice,
    "report": _as_it_is("message", "status", "reason"),
    "file": _file,
    "location": _location,
    "edited": _edited,
    "deleted": _deleted,
    "reaction": _reaction,
}


# ── Parts of them ──


def _said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _quoting(channel: ReadyChannel, event: _Event, text: str) -> str:
    """Put what a message replies to before it, where the provider tells the words."""
    quotes = event.get("quotes")
    quoted = _words(quotes.get("text")) if isinstance(quotes, Mapping) else ""
    if not quoted or not channel.tells("quotes"):
        return text
    return channel.sentence("reply_to", quoted=_shortened(quoted, _LONGEST_QUOTE), text=text)


def _conversation(channel: ReadyChannel, display_name: str) -> dict[str, Any]:
    """Say how a conversation is opened, with the person's name in its profile."""
    asked = dict(channel.conversation)
    asked.setdefault("features", list(_FEATURES))
    name = _shortened(_words(display_name), _LONGEST_NAME)
    if name:
        profile = dict(asked.get("profile") or {})
        profile["personal"] = {"firstname": name, **(profile.get("personal") or {})}
        asked["profile"] = profile
    return asked


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _words(value: object) -> str:
    """Return a text without halves of characters, which LivePerson takes in no request."""
    text = value if isinstance(value, str) else ""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _event_id(given: str) -> str:
    """Return the provider's id in the contract's alphabet."""
    return given if _EVENT_ID.fullmatch(given) else f"h_{stable_id(given)[:40]}"
