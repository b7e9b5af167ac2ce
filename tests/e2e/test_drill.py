"""The drill loses a stack with open conversations, and must say by its exit code who is known."""

from pathlib import Path

from tests.e2e.conftest import run_sandbox


def test_a_stack_made_anew_keeps_its_people(tmp_path: Path) -> None:
    """No consumer is a stranger, what had arrived does not arrive twice, what was lost is named."""
    said = run_sandbox("drill", "--state-dir", str(tmp_path))

    assert 0 == said.returncode, said.stdout + said.stderr
    assert "Every check held" in said.stdout
    assert 3 == said.stdout.count("✓ no consumer became a stranger")
