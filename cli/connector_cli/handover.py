"""``connector handover``: print what the channel's developers need."""

from __future__ import annotations

import os
from pathlib import Path

import click

from . import output
from .errors import Problem
from .options import as_json, on_a_stack
from .stack import Stack
from .try_command import api_key


@click.command()
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the API key to this new file, readable by you only.",
)
@as_json
@on_a_stack
def handover(stack: Stack, key_file: Path | None, as_json: bool) -> None:
    """Print the URL of the channel API, and write its key to a file."""
    told = {
        "channel_api_url": stack.channel_api_url,
        "api_key_id": stack.output("ChannelApiKeyId"),
        "webhook_url": stack.webhook_url,
    }
    if key_file:
        _write(key_file, api_key(stack))
    if as_json:
        output.data(told)
    else:
        for name, value in told.items():
            output.say(f"{name.replace('_', ' '):<16} {value}")
    if key_file:
        output.note(
            f"the API key is in {key_file}; send it over a safe channel, then delete the file"
        )


def _write(file: Path, key: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Problem(f"{file} exists already", "give a new file") from None
    except OSError as failure:
        raise Problem(
            f"{file} cannot be written: {failure.strerror}",
            "give a file in a folder that you may write to",
        ) from None
    with os.fdopen(handle, "w") as opened:
        opened.write(f"{key}\n")
