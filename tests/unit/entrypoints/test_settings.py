"""The environment of each function, read once."""

from __future__ import annotations

import pytest

from liveperson_connector.entrypoints.settings import (
    MessageIntakeSettings,
    MissingSettings,
    OutboundMessagingSettings,
    WebhookIntakeSettings,
)

ENVIRON = {
    "PARAMETER_PREFIX": "/connector",
    "NOTIFICATIONS_QUEUE_URL": "https://sqs/queue",
    "NOTIFICATIONS_DEAD_LETTERS_URL": "https://sqs/dead-letters",
}


def test_a_field_is_the_variable_of_its_name() -> None:
    """``parameter_prefix`` is PARAMETER_PREFIX, and what else is set does not matter."""
    settings = WebhookIntakeSettings({**ENVIRON, "HOME": "/"})

    assert ("/connector", "https://sqs/queue", "https://sqs/dead-letters") == (
        settings.parameter_prefix,
        settings.notifications_queue_url,
        settings.notifications_dead_letters_url,
    )


def test_everything_missing_is_named_together() -> None:
    """An operator learns of all gaps at once; an empty variable is a gap."""
    gaps = {"PARAMETER_PREFIX": "", "NOTIFICATIONS_DEAD_LETTERS_URL": ""}
    with pytest.raises(MissingSettings) as missing:
        WebhookIntakeSettings({**ENVIRON, **gaps})

    assert "PARAMETER_PREFIX, NOTIFICATIONS_DEAD_LETTERS_URL" in str(missing.value)
    assert "NOTIFICATIONS_QUEUE_URL" not in str(missing.value)


@pytest.mark.parametrize("kind", [MessageIntakeSettings, OutboundMessagingSettings])
def test_the_salt_is_not_shown(kind: type[MessageIntakeSettings]) -> None:
    """Settings may be printed: what makes pseudonyms unguessable is not in them."""
    environ = dict.fromkeys((name.upper() for name in kind.__annotations__), "shown")
    settings = kind({**environ, "CONSUMER_ID_SALT": "very salty"})

    assert "very salty" == settings.consumer_id_salt
    assert "very salty" not in repr(settings)
