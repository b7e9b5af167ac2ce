"""
Structured content as each kind of ready channel shows it: ``python -m tests.support.rendering``.

The command writes ``tests/data/rendering``, a page for each kind; whoever changes how something is
shown sees there what became of all of it. ``tests/data/fallback`` has the elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from liveperson_connector.channel.adapters.interface import Capabilities, Location, Text
from liveperson_connector.channel.fallback_text import fallback_text
from liveperson_connector.channel.provider_pieces import Said, say
from liveperson_connector.domain.ready_channels import Offer
from tests.support.adapters import Samples, all_samples
from tools.template import PROJECT

PAGES = PROJECT / "tests" / "data" / "rendering"
ELEMENTS = PROJECT / "tests" / "data" / "fallback"
OFFER = Offer("0123456789ab", "conversation", "dialog", 7, 1_700_000_000.0, ())


def elements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the content of every sample, as the channel API has it."""
    for path in sorted(ELEMENTS.glob("*.json")):
        sample = json.loads(path.read_text())
        content, replies = sample.get("content"), sample.get("quick_replies")
        yield (
            path.stem,
            {
                "type": "rich",
                "content": content,
                **({"quick_replies": replies} if replies else {}),
                "fallback_text": fallback_text(content, replies),
            },
        )


def page(of: Samples) -> str:
    """Write what a kind shows of every element."""
    can = of.adapter.capabilities(of.settings)
    shown = (f"## {name}\n\n{_shown(say(content, can, OFFER))}" for name, content in elements())
    return f"# {of.kind}\n\n{_limits(can)}\n\n" + "\n".join(shown)


def _limits(can: Capabilities) -> str:
    return (
        f"Up to {can.buttons} buttons of {can.button_title}, {can.rows} rows of {can.row_title}, "
        f"{can.link_buttons} links."
    )


def _shown(said: Said) -> str:
    lines = []
    for piece in said.pieces:
        if isinstance(piece, Location):
            lines.append(f"(map) {piece.latitude}, {piece.longitude} {piece.title}".strip())
        elif isinstance(piece, Text):
            lines.append(piece.text)
            mark = "row" if piece.style == "list" else "button"
            lines += [f"({mark}) {each.title} {each.url}".strip() for each in piece.choices]
        lines.append("---")
    return "\n".join([*lines[:-1], ""]) if lines else "(nothing)\n"


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for each in all_samples():
        (PAGES / f"{each.kind}.txt").write_text(page(each))
