"""The drill loses a stack with open conversations, and must say by its exit code who is known."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_a_stack_made_anew_keeps_its_people(tmp_path: Path) -> None:
    """No consumer is a stranger, what had arrived does not arrive twice, what was lost is named."""
    said = subprocess.run(
        [sys.executable, "-m", "sandbox", "drill", "--state-dir", str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert 0 == said.returncode, said.stdout + said.stderr
    assert "Every check held" in said.stdout
    assert 3 == said.stdout.count("✓ no consumer became a stranger")
