"""Which Python the emulator gets, and when its environment is made anew."""

import sys
from pathlib import Path

from sandbox.environment import LAMBDA_PYTHON, emulator_python, find_python


def fake_python(path: Path, script: str) -> Path:
    """Write an executable that answers as a Python might."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_stand_in_that_fails_is_passed_over(tmp_path: Path) -> None:
    """Version managers put commands on the path that only answer with an error."""
    broken = fake_python(tmp_path / "broken", "echo 'command not found' >&2; exit 127")
    good = fake_python(tmp_path / "good", f"echo {LAMBDA_PYTHON[0]} {LAMBDA_PYTHON[1]}")

    assert good == find_python([tmp_path / "missing", broken, good])


def test_another_version_is_passed_over(tmp_path: Path) -> None:
    """The name of a command proves nothing; what it answers counts."""
    other = fake_python(tmp_path / "python3.13", "echo 3 9")

    assert Path(sys.executable) == find_python([other])


def test_without_the_right_one_our_own_python_serves() -> None:
    """The functions then run on it, which is close enough to see them work."""
    assert Path(sys.executable) == find_python([])


def test_an_environment_is_made_once_and_again_when_its_pins_change(tmp_path: Path) -> None:
    """It is kept as long as the requirements are the same, and made from scratch otherwise."""
    requirements, environment = tmp_path / "requirements.txt", tmp_path / "venv"
    requirements.write_text("# nothing is needed\n")
    python = emulator_python(environment, requirements)
    (environment / "mark").touch()

    assert python == emulator_python(environment, requirements)
    assert (environment / "mark").exists()

    requirements.write_text("# still nothing, said otherwise\n")
    emulator_python(environment, requirements)
    assert not (environment / "mark").exists()
    assert python.exists()
