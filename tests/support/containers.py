"""What a container remembers from one invocation to the next."""

from __future__ import annotations

from liveperson_connector.aws import clients
from liveperson_connector.entrypoints import container as wiring


def begin_anew() -> None:
    """Let the next invocation find nothing built and nothing remembered, as in a new container."""
    for builder in vars(wiring).values():
        if hasattr(builder, "cache_clear"):
            builder.cache_clear()
    clients.session.cache_clear()
