"""What a person sent through a ready channel, as far as LivePerson takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..domain.errors import FileRefused
from .files import picture_type
from .provider_client import ProviderClient
from .ready_channels import ReadyChannel


def content_of(
    client: ProviderClient, channel: ReadyChannel, raw: Mapping[str, Any], *, most: int
) -> tuple[bytes, str]:
    """
    Return the bytes of a queued file event, and LivePerson's word for what they are.

    Raises :class:`FileRefused` for what LivePerson would not take, and what
    :meth:`.ProviderClient.fetch` raises.
    """
    content = client.fetch(channel, raw["reference"], most=most)
    kind = picture_type(content)
    if kind is None:
        raise FileRefused("the file's content is no picture that LivePerson takes")
    return content, kind
