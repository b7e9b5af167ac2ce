"""A real web browser without a window, where this machine has one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--ignore-certificate-errors", "--no-proxy-server"),
)


def why_not() -> str:
    """Say why no browser can be used here; empty if one can."""
    return "" if program() else f"there is no {NAMES[0]} on this machine"


@contextmanager
def showing(url: str, profile: Path, *flags: str) -> Iterator[None]:
    """Show a page in a browser with an empty profile, until the block ends."""
    command = [program(), *FLAGS, *flags, f"--user-data-dir={profile}", url]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def shown(url: str, profile: Path, *flags: str) -> str:
    """Return what a browser makes of an address, as HTML."""
    command = [program(), *FLAGS, *flags, "--dump-dom", f"--user-data-dir={profile}", url]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=True
    ).stdout


def program() -> str:
    """Return the browser's path; empty if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")
