"""A real terminal for commands under test: bash runs them, their questions are answered."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 180.0
_POLL_SECONDS = 0.05
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Session:
    """What a terminal showed, and the exit code."""

    code: int
    shown: str


def typed(
    command: str,
    answers: Mapping[str, str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    seconds: float = SECONDS,
) -> Session:
    """
    Run ``command`` in a terminal; to each question in ``answers`` type its answer.

    Secrets are asked for on the terminal itself, so nothing less than one will do. Raise
    TimeoutError, and kill the command, if it has not ended after ``seconds``.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "--norc", "-e", "-c", command], dict(environ))  # noqa: S606
    try:
        return _Conversation(command, child, terminal, dict(answers)).until_exit(seconds)
    finally:
        os.close(terminal)


@dataclass
class _Conversation:
    """
    One command and what was read of it.

    The terminal stays open until the command has exited: closing it sends SIGHUP to whatever
    still runs in it, so a command that has shown all and is about to exit would be killed.
    """

    command: str
    child: int
    terminal: int
    questions: dict[str, str]
    shown: str = ""

    def until_exit(self, seconds: float) -> Session:
        deadline = time.monotonic() + seconds
        while (code := self._exit_code()) is None:
            if time.monotonic() > deadline:
                self._kill()
                raise TimeoutError(
                    f"killed after {seconds:g} s: {self.command}\nshown so far:\n{self._plain()}"
                )
            self._read(_POLL_SECONDS)
        while self._read(0):
            pass
        return Session(code, self._plain())

    def _exit_code(self) -> int | None:
        ended, status = os.waitpid(self.child, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    def _kill(self) -> None:
        os.killpg(self.child, signal.SIGKILL)  # pty.fork makes the child the leader of its group
        os.waitpid(self.child, 0)

    def _read(self, seconds: float) -> bool:
        """Read what is there within ``seconds`` and answer it; return False if there is nothing."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        try:
            more = os.read(self.terminal, 65536)
        except OSError:  # EIO: no process has the terminal open now; the command may live on
            time.sleep(seconds)
            return False
        self.shown += more.decode(errors="replace")
        for question in [each for each in self.questions if self.shown.endswith(each)]:
            os.write(self.terminal, f"{self.questions.pop(question)}\n".encode())
        return bool(more)

    def _plain(self) -> str:
        return _COLOURS.sub("", self.shown).replace("\r\n", "\n")
