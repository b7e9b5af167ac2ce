"""How the sandbox runs tools: quietly, and never leaving one behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.errors import CommandFailed
from sandbox.processes import end_group, last_lines, run, started_at


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_what_a_tool_says_is_given_back() -> None:
    """Both of its outputs, in text."""
    assert run(python("print('Grüße')"), what="greeting") == "Grüße\n"


def test_a_failure_shows_the_last_lines() -> None:
    """The reason usually stands at the end of a long output."""
    code = "print('\\n'.join(f'line {n}' for n in range(99))); import sys; sys.exit('the reason')"

    with pytest.raises(CommandFailed, match="building failed") as failure:
        run(python(code), what="building", hint="try again")

    assert "the reason" in failure.value.details
    assert "line 1\n" not in failure.value.details
    assert failure.value.hint == "try again"


def test_a_missing_tool_is_named() -> None:
    """The hint says how to get it."""
    with pytest.raises(CommandFailed, match="no-such-tool"):
        run([Path("/no-such-tool")], what="building")


def test_a_tool_sees_only_the_environment_it_is_given() -> None:
    """The caller's AWS credentials, for one, do not reach it."""
    seen = run(python("import os; print('HOME' in os.environ)"), what="looking", environ={})

    assert seen.strip() == "False"


def test_a_process_that_does_not_listen_is_ended_with_its_children() -> None:
    """After the grace period the whole group is killed."""
    code = (
        "import signal, subprocess, sys, time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        python(code), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    with process.stdout:
        child = int(process.stdout.readline())

        end_group(process, grace=0.1)

    deadline = time.monotonic() + 5
    while started_at(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert started_at(child) is None


def test_only_the_end_of_a_text_is_kept() -> None:
    """So many lines, no more."""
    assert last_lines("1\n2\n3\n", 2) == "2\n3"
