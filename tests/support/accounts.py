"""An account as an operator writes it. The app and its secret are those of LivePerson's sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from liveperson_connector.domain.accounts import ChannelSettings, Credentials
from liveperson_connector.domain.intake_settings import IntakeSettings

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


# ── What the intake may know: the state of `channel`, and its copy ──

WRITTEN_AT = datetime.fromtimestamp(0, UTC)


def copy_of_settings() -> str:
    """Give the copy for the intake of a `channel` that was written once, and names no keys."""
    return IntakeSettings().write("1@0.000")


def parameters_with_copy(names: Sequence[str], written: Mapping[str, str]) -> dict[str, Any]:
    """Answer GetParameters on the wire; where there is a channel, there is its copy."""
    copies = {
        name.replace("/channel", "/intake_settings"): copy_of_settings()
        for name in written
        if name.endswith("/channel")
    }
    known = {**written, **copies}
    state = {"Version": 1, "LastModifiedDate": 0}
    found = [{"Name": each, "Value": known[each], **state} for each in names if each in known]
    return {"Parameters": found}
