"""
Programs from npm that tests use, where there is Node.js.

Which ones, stands in a folder's ``package.json``; its lock file pins them with their hashes. They
are installed once, beside the tools of ``requirements/dev.in``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.template import PROJECT

BIN = Path(sys.executable).parent
SECONDS = 120


class ToolFailed(subprocess.SubprocessError):
    """A generator, a compiler or npm ended with an error."""

    def __init__(self, command: Sequence[str | Path], said: str) -> None:
        super().__init__(f"{Path(command[0]).name}: {said.strip()[-2000:]}")


def why_not(folder: Path) -> str:
    """Say why the packages of ``folder`` cannot be used; empty if they can. Installs them."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            return f"there is no {name} on this machine"
    try:
        installed(folder)
    except subprocess.SubprocessError as failure:
        return f"npm could not install {folder / 'package.json'}: {failure}"
    return ""


def installed(folder: Path) -> Path:
    """Return the ``node_modules`` with the pinned packages of ``folder``."""
    lock = (folder / "package-lock.json").read_bytes()
    place = Path(sys.prefix) / f".{folder.name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not place.exists():
        with TemporaryDirectory(dir=sys.prefix) as temporary:
            making = Path(temporary) / "packages"
            making.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, making)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=making)
            making.rename(place)
    return place / "node_modules"


def run(*command: str | Path, folder: Path = PROJECT) -> str:
    """Run a tool, and return what it printed; an error shows it."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise ToolFailed(command, done.stdout + done.stderr)
    return done.stdout + done.stderr
