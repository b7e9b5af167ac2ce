"""Child processes: run them to their end, and leave none behind."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.errors import CommandFailed

LAST_LINES = 25
GRACE_SECONDS = 4.0


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    hint: str = "",
) -> str:
    """
    Run a tool without output and return what it printed; raise `CommandFailed` if it fails.

    An interrupt also ends the tool and everything that it started.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=None if environ is None else dict(environ),
            cwd=folder,
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise CommandFailed(f"{what}: {command[0]} was not found", hint=hint) from missing
    try:
        output, _ = process.communicate()
    except BaseException:
        end_group(process, grace=1)
        raise
    if process.returncode:
        raise CommandFailed(
            f"{what} failed (exit code {process.returncode})",
            hint=hint,
            details=last_lines(output),
        )
    return output


def end_group(process: subprocess.Popen[str], grace: float = GRACE_SECONDS) -> None:
    """Terminate a process, wait for `grace` seconds, then kill it and all its children."""
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        pass
    finally:
        kill_group(process.pid)
        process.wait()


def kill_group(leader: int) -> None:
    """Kill what is left of the process group that `leader` started."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def started_at(pid: int) -> str | None:
    """
    Return when a running process started, as text to compare; None without such a process.

    A process id alone identifies nothing after a while, since systems reuse the numbers.
    """
    stat = Path(f"/proc/{pid}/stat")
    return _from_proc(stat) if Path("/proc/self/stat").exists() else _from_ps(pid)


def _from_proc(stat: Path) -> str | None:
    try:
        # The second field is the command in parentheses and may contain anything.
        state, *fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else fields[18]


def _from_ps(pid: int) -> str | None:
    found = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def kill_orphan(pid: int, started: str, patience: float = 5.0) -> bool:
    """Kill the group of a process of an earlier run, unless its id belongs to a new process."""
    if started_at(pid) != started:
        return False
    kill_group(pid)
    deadline = time.monotonic() + patience
    while started_at(pid) == started and time.monotonic() < deadline:
        time.sleep(0.02)
    return True


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """Return the end of a long output, where the reason usually is."""
    return "\n".join(text.rstrip().splitlines()[-count:])
