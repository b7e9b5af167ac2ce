"""``connector handover``: what the channel's developers need."""

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
    help="Write the API key into this new file, which only you can read.",
)
@as_json
@on_a_stack
def handover(stack: Stack, key_file: Path | None, as_json: bool) -> None:
    """Print the address of the channel API, and write its key into a file."""
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
        output.note(f"the API key is in {key_file}; hand it over in a safe way, then delete it")


def _write(file: Path, key: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Problem(f"{file} is there already", "name a new file") from None
    except OSError as failure:
        raise Problem(
            f"{file} cannot be written: {failure.strerror}", "name a file in a folder of your own"
        ) from None
    with os.fdopen(handle, "w") as opened:
        opened.write(f"{key}\n")
