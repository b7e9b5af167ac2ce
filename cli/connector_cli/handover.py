"""``connector handover``: print what the channel's developers need."""

from __future__ import annotations

from pathlib import Path

import click

from . import output
from .key_files import key_file_option, write_key
from .keys import channel_key
from .options import as_json, on_a_stack
from .parameters import Parameters
from .stack import Stack


@click.command()
@click.argument("account_id", required=False)
@key_file_option
@as_json
@on_a_stack
def handover(stack: Stack, account_id: str | None, key_file: Path | None, as_json: bool) -> None:
    """
    Print the URL of the channel API, and write its key to a file.

    With ACCOUNT_ID the key is the newest one of that account; without, or if the account names no
    keys, it is the stack's.
    """
    url = stack.channel_api_url
    key = channel_key(stack, Parameters(stack), account_id)
    told = {"channel_api_url": url, "api_key_id": key.id, "webhook_url": stack.webhook_url}
    if key_file:
        write_key(key_file, key.value())
    if as_json:
        output.data(told)
    else:
        for name, value in told.items():
            output.say(f"{name.replace('_', ' '):<16} {value}")
