"""How a message of an agent looks on a ready channel: as the connector itself would send it."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector.channel.adapters import READY_KINDS, adapter_of
from liveperson_connector.channel.adapters.interface import Location, Piece, Text
from liveperson_connector.channel.provider_pieces import say
from liveperson_connector.domain.ready_channels import Offer

PLAIN = "webhook"

NAMES = {
    PLAIN: "what the channel gets",
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "twilio": "Twilio (SMS)",
    "sinch": "Sinch (WhatsApp)",
    "line": "LINE",
}

# Of two channels of a provider, the settings decide which one it is.
_DECIDING = {"twilio": {"number": "+15005550006"}, "sinch": {"transport": "WHATSAPP"}}


def names() -> list[dict[str, str]]:
    """Return the skins that there are, with their names."""
    return [{"id": kind, "name": NAMES[kind]} for kind in (PLAIN, *READY_KINDS)]


def looks(callback: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the pieces of a message by kind of channel; empty for what is no message of words."""
    content = callback.get("content")
    if callback.get("type") != "message" or not isinstance(content, Mapping):
        return {}
    if content.get("type") not in ("text", "rich"):
        return {}
    return {kind: _pieces(kind, content) for kind in READY_KINDS}


def _pieces(kind: str, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    adapter, offer = adapter_of(kind), Offer("shown", "", "", 0, 0.0, ())
    can = adapter.capabilities(_DECIDING.get(kind, {}))
    return [_shown(piece) for piece in say(content, can, offer).pieces]


def _shown(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, Location):
        return {"text": f"📍 {piece.title} {piece.latitude}, {piece.longitude}"}
    if not isinstance(piece, Text):
        return {"text": f"[{type(piece).__name__.lower()}]"}
    choices = [
        {"title": each.title, "url": each.url, "index": _index(each.data)} for each in piece.choices
    ]
    return {"text": piece.text, "choices": choices}


def _index(data: str) -> int | None:
    number = data.rpartition(":")[2]
    return int(number) if number.isdigit() else None
