"""A person at a real terminal: commands run in bash, questions are answered as they are asked."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 180.0


@dataclass(frozen=True)
class Session:
    """What a terminal showed, and the exit code."""

    code: int
    shown: str


def typed(
    command: str, answers: Mapping[str, str], *, folder: Path, environ: Mapping[str, str]
) -> Session:
    """
    Run ``command`` in a terminal; to each question in ``answers`` type its answer.

    Secrets are asked for on the terminal itself, so nothing less than one will do.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve("/bin/bash", ["bash", "--norc", "-e", "-c", command], dict(environ))  # noqa: S606
    try:
        shown = _talk(terminal, answers)
    finally:
        os.close(terminal)
    return Session(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown)


def _talk(terminal: int, answers: Mapping[str, str]) -> str:
    shown, asked = "", dict(answers)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more.decode(errors="replace")
        for question in [each for each in asked if re.search(f"{re.escape(each)}$", shown)]:
            os.write(terminal, f"{asked.pop(question)}\n".encode())
    return re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
