"""What a container remembers from one invocation to the next."""

from __future__ import annotations

from liveperson_connector import wiring
from liveperson_connector.aws import clients


def begin_anew() -> None:
    """Let the next invocation find nothing built and nothing remembered, as in a new container."""
    for builder in vars(wiring).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()
    clients.session.cache_clear()
