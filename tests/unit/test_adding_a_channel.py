"""``docs/adding-a-channel.md`` is followed to the letter: a sixth channel, and its conformance."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.template import PROJECT

PAGE = (PROJECT / "docs" / "adding-a-channel.md").read_text()
ADAPTERS = "layers/connector/liveperson_connector/channel/adapters"
COPIED = ("layers/connector/liveperson_connector", "tests/support/adapters")


def files() -> dict[str, str]:
    """Give the page's files: each stands behind its path."""
    return dict(
        re.findall(r"^`([^`\n]+)`:\n\n```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    )


def command() -> list[str]:
    """Give the command that the page tells to type."""
    (line,) = re.findall(r"```sh\n(pytest [^\n]+)\n```", PAGE)
    return [str(word) for word in line.split()[1:]]


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """Copy as much of the project as the page speaks of, and do what it says."""
    for folder in COPIED:
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc"))
    suite = Path("tests/unit/channel/adapters/test_conformance.py")
    (tmp_path / suite).parent.mkdir(parents=True)
    shutil.copy(PROJECT / suite, tmp_path / suite)
    for path, text in files().items():
        place = tmp_path / path
        place.write_text(with_line(place.read_text(), text) if place.exists() else text)
    return tmp_path


def with_line(code: str, line: str) -> str:
    """Replace the line of a module that sets the same name."""
    name = line.partition(" = ")[0]
    changed, count = re.subn(rf"^{name} = .*$", line.strip(), code, flags=re.MULTILINE)
    assert 1 == count
    return changed


def test_whoever_follows_the_page_has_an_adapter_that_conforms(project: Path) -> None:
    """Three files, and the whole suite passes for the new kind."""
    environ = {**os.environ, "PYTHONPATH": f"{project}:{project / 'layers/connector'}"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *command()],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout


def test_the_tests_own_channel_is_the_pages() -> None:
    """So the code around adapters is tested with what the page teaches."""
    written = files()
    adapter = (PROJECT / "tests/support/sixth_channel.py").read_text()
    samples = (PROJECT / "tests/support/sixth_channel_samples.py").read_text()

    assert written[f"{ADAPTERS}/pigeon.py"] == adapter.replace(
        "from liveperson_connector.channel.adapters.", "from ."
    )
    assert written["tests/support/adapters/pigeon.py"] == samples.replace(
        "from tests.support.adapters import", "from . import"
    )


def test_the_adapter_is_a_page_of_code() -> None:
    """Anyone can read it at a sitting."""
    assert len(files()[f"{ADAPTERS}/pigeon.py"].splitlines()) <= 140
