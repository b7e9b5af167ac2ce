"""
Install the pinned tools, and show what is being done meanwhile.

    python tools/install.py requirements/dev.txt

It runs before anything is installed, so it needs nothing but pip and the standard library.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

_PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps")

# So often a line says how far it is: about every few seconds.
_EVERY = 10

# What pip says when it reaches no package index, or one without the package.
_NO_INDEX = (
    *("Could not find a version", "No matching distribution", "NewConnectionError"),
    *("ConnectTimeout", "Name or service not known", "Connection refused", "Max retries"),
)
_LAST_LINES = 8


def main(requirements: Path) -> int:
    """Install what ``requirements`` pins into the Python that runs this; return an exit code."""
    print("setup: fetching the tools (a minute or two; later only what changed)", flush=True)
    command = [sys.executable, *_PIP, "--require-hashes", "-r", str(requirements)]
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in progress(_kept(pip.stdout or (), last)):
            print(f"setup: {line}", flush=True)
    if pip.returncode == 0:
        print("setup: done", flush=True)
        return 0
    problem, fix = explained("".join(last))
    print(*(f"    {line.rstrip()}" for line in last), sep="\n", file=sys.stderr)
    print(f"setup: {problem}\n  do: {fix}", file=sys.stderr)
    return 1


def progress(said: Iterable[str]) -> Iterator[str]:
    """Turn pip's lines into a few plain ones."""
    done = 0
    for line in said:
        if re.match(r"Collecting |Requirement already satisfied", line):
            done += 1
            if done % _EVERY == 0:
                yield f"{done} packages are here"
        elif line.startswith("Installing collected packages"):
            yield f"all {done} are here; installing them (half a minute)"


def explained(said: str) -> tuple[str, str]:
    """Say what was wrong and what to do, from the last lines of pip."""
    if "DO NOT MATCH THE HASHES" in said:
        return (
            "a package is not the one that was pinned",
            "use an index that serves the original files: PIP_INDEX_URL=https://pypi.org/simple",
        )
    if any(each in said for each in _NO_INDEX):
        return (
            "pip reached no package index, or one that lacks a package",
            "connect to https://pypi.org, or name your own index: "
            "PIP_INDEX_URL=https://… make setup",
        )
    return "pip failed; its last lines are above", "repair what they say, then: make setup"


def _kept(said: Iterable[str], last: deque[str]) -> Iterator[str]:
    for line in said:
        last.append(line)
        yield line


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
