"""A short soak, with everything that breaks in a long one: every promise holds."""

import json
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import PROJECT

SECONDS = 40
SETTLE_SECONDS = 240
HIDDEN_FOR = 35
"""A killed worker's message comes back after so many seconds, where AWS waits 180."""


def test_a_short_soak(tmp_path: Path) -> None:
    """People talk for 40 s while both partners fail, workers are killed and AWS falls silent."""
    command = [
        *(sys.executable, "-m", "sandbox", "soak", "--state-dir", str(tmp_path)),
        *("--seed", "1", "--minutes", str(SECONDS / 60), "--consumers", "8", "--faults", "0.1"),
        *("--settle", str(SETTLE_SECONDS), "--hidden-for", str(HIDDEN_FOR)),
    ]
    soak = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert 0 == soak.returncode, soak.stdout + soak.stderr
    result = json.loads((tmp_path / "soak-1.json").read_text())
    assert result["held"]
    assert result["numbers"]["consumer_texts"] > 50
    assert result["numbers"]["faults_by_liveperson"] > 2
    assert result["numbers"]["big_troubles"] == 10
