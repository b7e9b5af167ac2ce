"""What a container remembers from one invocation to the next."""

from __future__ import annotations

from liveperson_connector.aws import clients
from liveperson_connector.entrypoints.container import container


def begin_anew() -> None:
    """Let the next invocation find nothing built and nothing remembered, as in a new container."""
    container.cache_clear()
    clients.session.cache_clear()
