"""
`endpoints.json`: where everything is, for whoever wants to talk to a running sandbox.

The file appears when everything answers and goes when the sandbox stops. It holds keys that
open nothing but this sandbox; still only its owner may read it.
"""

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "endpoints.json"


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
    """The demo channel's inspection API; none if the channel is not ours."""
    queues: dict[str, str]
    functions: dict[str, str]
    table_name: str
    emulator_log: str
    pid: int
    loopback_certificate: str
    """A key and a certificate for https on 127.0.0.1, which this connector trusts."""

    def write(self, file: Path) -> None:
        """Put the file in place at once, so that nobody reads half of it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w") as draft_file:  # mkstemp made it 0600
                json.dump(asdict(self), draft_file, indent=2)
                draft_file.write("\n")
            Path(draft).replace(file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def remove(self, file: Path) -> None:
        """Remove the file if it still speaks of this sandbox and not of a later one."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            if read(file) == self:
                file.unlink()


def forget_dead(file: Path) -> None:
    """Remove what a sandbox that crashed has left, so that nobody believes it is running."""
    with suppress(FileNotFoundError):
        try:
            alive = Path(read(file).emulator_log).exists()
        except (ValueError, TypeError):
            alive = False
        if not alive:
            file.unlink()


def read(file: Path) -> Endpoints:
    """Read what a running sandbox wrote."""
    return Endpoints(**json.loads(file.read_text()))
