"""
The emulator's Python environment.

The emulator runs the functions under its own interpreter, so it gets the Python that the
template names, where this machine has one, and exactly the packages that
`requirements/emulator.txt` pins. All sandboxes of a checkout share the environment.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.processes import run
from sandbox.state_dir import PROJECT, SHARED, locked

LAMBDA_PYTHON = (3, 13)
OLDEST_PYTHON = (3, 11)
REQUIREMENTS = PROJECT / "requirements" / "emulator.txt"
ENVIRONMENT = SHARED / "emulator-venv"
STAMP = "made-from"

NAME = f"python{LAMBDA_PYTHON[0]}.{LAMBDA_PYTHON[1]}"
VERSIONS = f"versions/{LAMBDA_PYTHON[0]}.{LAMBDA_PYTHON[1]}*/bin/{NAME}"
# some distributions leave the venv module out
QUESTION = "import sys, venv; print(*sys.version_info[:2])"


def emulator_python(environment: Path = ENVIRONMENT, requirements: Path = REQUIREMENTS) -> Path:
    """Return the interpreter of the emulator's environment; make the environment if needed."""
    python = environment / "bin" / "python"
    with locked(environment.with_name(environment.name + ".lock")):
        if not _is_current(environment, requirements):
            _make(environment, requirements)
    return python


def find_python(candidates: Iterable[Path] | None = None) -> Path:
    """
    Return the Python of the functions' runtime if this machine has one, else the running one.

    A candidate must really run: version managers put stand-ins on the path that only print an
    error, and some installations cannot make environments.
    """
    for candidate in _candidates() if candidates is None else candidates:
        if _version(candidate) == LAMBDA_PYTHON:
            return candidate
    own = Path(sys.executable)
    if (_version(own) or (0, 0)) >= OLDEST_PYTHON:
        return own
    raise SandboxError(
        "no Python was found that can make the emulator's environment",
        hint=f"install {NAME} with its venv module",
    )


def _candidates() -> Iterator[Path]:
    for folder in os.get_exec_path():
        yield Path(folder) / NAME
    for root in _version_managers():
        yield from sorted(root.glob(VERSIONS), reverse=True)


def _version_managers() -> Iterator[Path]:
    if os.environ.get("PYENV_ROOT"):
        yield Path(os.environ["PYENV_ROOT"])
    answer = _ask(["pyenv", "root"])
    if answer:
        yield Path(answer)
    yield Path.home() / ".pyenv"


def _version(python: Path) -> tuple[int, ...] | None:
    if not python.exists():
        return None
    answer = _ask([str(python), "-c", QUESTION])
    return tuple(int(part) for part in answer.split()) if answer else None


def _ask(command: list[str]) -> str | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _is_current(environment: Path, requirements: Path) -> bool:
    stamp = environment / STAMP
    return stamp.exists() and stamp.read_text() == _fingerprint(requirements)


def _make(environment: Path, requirements: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    hint = "a connection to a Python package index is needed once"
    what = "making the emulator's environment"
    run([find_python(), "-m", "venv", "--without-pip", environment], what=what)
    run([*_pip(environment), "-r", requirements], what=what, hint=hint)
    (environment / STAMP).write_text(_fingerprint(requirements))


def _pip(environment: Path) -> list[str | Path]:
    """Return our own pip's command for installing there: a pip for each would take seconds."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    exact = ["--no-deps", "--require-hashes"]
    python = environment / "bin" / "python"
    return [sys.executable, "-m", "pip", "--python", python, "install", *quiet, *exact]


def _fingerprint(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()
