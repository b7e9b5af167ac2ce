"""
MiniStack, the AWS emulator, as a child process.

It listens on loopback only and must stay there: any program that can call it can run code on this
machine. `emulator_process.py` keeps web pages out. It gets nothing of the caller's environment, in
particular no AWS credentials.
"""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import EmulatorFailed, PortTaken
from sandbox.ports import LOOPBACK, is_free
from sandbox.processes import end_group, last_lines
from sandbox.state_dir import Folder

PROGRAM = Path(__file__).with_name("emulator_process.py")
START_SECONDS = 60.0
FOLDERS = {"TMPDIR": "tmp", "STATE_DIR": "state", "S3_DATA_DIR": "s3", "HOME": "home"}


class Emulator:
    """One MiniStack, on one port, with everything it writes inside one folder."""

    def __init__(self, python: Path, folder: Folder, port: int, *, least_privilege: bool) -> None:
        self.python = python
        self.folder = folder
        self.port = port
        self.least_privilege = least_privilege
        self.url = f"http://{LOOPBACK}:{port}"
        self.log = folder.path / "emulator.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and return when it answers."""
        if not is_free(self.port):
            raise PortTaken(
                f"port {self.port} is taken",
                hint="stop what listens there, or choose another with --port (0: any free one)",
            )
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [str(self.python), "-P", str(PROGRAM)],  # -P: this folder is no import path
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                env=self._environ(),
                cwd=self.folder.path,
                start_new_session=True,
            )
        self.folder.remember_process(self._process.pid)
        self._wait_until_ready()

    def stop(self) -> None:
        """End it and the functions that it runs; nothing of it is kept, so it need not finish."""
        if self._process is not None:
            end_group(self._process, grace=0.5)
            self._process = None

    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The id of its process; None without one."""
        return self._process.pid if self._process is not None else None

    def last_log_lines(self) -> str:
        """Return the last lines of its log."""
        return last_lines(self.log.read_text(errors="replace"))

    def _environ(self) -> Mapping[str, str]:
        folders = {name: self.folder.path / folder for name, folder in FOLDERS.items()}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TZ": "UTC",  # as in Lambda
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": LOOPBACK,
            "IOT_MTLS_ENABLED": "0",  # it would listen on every interface
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",  # it would remove containers that it finds
            "AUTH": "true" if self.least_privilege else "false",
            **{name: str(folder) for name, folder in folders.items()},
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.is_running():
                raise EmulatorFailed(
                    "the AWS emulator stopped by itself", details=self.last_log_lines()
                )
            if time.monotonic() > deadline:
                raise EmulatorFailed(
                    "the AWS emulator does not answer", details=self.last_log_lines()
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        if f"Running on {self.url}" not in self.log.read_text(errors="replace"):
            return False  # the answer might be another program's that took the port first
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
