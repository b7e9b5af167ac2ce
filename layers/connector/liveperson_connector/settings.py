"""
The environment of each function, read once into a value.

A field ``table_name`` is the variable ``TABLE_NAME``. ``template.yaml`` sets exactly these
variables on each function; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self


class MissingSettings(Exception):
    """The environment lacks variables; the message names all of them together."""


@dataclass(frozen=True)
class _Settings:
    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read every field from ``environ``, or raise :class:`MissingSettings` naming all gaps."""
        values = {each.name: environ.get(each.name.upper(), "") for each in fields(cls)}
        missing = [name.upper() for name, value in values.items() if not value]
        if missing:
            raise MissingSettings(
                f"set {', '.join(missing)} in the function's environment (see template.yaml)"
            )
        return cls(**values)


@dataclass(frozen=True)
class WebhookIntakeSettings(_Settings):
    """What ``webhook_intake`` reads."""

    parameter_prefix: str
    notifications_queue_url: str
    notifications_dead_letters_url: str


@dataclass(frozen=True)
class MessageIntakeSettings(_Settings):
    """What ``message_intake`` reads."""

    parameter_prefix: str
    consumer_events_queue_url: str
    files_bucket: str
    consumer_id_salt: str = field(repr=False)


@dataclass(frozen=True)
class OutboundMessagingSettings(_Settings):
    """What ``outbound_messaging`` reads."""

    parameter_prefix: str
    table_name: str
    consumer_events_queue_url: str
    consumer_events_dead_letters_url: str
    notifications_queue_url: str
    typing_timers_queue_url: str
    token_refresh_function: str
    liveperson_domain_api_url: str
    callback_network: str
    consumer_id_salt: str = field(repr=False)


@dataclass(frozen=True)
class ChannelDeliverySettings(_Settings):
    """What ``channel_delivery`` reads."""

    parameter_prefix: str
    table_name: str
    notifications_queue_url: str
    notifications_dead_letters_url: str
    consumer_events_queue_url: str
    token_refresh_function: str
    liveperson_domain_api_url: str
    files_bucket: str
    channel_api_url: str
    callback_network: str


@dataclass(frozen=True)
class TokenRefreshSettings(_Settings):
    """What ``token_refresh`` reads."""

    parameter_prefix: str
    table_name: str
    token_refresh_dead_letters_url: str
    liveperson_domain_api_url: str


@dataclass(frozen=True)
class DeadLetterRedriveSettings(_Settings):
    """What ``dead_letter_redrive`` reads."""

    table_name: str
    consumer_events_queue_url: str
    consumer_events_dead_letters_url: str
    notifications_queue_url: str
    notifications_dead_letters_url: str
