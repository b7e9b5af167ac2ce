"""The first set-up shows what is being done, and says what to do when it cannot be done."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.install import explained, progress
from tools.template import PROJECT

INSTALL = PROJECT / "tools" / "install.py"


def wheel(folder: Path) -> Path:
    """Make a package of nothing but a name."""
    file = folder / "nothing_at_all-1.0-py3-none-any.whl"
    about = "nothing_at_all-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as written:
        written.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: nothing-at-all\nVersion: 1.0\n"
        )
        written.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        written.writestr(f"{about}/RECORD", "")
    return file


def install(requirements: Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run it as ``make setup`` does, into a folder of the test's own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, INSTALL, requirements],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=clean
        | {"PIP_CONFIG_FILE": os.devnull, "PIP_TARGET": str(folder / "installed")}
        | {"PIP_NO_CACHE_DIR": "1", "PIP_RETRIES": "0", **settings},
    )


def pinned(folder: Path, name: str, digest: str) -> Path:
    """Write requirements of one package."""
    file = folder / "requirements.txt"
    file.write_text(f"{name}==1.0 \\\n    --hash=sha256:{digest}\n")
    return file


def test_what_is_pinned_is_installed(tmp_path: Path) -> None:
    """It says what it fetches, and that it is done."""
    digest = hashlib.sha256(wheel(tmp_path).read_bytes()).hexdigest()
    requirements = pinned(tmp_path, "nothing-at-all", digest)

    said = install(requirements, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))

    assert 0 == said.returncode, said.stderr
    assert "setup: fetching the tools" in said.stdout
    assert said.stdout.endswith("setup: done\n")
    assert (tmp_path / "installed" / "nothing_at_all-1.0.dist-info").is_dir()


def test_without_a_package_index_it_says_which_setting_names_one(tmp_path: Path) -> None:
    """A machine behind a company's wall has an index of its own."""
    requirements = pinned(tmp_path, "nothing-at-all", "0" * 64)

    said = install(requirements, tmp_path, PIP_INDEX_URL="http://127.0.0.1:9/simple")

    assert 1 == said.returncode
    assert "setup: pip reached no package index" in said.stderr
    assert "  do: connect to https://pypi.org, or name your own index: PIP_INDEX_URL" in said.stderr


def test_a_file_that_was_not_pinned_is_told(tmp_path: Path) -> None:
    """Its hash is another: it is not installed."""
    wheel(tmp_path)
    requirements = pinned(tmp_path, "nothing-at-all", "0" * 64)

    said = install(requirements, tmp_path, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path))

    assert 1 == said.returncode
    assert "setup: a package is not the one that was pinned" in said.stderr


def test_how_far_it_is_is_told_now_and_then() -> None:
    """Not once a package, and not once in two minutes."""
    lines = [*(f"Collecting package-{number}==1.0\n" for number in range(25)), "  Downloading\n"]

    assert [
        "10 packages are here",
        "20 packages are here",
        "all 25 are here; installing them (half a minute)",
    ] == list(progress([*lines, "Installing collected packages: a, b\n"]))


@pytest.mark.parametrize("said", ["", "error: command 'gcc' failed\n"])
def test_any_other_failure_points_at_pips_own_words(said: str) -> None:
    """They are shown above it."""
    assert "its last lines are above" in explained(said)[0]


def test_make_setup_uses_it() -> None:
    """For the tools, which take long."""
    makefile = (PROJECT / "Makefile").read_text()

    assert "tools/install.py requirements/dev.txt" in makefile
