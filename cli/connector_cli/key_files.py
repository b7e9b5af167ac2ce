"""Files that API keys are written to: new ones, which their owner alone can read."""

from __future__ import annotations

import os
from pathlib import Path

import click

from . import output
from .errors import Problem

key_file_option = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the API key to this new file, readable by you only.",
)


def write_key(file: Path, key: str) -> None:
    """Write a key to a new file, and say what to do with it."""
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
    output.note(f"the API key is in {file}; send it over a safe channel, then delete the file")
