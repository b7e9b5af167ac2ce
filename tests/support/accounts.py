"""An account as an operator writes it. The app and its secret are those of LivePerson's sample."""

from __future__ import annotations

from liveperson_connector.domain.accounts import ChannelSettings, Credentials

ACCOUNT = "42257269"
CLIENT_ID = "81fad476-88af-4d08-bc0e-20bc69439ed4"
CLIENT_SECRET = "rl9hacst6kqilbofup64n11ga3"
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SALT = "a salt for tests"

CREDENTIALS = Credentials(CLIENT_ID, CLIENT_SECRET)


def channel_settings(callback_url: str) -> ChannelSettings:
    """Give the settings of a channel that is called back at ``callback_url``."""
    text = f'{{"callback_url": "{callback_url}", "signing_secret": "{SIGNING_SECRET}"}}'
    return ChannelSettings.parse(text, parameter="channel")
