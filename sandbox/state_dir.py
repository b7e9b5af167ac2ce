"""
The sandbox's folders and their locks.

    .sandbox/
    ├── endpoints.json     the addresses of the running sandbox that was ready last
    ├── emulator-venv/     the emulator's Python environment, shared
    └── 4566/              one per running sandbox, named after its port; gone when it stops
        ├── lock           held while the sandbox runs
        ├── emulator.json  the emulator's process, so that a later run can end an orphan
        └── …

The operating system releases a lock when its owner ends, however it ends. So a folder whose lock is
free has no owner, and what is left in it can be removed.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.errors import FolderTaken
from sandbox.processes import kill_orphan, started_at

PROJECT = Path(__file__).resolve().parent.parent
SHARED = PROJECT / ".sandbox"
LOCK = "lock"
PROCESS = "emulator.json"


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold a lock while the block lasts; wait for it first."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Folder:
    """The folder of one sandbox, from claim to release."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> "Folder":
        """Lock the folder and empty it; raise `FolderTaken` if another sandbox holds the lock."""
        folder = cls(path, _take_lock(path))
        folder._clear()
        return folder

    def remember_process(self, pid: int) -> None:
        """Store the emulator's process, so that a later run can end it after a crash."""
        record = {"pid": pid, "started": started_at(pid)}
        (self.path / PROCESS).write_text(json.dumps(record))

    def release(self) -> None:
        """Remove the folder and everything in it."""
        self._clear()
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _clear(self) -> None:
        _end_orphan(self.path / PROCESS)
        for entry in self.path.iterdir():
            if entry.name == LOCK:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def sweep(state_dir: Path) -> list[Path]:
    """Remove what crashed sandboxes left: processes and folders; return the folders."""
    swept = []
    for lock in state_dir.glob(f"*/{LOCK}"):
        with suppress(FolderTaken):
            Folder.claim(lock.parent).release()
            swept.append(lock.parent)
    return swept


def is_claimed(path: Path) -> bool:
    """Whether a running sandbox holds the lock of this folder."""
    try:
        with (path / LOCK).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _take_lock(path: Path) -> int:
    """Lock the folder that is at `path` now, not one that was removed meanwhile."""
    while True:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue  # its former owner removed it in between
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise FolderTaken(
                f"another sandbox is using {path}",
                hint="stop it, or choose another port with --port (0: any free one)",
            ) from None
        if _is_at(path / LOCK, lock):
            return lock
        os.close(lock)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _end_orphan(record: Path) -> None:
    try:
        process = json.loads(record.read_text())
        kill_orphan(int(process["pid"]), str(process["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return  # missing or incomplete: no process can be ended safely
