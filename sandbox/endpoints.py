"""
`endpoints.json`: the addresses and keys of a running sandbox.

    .sandbox/
    ├── endpoints.json         a copy: of the running sandbox that was ready last
    ├── endpoints.lock         held while the copy is changed
    ├── 4566/endpoints.json    each sandbox's own, in the folder whose lock it holds
    └── 50211/endpoints.json

The files appear when everything answers. When a sandbox stops, its own file is removed, and the
copy describes another sandbox that runs, if there is one. Their keys give access to the sandbox
only; still, only their owner may read them.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.state_dir import is_claimed, locked

FILE = "endpoints.json"
LOCK = "endpoints.lock"


@dataclass(frozen=True)
class Endpoints:
    """Addresses, names and keys of one running sandbox."""

    aws_endpoint_url: str
    aws_access_key_id: str
    aws_secret_access_key: str
    region: str
    stack_name: str
    webhook_url: str
    channel_api_url: str
    channel_api_key: str
    liveperson_url: str
    liveperson_is_simulated: bool
    account_id: str
    client_id: str
    client_secret: str
    channel_callback_url: str
    channel_signing_secret: str
    channel_url: str | None
    """The demo channel's inspection API; None if the channel is the caller's own."""
    queues: dict[str, str]
    functions: dict[str, str]
    table_name: str
    emulator_log: str
    pid: int
    loopback_certificate: str
    """A key and a certificate for https on 127.0.0.1 that this connector trusts."""
    providers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Ready channels by name: `kind`, `url` of the stand-in, `webhook_url` of the connector."""
    console_url: str | None = None
    """The page on which both sides are played; None where there is none."""

    def write(self, file: Path) -> None:
        """Write the file atomically, so that no reader sees half of it."""
        _replace(file, json.dumps(asdict(self), indent=2) + "\n")


@contextmanager
def announced(endpoints: Endpoints, folder: Path) -> Iterator[None]:
    """
    Publish a sandbox's endpoints while the block lasts: in its own folder, and as the copy.

    The caller holds the folder's lock (`state_dir.Folder`).
    """
    own = folder / FILE
    with _copy_follows(folder.parent):
        endpoints.write(own)
    try:
        yield
    finally:
        with _copy_follows(folder.parent):
            own.unlink(missing_ok=True)


def forget_dead(state_dir: Path) -> None:
    """Let the copy describe a running sandbox, or remove it: a killed one left it behind."""
    with _copy_follows(state_dir):
        pass


def read(file: Path) -> Endpoints:
    """Read what a running sandbox wrote."""
    return Endpoints(**json.loads(file.read_text()))


@contextmanager
def _copy_follows(state_dir: Path) -> Iterator[None]:
    """Let the block change sandboxes' own files, then copy the newest of a running sandbox."""
    with locked(state_dir / LOCK):
        yield
        living = [each for each in state_dir.glob(f"*/{FILE}") if is_claimed(each.parent)]
        newest = max(living, key=lambda each: each.stat().st_mtime_ns, default=None)
        copy, text = state_dir / FILE, newest.read_text() if newest else ""
        if not text:
            copy.unlink(missing_ok=True)
        elif not copy.exists() or copy.read_text() != text:
            _replace(copy, text)


def _replace(file: Path, text: str) -> None:
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w") as draft_file:  # mkstemp made it 0600
            draft_file.write(text)
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
