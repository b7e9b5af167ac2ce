"""
The environment of each function, read once into a value.

A field ``table_name`` is the variable ``TABLE_NAME``. ``template.yaml`` sets exactly these
variables on each function; a test compares the two. The classes are plain, since each function
loads all of them at its cold start, and making a dataclass takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Mapping


class MissingSettings(Exception):
    """The environment lacks variables; the message names all of them together."""


class _Settings:
    """Values by the names that a subclass annotates; never shown, since one of them is a secret."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read every field from ``environ``, or raise :class:`MissingSettings` naming all gaps."""
        names = type(self).__annotations__
        missing = [name.upper() for name in names if not environ.get(name.upper())]
        if missing:
            raise MissingSettings(
                f"set {', '.join(missing)} in the function's environment (see template.yaml)"
            )
        for name in names:
            setattr(self, name, environ[name.upper()])


class WebhookIntakeSettings(_Settings):
    """What ``webhook_intake`` reads."""

    parameter_prefix: str
    notifications_queue_url: str
    notifications_dead_letters_url: str


class MessageIntakeSettings(_Settings):
    """What ``message_intake`` reads."""

    parameter_prefix: str
    consumer_events_queue_url: str
    files_bucket: str
    token_refresh_function: str
    consumer_id_salt: str


class ProviderIntakeSettings(_Settings):
    """What ``provider_intake`` reads."""

    parameter_prefix: str
    consumer_events_queue_url: str
    consumer_id_salt: str


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
    consumer_id_salt: str


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


class TokenRefreshSettings(_Settings):
    """What ``token_refresh`` reads."""

    parameter_prefix: str
    table_name: str
    token_refresh_dead_letters_url: str
    liveperson_domain_api_url: str


class DeadLetterRedriveSettings(_Settings):
    """What ``dead_letter_redrive`` reads."""

    table_name: str
    consumer_events_queue_url: str
    consumer_events_dead_letters_url: str
    notifications_queue_url: str
    notifications_dead_letters_url: str
