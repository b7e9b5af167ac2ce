"""
The sandbox's folders, and who owns them.

    .sandbox/
    ├── endpoints.json     where everything is, in the living sandbox that was ready last
    ├── emulator-venv/     the emulator's Python environment, shared
    └── 4566/              one per running sandbox, named after its port; gone when it stops
        ├── lock           held while the sandbox lives
        ├── emulator.json  the emulator's process, so that a later run can end an orphan
        └── …

A lock is let go by the operating system when its owner ends, however it ends. So a folder whose
lock is free belongs to nobody, and what is left of its sandbox can be cleared away.
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
    """Wait until nobody else is inside, then go in."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Folder:
    """One sandbox's own folder, from claim to release."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> "Folder":
        """Make the folder ours and empty, or say that its owner is alive."""
        folder = cls(path, _take_lock(path))
        folder._clear()
        return folder

    def remember_process(self, pid: int) -> None:
        """Write down the emulator's process, for the run that may have to clean up after us."""
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
    """Clear away what sandboxes that crashed have left: processes and folders."""
    swept = []
    for lock in state_dir.glob(f"*/{LOCK}"):
        with suppress(FolderTaken):
            Folder.claim(lock.parent).release()
            swept.append(lock.parent)
    return swept


def is_claimed(path: Path) -> bool:
    """Say whether a sandbox that owns this folder is alive."""
    try:
        with (path / LOCK).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _take_lock(path: Path) -> int:
    """Hold the lock of the folder that stands at `path` at this moment, not of a removed one."""
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
        return  # none was written, or not to its end: there is nothing that could be ended safely
