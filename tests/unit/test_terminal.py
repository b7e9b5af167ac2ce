"""The terminal of the tests: an exit code is the command's own, and a hang has a name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.terminal import Session, typed

ENVIRON = {"PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [
        ("echo all; exit 3", 3, "all\n"),
        ("echo all; exec >&- 2>&- <&-; sleep 0.2; exit 3", 3, "all\n"),
        ("exec >&- 2>&- <&-; sleep 0.1; echo back >/dev/tty; sleep 0.1; exit 3", 3, "back\n"),
        ("trap 'sleep 0.2; exit 3' EXIT; echo all", 3, "all\n"),
        ("(trap '' HUP; sleep 1) & echo all; exit 3", 3, "all\n"),
        ("seq 30000 | tail -n 20000; exit 3", 3, "".join(f"{n}\n" for n in range(10001, 30001))),
        ("kill -KILL $$", -9, ""),
    ],
    ids=["plain", "closed output", "reopened", "lives on", "background", "much output", "killed"],
)
def test_the_exit_code_is_the_commands_own(
    tmp_path: Path, command: str, code: int, shown: str
) -> None:
    """Whatever the command does with its output before it exits; nothing of it is lost."""
    assert Session(code, shown) == typed(command, {}, folder=tmp_path, environ=ENVIRON, seconds=60)


def test_an_answer_follows_its_question(tmp_path: Path) -> None:
    """Typed once the question stands at the end; the terminal does not show a secret."""
    command = "read -rsp 'Secret: ' a; echo; read -rp 'Sure? ' b; echo; echo ${#a} $b"
    answers = {"Secret: ": "not-shown", "Sure? ": "y"}

    session = typed(command, answers, folder=tmp_path, environ=ENVIRON, seconds=60)

    assert Session(0, "Secret: \nSure? y\n\n9 y\n") == session


def test_a_command_that_hangs_is_killed_and_named(tmp_path: Path) -> None:
    """At the deadline, with what it had shown; whether or not it has its output still open."""
    for closing in ("", "; exec >&- 2>&- <&-"):
        begun = time.monotonic()
        with pytest.raises(TimeoutError) as raised:
            typed(
                f"echo so far{closing}; trap '' HUP TERM; sleep 60; :",
                {},
                folder=tmp_path,
                environ=ENVIRON,
                seconds=0.3,
            )
        assert time.monotonic() - begun < 30
        told = str(raised.value)
        assert told.startswith(f"killed after 0.3 s: echo so far{closing}; trap")
        assert told.endswith("shown so far:\nso far\n")
